"""What git would say about a folder's worktree, read from `.git` itself, where the layout is a usual one.

Starting git costs more than all the rest of a `status`. Whatever is unusual is left to git.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

PREFIX = "gitdir: "
# Words in a repository's configuration that move its work tree, or let another file do so.
_MOVED: tuple[str, ...] = ("worktree", "include", "bare=true")
_MOVED_LINKED = ("worktree", "include")


def find(folder: str) -> tuple[str, ...] | None:
    """Return (root,) for a folder outside any repository, (root, git dir, common dir) inside one; None: ask git.

    `folder` is an absolute path without links.
    """
    try:
        owner, device = os.geteuid(), os.stat(folder).st_dev
        for root in _upwards(folder):
            if os.stat(root).st_dev != device or os.path.lexists(os.path.join(root, "HEAD")):
                return None  # a file system's edge, where git stops; perhaps a bare repository
            if os.path.lexists(os.path.join(root, ".git")):
                return _repository(root, owner)
    except (AttributeError, OSError, ValueError):  # Windows has no user ids
        return None
    return (folder,)


def branch(git_dir: str) -> str | None:
    """Return the branch that HEAD names, "" for a commit; None: ask git."""
    try:
        head = _read(os.path.join(git_dir, "HEAD"))
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


def _repository(root: str, owner: int) -> tuple[str, ...] | None:
    """Return what is at a root with a `.git`; git trusts only what belongs to the user (safe.directory)."""
    git = os.path.join(root, ".git")
    if os.path.isdir(git):
        git_dir = common = os.path.realpath(git)
        moved = _MOVED
        if os.path.lexists(os.path.join(git_dir, "commondir")):
            return None
    else:
        text = _read(git)
        if not text.startswith(PREFIX):
            return None
        git_dir = os.path.realpath(os.path.join(root, text[len(PREFIX) :]))
        common = os.path.realpath(os.path.join(git_dir, _read(os.path.join(git_dir, "commondir"))))
        moved = _MOVED_LINKED
    config = _read(os.path.join(common, "config")).lower().replace(" ", "")
    if any(os.lstat(path).st_uid != owner for path in (root, git, git_dir)) or any(word in config for word in moved):
        return None
    usable = all(os.path.isdir(os.path.join(common, name)) for name in ("objects", "refs"))
    return (root, git_dir, common) if usable and os.path.isfile(os.path.join(git_dir, "HEAD")) else None


def _read(path: str) -> str:
    with open(path, "rb") as file:
        return os.fsdecode(file.read(65536)).removesuffix("\n")
