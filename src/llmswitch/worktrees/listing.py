"""All worktrees of a repository, as git lists them; each path is checked, since git's list can be old."""

from __future__ import annotations

import os

from llmswitch.base.errors import UsageProblem
from llmswitch.base.opened import bytes_of
from llmswitch.worktrees.layout import PREFIX, Worktree, branch
from llmswitch.worktrees.program import run_git


class Listed:
    """One entry of git's list: `worktree` is None where the folder cannot be used, and `state` says why."""

    __slots__ = ("branch", "path", "state", "worktree")

    def __init__(self, path: str, branch: str | None, worktree: Worktree | None, state: str = "") -> None:
        self.path, self.branch, self.worktree, self.state = path, branch, worktree, state


def listing(worktree: Worktree) -> list[Listed]:
    """Return every worktree of the repository, main first.

    Outside a repository, or with a git that cannot tell (before 2.36 there is no -z), UsageProblem.
    """
    if not worktree.in_repository:
        raise UsageProblem(f"{worktree.root} is in no git repository, so there are no other worktrees.")
    code, out, complaint = run_git("worktree", "list", "--porcelain", "-z", folder=worktree.root)
    if code != 0:
        older = "It takes git 2.36 or newer." if code == 129 else ""  # it does not know the option
        raise UsageProblem(f"git cannot list the worktrees: {complaint}.", hint=older)
    blocks = [block.split("\0") for block in out.removesuffix("\0\0").split("\0\0")]
    real: dict[str, str] = {}
    found = [_main(worktree, blocks[0]), *(_linked(worktree, block, real) for block in blocks[1:])]
    known = {entry.worktree.root for entry in found if entry.worktree}
    if worktree.root not in known:  # moved by hand: git still lists the old place
        found.append(Listed(worktree.root, branch(worktree), worktree, "moved"))
    return found


def _fields(block: list[str]) -> dict[str, str]:
    return {name: text for name, _, text in (line.partition(" ") for line in block)}


def _branch(fields: dict[str, str]) -> str | None:
    return fields["branch"].removeprefix("refs/heads/") if "branch" in fields else None


def _main(worktree: Worktree, block: list[str]) -> Listed:
    """Return the main entry; for a submodule or a separate git folder git lists the git folder in its place."""
    fields = _fields(block)
    path, common = fields["worktree"], worktree.common_dir
    if "bare" in fields:
        return Listed(path, None, None, "bare")
    if worktree.is_main:
        return Listed(worktree.root, _branch(fields), worktree)
    if os.path.realpath(os.path.join(path, ".git")) == common:
        root = os.path.realpath(path)
        return Listed(root, _branch(fields), Worktree(root, common, common))
    return Listed(path, _branch(fields), None, "main checkout at an unknown place")


def _linked(worktree: Worktree, block: list[str], real: dict[str, str]) -> Listed:
    """Return an entry; `real` keeps what folders are without links, since most worktrees share one."""
    fields = _fields(block)
    path = fields["worktree"]
    if "prunable" in fields:
        return Listed(path, _branch(fields), None, "prunable: " + fields["prunable"])
    try:
        line = os.fsdecode(bytes_of(os.path.join(path, ".git"))).removeprefix(PREFIX).rstrip("\r\n")
        git_dir = os.path.join(path, line)
    except OSError:
        return Listed(path, _branch(fields), None, "locked, not there" if "locked" in fields else "missing")
    git_dir = _without_links(git_dir, real)
    if os.path.dirname(git_dir) != os.path.join(worktree.common_dir, "worktrees"):
        return Listed(path, _branch(fields), None, "belongs to another repository")
    return Listed(path, _branch(fields), Worktree(_without_links(path, real), git_dir, worktree.common_dir))


def _without_links(path: str, real: dict[str, str]) -> str:
    above, name = os.path.split(path)
    if name in ("", ".", "..") or os.path.islink(path):
        return os.path.realpath(path)
    if above not in real:
        real[above] = os.path.realpath(above)
    return os.path.join(real[above], name)
