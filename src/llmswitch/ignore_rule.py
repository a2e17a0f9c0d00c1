"""Before a key is written: git must ignore the settings file and never have taken it in."""

from __future__ import annotations

import os

from llmswitch.errors import Refused
from llmswitch.settings_file import NAME

TYPE_CHECKING = False
if TYPE_CHECKING:
    from llmswitch.worktrees import Worktree

# The temporary file beside it holds the same key for a moment; Claude Code's own global rule misses such names.
TEMPORARY = ".claude/.llmswitch-key.tmp"
RULES = f"/{NAME}\n/.claude/.llmswitch-*\n"


def ensure(worktree: Worktree, dry_run: bool = False) -> str | None:
    """Make git ignore the settings file and return the ignore file that got the rule, None where none was needed.

    Raises Refused, whatever else is said, where git tracks the file or goes on not ignoring it.
    """
    if not worktree.in_repository:
        return None
    if worktree.tracks(NAME):
        raise Refused(
            f"git tracks {os.path.join(worktree.root, NAME)}: a key written there would be committed.",
            hint=f"To take it out of git and keep it on the disk: git rm --cached {NAME}",
        )
    if _ignored(worktree):
        return None
    path = worktree.exclude_file()
    if not dry_run:
        _append(path)
        if not _ignored(worktree):
            raise Refused(
                f"git would not ignore {os.path.join(worktree.root, NAME)} even with a rule in {path}.",
                hint="Look for a rule with `!` in .gitignore: git check-ignore -v --no-index " + NAME,
                changed="Only that rule was added.",
            )
    return path


def _ignored(worktree: Worktree) -> bool:
    return worktree.ignores(NAME) and worktree.ignores(TEMPORARY)


def _append(path: str) -> None:
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "a+b") as file:
            file.seek(max(0, file.tell() - 1))
            start = "" if file.read() in (b"", b"\n") else "\n"
            file.write((start + RULES).encode())
    except OSError as error:
        raise Refused(f"Cannot add the ignore rule to {path}: {error.strerror}.") from None
