"""Which worktree a path is in, and its branch: by the files of `.git`, and by git itself where they are unusual."""

from __future__ import annotations

import os

from llmswitch.base.errors import LlmswitchError, UsageProblem
from llmswitch.worktrees import layout

TYPE_CHECKING = False
if TYPE_CHECKING:
    from llmswitch.worktrees.layout import Worktree


def find(path: str) -> Worktree:
    """Return the worktree that holds the folder `path`, or the plain folder itself outside any repository.

    Raises UsageProblem for a missing folder, a bare repository, a git folder or one git cannot read; Refused
    where git distrusts the owner; LlmswitchError where git is missing or the current folder is gone.
    """
    try:
        # No shell expands the ~ of `--worktree=~/app`.
        home = path[:1] == "~" and not os.path.lexists(path)
        folder = os.path.realpath(os.path.expanduser(path) if home else path)
    except OSError as error:
        raise LlmswitchError(f"The current folder cannot be found ({error.strerror}).", hint="Go to another.") from None
    if not path or not os.path.isdir(folder):
        raise UsageProblem(f"{folder if path else 'The empty path'} is not a folder.")
    if found := layout.find(folder):
        return found
    from llmswitch.worktrees import git  # only for an unusual layout

    return git.ask(folder)


def branch(worktree: Worktree) -> str | None:
    """Return the branch that is checked out, None for a detached HEAD or no repository."""
    if not worktree.in_repository:
        return None
    name = layout.branch(worktree.git_dir)
    if name is not None:
        return name or None
    from llmswitch.worktrees.git import git  # only for an unusual HEAD

    code, out, _ = git("symbolic-ref", "--quiet", "--short", "HEAD", folder=worktree.root)
    return out.removesuffix("\n") if code == 0 else None
