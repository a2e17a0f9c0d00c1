"""Before a key is written: git must ignore the settings file and never have taken it in. What a healthy file needs."""

from __future__ import annotations

import os

from llmswitch.claude.variables import LOCAL
from llmswitch.worktrees import git

TYPE_CHECKING = False
if TYPE_CHECKING:
    from llmswitch.worktrees.layout import Worktree

# The temporary file beside it holds the same key for a moment; Claude Code's own global rule misses such names.
BOTH = (LOCAL, ".claude/.llmswitch-key.tmp")


def ensure(worktree: Worktree, dry_run: bool = False) -> str | None:
    """Make git ignore the settings file and return the ignore file that got the rule, None where none was needed.

    Raises Refused, whatever else is said, where git tracks the file or goes on not ignoring it.
    """
    path = os.path.join(worktree.root, LOCAL)
    here = os.path.realpath(path) == path and not os.path.lexists(os.path.join(worktree.root, ".claude", ".git"))
    if here and (not worktree.in_repository or git.keeps_out(worktree, *BOTH)):
        return None
    from llmswitch.settings import ignore_making  # only where git does not keep the file out yet

    return ignore_making.ensure(worktree, dry_run)
