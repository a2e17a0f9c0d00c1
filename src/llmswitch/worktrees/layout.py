"""A git worktree, and which one a folder is in, read from `.git` itself where the layout is a usual one.

Starting git costs more than all the rest of a `status` (3 ms, 0.25 of Python's own start). Whatever is unusual is
left to git.
"""

from __future__ import annotations

import os

from llmswitch.base.errors import LlmswitchError, UsageProblem
from llmswitch.base.opened import bytes_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

PREFIX = "gitdir: "
# Words in a repository's configuration that move its work tree, or let another file do so.
_MOVED: tuple[str, ...] = ("worktree", "include", "bare=true")
_MOVED_LINKED = ("worktree", "include")


class Worktree:
    """One work tree: its root and, unless it is a plain folder, its own and the repository's git folder."""

    __slots__ = ("common_dir", "git_dir", "root")

    def __init__(self, root: str, git_dir: str = "", common_dir: str = "") -> None:
        self.root, self.git_dir, self.common_dir = root, git_dir, common_dir

    @property
    def in_repository(self) -> bool:
        """Say whether git knows this folder."""
        return bool(self.git_dir)

    @property
    def is_main(self) -> bool:
        """Say whether this is not a linked worktree."""
        return self.git_dir == self.common_dir


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
    if found := _by_hand(folder):
        return found
    return Worktree(*_git().ask(folder))


def branch(worktree: Worktree) -> str | None:
    """Return the branch that is checked out, None for a detached HEAD or no repository."""
    if not worktree.in_repository:
        return None
    name = _branch_by_hand(worktree.git_dir)
    if name is not None:
        return name or None
    asked: str | None = _git().branch(worktree.root)
    return asked


def _git() -> Any:
    from llmswitch.worktrees import ask  # only for an unusual layout, or HEAD

    return ask


def _by_hand(folder: str) -> Worktree | None:
    """Return the worktree of a folder, or the plain folder outside any repository; None: ask git.

    `folder` is an absolute path without links.
    """
    try:
        owner, device = os.geteuid(), os.stat(folder).st_dev
        for root in _upwards(folder):
            if os.stat(root).st_dev != device or os.path.lexists(os.path.join(root, "HEAD")):
                return None  # a file system's edge, where git stops; perhaps a bare repository
            if os.path.lexists(os.path.join(root, ".git")):
                return _repository(root, owner)
    except (OSError, ValueError):
        return None
    return Worktree(folder)


def _branch_by_hand(git_dir: str) -> str | None:
    """Return the branch that HEAD names, "" for a commit; None: ask git."""
    try:
        head = read_line(os.path.join(git_dir, "HEAD"))
    except (OSError, ValueError):
        return None
    name = head.removeprefix("ref: refs/heads/")
    if name == head:
        return "" if len(head) >= 40 and not head.startswith("ref:") else None
    return None if name == ".invalid" else name  # the reftable format keeps its HEAD elsewhere


def _upwards(folder: str) -> Iterator[str]:
    while True:
        yield folder
        above = os.path.dirname(folder)
        if above == folder:
            return
        folder = above


def _repository(root: str, owner: int) -> Worktree | None:
    """Return what is at a root with a `.git`; git trusts only what belongs to the user (safe.directory)."""
    git = os.path.join(root, ".git")
    if os.path.isdir(git):
        git_dir = common = os.path.realpath(git)
        moved = _MOVED
        if os.path.lexists(os.path.join(git_dir, "commondir")):
            return None
    else:
        text = read_line(git)
        if not text.startswith(PREFIX):
            return None
        git_dir = os.path.realpath(os.path.join(root, text[len(PREFIX) :]))
        common = os.path.realpath(os.path.join(git_dir, read_line(os.path.join(git_dir, "commondir"))))
        moved = _MOVED_LINKED
    config = read_line(os.path.join(common, "config")).lower().replace(" ", "")
    if any(os.lstat(path).st_uid != owner for path in (root, git, git_dir)) or any(word in config for word in moved):
        return None
    usable = all(os.path.isdir(os.path.join(common, name)) for name in ("objects", "refs"))
    return Worktree(root, git_dir, common) if usable and os.path.isfile(os.path.join(git_dir, "HEAD")) else None


def read_line(path: str) -> str:
    """Return the one line of a file of git's own; raises OSError."""
    return os.fsdecode(bytes_of(path)).removesuffix("\n")
