"""Whether the libraries of the gateway, which are an extra, are installed."""

from __future__ import annotations

from importlib.util import find_spec

from llmswitch.base.errors import LlmswitchError
from llmswitch.base.extras import add_extra


def check_installed() -> None:
    """Raise LlmswitchError, with what to install, where the gateway's libraries are not there."""
    missing = next((name for name in ("aiohttp", "httptools") if find_spec(name) is None), None)
    if missing:
        raise LlmswitchError(
            f"This needs the local gateway, for which {missing} is not installed.",
            hint=f"Install it: {add_extra('gateway')}",
        )
