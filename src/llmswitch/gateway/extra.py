"""Whether the library of the gateway, which is an extra, is installed."""

from __future__ import annotations

from importlib.util import find_spec

from llmswitch.base.errors import LlmswitchError
from llmswitch.base.install import add_extra


def check_installed() -> None:
    """Raise LlmswitchError, with what to install, where the gateway's library is not there."""
    if find_spec("aiohttp") is None:
        raise LlmswitchError(
            "This needs the local gateway, for which aiohttp is not installed.",
            hint=f"Install it: {add_extra('gateway')}",
        )
