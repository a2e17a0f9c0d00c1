"""Where the user's files of llmswitch are: the config folder and the state folder."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


def config_folder(environ: Mapping[str, str]) -> str:
    """Return the folder of the user's presets and settings; `LLMSWITCH_HOME` moves it."""
    return environ.get("LLMSWITCH_HOME") or os.path.join(_base(environ, "XDG_CONFIG_HOME", ".config"), "llmswitch")


def state_folder(environ: Mapping[str, str]) -> str:
    """Return the folder of locks and of what is known about saved keys; everything in it may be deleted."""
    if own := environ.get("LLMSWITCH_HOME"):
        return os.path.join(own, "state")
    return os.path.join(_base(environ, "XDG_STATE_HOME", ".local/state"), "llmswitch")


def _base(environ: Mapping[str, str], xdg: str, fallback: str) -> str:
    chosen = environ.get(xdg, "")  # the XDG base directory specification: a relative path is ignored
    return chosen if os.path.isabs(chosen) else os.path.join(environ.get("HOME") or os.path.expanduser("~"), fallback)
