"""Before a key is written: git must ignore the settings file and never have taken it in. What a healthy file needs."""

from __future__ import annotations

import os

from llmswitch.base.files import TEMPORARY
from llmswitch.claude.variables import LOCAL
from llmswitch.worktrees.layout import Worktree
from llmswitch.worktrees.program import run_git

# The temporary file beside it holds the same key for a moment; Claude Code's own global rule misses such names.
BOTH = (LOCAL, f".claude/{TEMPORARY}")


def ensure(worktree: Worktree, dry_run: bool = False) -> str | None:
    """Make git ignore the settings file and return the ignore file that got the rule, None where none was needed.

    Raises Refused, whatever else is said, where git tracks the file or goes on not ignoring it.
    """
    path = os.path.join(worktree.root, LOCAL)
    here = os.path.realpath(path) == path and not os.path.lexists(os.path.join(worktree.root, ".claude", ".git"))
    if here and (not worktree.in_repository or _keeps_out(worktree)):
        return None
    from llmswitch.settings import ignore_making  # only where git does not keep the file out yet

    return ignore_making.ensure(worktree, dry_run)


def _keeps_out(worktree: Worktree) -> bool:
    """Say whether git ignores both files and tracks neither, in one question; where it cannot say, more are asked."""
    code, out, _ = run_git("check-ignore", "--", *BOTH, folder=worktree.root)
    return code == 0 and out.count("\n") == len(BOTH)
