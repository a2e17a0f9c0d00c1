"""The hooks by which Claude Code asks for a worktree of its own, and has one taken away."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from typing import Any

from llmswitch.base.errors import LlmswitchError, UsageProblem
from llmswitch.base.opened import bytes_of
from llmswitch.claude.user_folder import user_folder
from llmswitch.claude.variables import LOCAL, SHARED
from llmswitch.settings.checkout import Checkout, Checkouts
from llmswitch.worktrees import making

CREATE, REMOVE = "WorktreeCreate", "WorktreeRemove"


def settings(command: str) -> dict[str, Any]:
    """Return what belongs into the user's settings of Claude Code, so that it calls that command (2.1.332)."""
    return {"hooks": {event: [{"hooks": [{"type": "command", "command": command}]}] for event in (CREATE, REMOVE)}}


def called(
    text: str, checkouts: Checkouts, environ: Mapping[str, str], pin: Callable[[Checkout], None]
) -> tuple[str, list[str]]:
    """Do what a hook's input asks for; return the path of a worktree that was made, for Claude Code, and what it lacks.

    `pin` gives it its pin. Raises UsageProblem for an input that is none, LlmswitchError where git fails.
    """
    try:
        given = json.loads(text)
        event, folder = given["hook_event_name"], given["cwd"]
        what = given["name" if event == CREATE else "worktree_path"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise UsageProblem(
            "This is for Claude Code's hooks, whose input it reads.", hint="See: llmswitch hook claude"
        ) from None
    if event != CREATE:
        making.remove(str(what))
        return "", []
    here = checkouts.at(str(folder))
    main = here.main or here
    if not main.worktree.in_repository:
        raise LlmswitchError(f"{folder} is in no git repository.")
    path, lacking = making.make(main.worktree, str(what), _from_head(main.root, environ, str(folder)))
    pin(checkouts.at(path))
    return path, lacking


def _from_head(root: str, environ: Mapping[str, str], folder: str) -> bool:
    """Say whether the user's settings want new worktrees from HEAD: `worktree.baseRef`, the strongest file first."""
    own = user_folder(environ, folder)
    for path in (os.path.join(root, LOCAL), os.path.join(root, SHARED), os.path.join(own, "settings.json")):
        try:
            said = json.loads(bytes_of(path))["worktree"]["baseRef"]
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            continue
        return bool(said == "head")
    return False
