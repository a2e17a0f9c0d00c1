"""Whose local settings file a session obeys besides that of its own folder (measured on Claude Code 2.1.329).

Since 2.1.211 the local file of the main checkout is read in its linked worktrees as well, and wins.
"""

from __future__ import annotations

import os

from llmswitch.worktrees.layout import Worktree, read_line


class Roots:
    """The roots whose local files count, for a user with this home; each is looked at once."""

    __slots__ = ("_obeyed", "_shared", "home")

    def __init__(self, home: str) -> None:
        self.home = home or os.path.expanduser("~")
        self._obeyed: dict[str | None, bool] = {}
        self._shared: dict[str, str | None] = {}

    def main(self, worktree: Worktree) -> str | None:
        """Return the main checkout whose local file a linked worktree also obeys, None where there is none.

        There is none for a worktree of a bare repository, of a separate git folder or of a submodule, nor for a main
        checkout that is the home folder or that is not all the user's own.
        """
        root = None if worktree.is_main else self.shared(worktree)
        return root if root != worktree.root and self.is_obeyed(root) else None

    def shared(self, worktree: Worktree) -> str | None:
        """Return the folder whose local file is meant for the whole repository, None where there is none."""
        if worktree.root not in self._shared:
            self._shared[worktree.root] = _shared_root(worktree)
        return self._shared[worktree.root]

    def is_obeyed(self, root: str | None) -> bool:
        """Say whether Claude Code takes the local file of a folder that is not the session's own."""
        if root not in self._obeyed:
            self._obeyed[root] = _is_obeyed(root, self.home)
        return self._obeyed[root]


def _shared_root(worktree: Worktree) -> str | None:
    if not worktree.in_repository:
        return None
    # A path with a backslash is none of the repository's for the client (2.1.329).
    if worktree.is_main or "\\" in worktree.root + worktree.git_dir or not _is_listed(worktree):
        return worktree.root
    parent, name = os.path.split(worktree.common_dir)
    return parent if name == ".git" else None


def _is_listed(worktree: Worktree) -> bool:
    """Say whether the repository knows the worktree under this path: not when it was moved by hand."""
    try:
        link = read_line(os.path.join(worktree.git_dir, "gitdir"))
    except OSError:
        return False
    back = os.path.dirname(os.path.join(worktree.git_dir, link))
    return back == worktree.root or os.path.realpath(back) == worktree.root


def _is_obeyed(root: str | None, home: str) -> bool:
    if root is None or root == os.path.realpath(home):
        return False
    try:
        owners = {os.stat(root).st_uid, os.lstat(os.path.join(root, ".git")).st_uid}
        claude = os.path.join(root, ".claude")
        return owners | ({os.lstat(claude).st_uid} if os.path.lexists(claude) else set()) == {os.geteuid()}
    except OSError:
        return False
