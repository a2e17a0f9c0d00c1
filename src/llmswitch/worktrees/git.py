"""What git says of a file in a worktree."""

from __future__ import annotations

import os

from llmswitch.base.errors import Refused
from llmswitch.worktrees.ask import ask, no_git
from llmswitch.worktrees.layout import Worktree
from llmswitch.worktrees.program import ABSENT, LATE, run_git


def tracks(worktree: Worktree, path: str) -> bool:
    """Say whether git tracks the file (a path inside the worktree); Refused where git cannot tell."""
    return _answer(worktree, "ls-files", "--", path) != ""


def ignores(worktree: Worktree, *paths: str) -> bool:
    """Say whether git ignores all these files, tracked or not; Refused where git cannot tell."""
    return _answer(worktree, "check-ignore", "--no-index", "--", *paths).count("\n") == len(paths)


def _answer(worktree: Worktree, *question: str) -> str:
    """Return git's answer, "" for no: exit 0 is yes, 1 is no; 128 may be a damaged index or configuration."""
    code, out, complaint = run_git(*question, folder=worktree.root)
    if code == ABSENT:
        raise no_git(worktree.root)
    if code not in (0, 1):
        if code != LATE:
            ask(worktree.root)  # where git cannot read the repository at all, that is what to say
        raise Refused(f"git cannot say whether a key would be safe in {worktree.root}: {complaint or f'exit {code}'}.")
    return out


def exclude_file(worktree: Worktree) -> str:
    """Return the repository's own ignore file, shared by all its worktrees."""
    _, out, _ = run_git("rev-parse", "--git-path", "info/exclude", folder=worktree.root)
    return os.path.join(worktree.root, out.removesuffix("\n"))
