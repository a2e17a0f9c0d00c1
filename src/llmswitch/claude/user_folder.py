"""Claude Code's folder of the user, in which the login, the transcripts and the user's own files are (2.1.332)."""

from __future__ import annotations

import os

from llmswitch.claude.layers import Reader

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


def user_folder(environ: Mapping[str, str], folder: str) -> str:
    """Return it for a session that starts in `folder`, which it is itself with a blank CLAUDE_CONFIG_DIR."""
    named = Reader(environ).user
    return os.path.join(folder, named) if named else folder


def projects(environ: Mapping[str, str], folder: str) -> str:
    """Return the folder that holds the transcripts of sessions that start in `folder`."""
    return os.path.join(user_folder(environ, folder), "projects")
