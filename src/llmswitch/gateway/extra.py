"""Whether the library of the gateway, which is an extra, is installed."""

from __future__ import annotations

from importlib.util import find_spec

from llmswitch.base.errors import LlmswitchError
from llmswitch.base.extras import add_extra


def check_installed() -> None:
    """Raise LlmswitchError, with what to install, where it is not there."""
    if find_spec("httptools") is None:
        raise LlmswitchError(
            "This needs the local gateway, for which httptools is not installed.",
            hint=f"Install it: {add_extra('gateway')}",
        )
