"""Where llmswitch and the user's files of it are: its command, the config folder and the state folder."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


def own_command() -> list[str]:
    """Return the command that starts this llmswitch, whatever folder it is started from.

    With -P, since a module of that name in the current folder must not run in its place.
    """
    program = os.path.abspath(sys.argv[0])
    return [program] if os.access(program, os.X_OK) else [sys.executable, "-P", "-m", "llmswitch"]


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
