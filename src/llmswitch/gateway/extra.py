"""Whether the libraries of the gateway, which are an extra, are installed."""

from __future__ import annotations

from importlib.util import find_spec

from llmswitch.base.errors import LlmswitchError


def check_installed(translating: bool = False) -> None:
    """Raise LlmswitchError, with what to install, where the gateway's libraries are not there."""
    needed = {"aiohttp": "gateway", **({"any_llm": "translate"} if translating else {})}
    for module, extra in needed.items():
        if find_spec(module) is None:
            raise LlmswitchError(
                f"This needs the local gateway, for which {module} is not installed.",
                hint=f'Install it: pip install "llmswitch[{extra}]"',
            )
