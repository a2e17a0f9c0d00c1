"""Which worktree a path is in, which others there are, and what git says about a file there."""

from __future__ import annotations

import os

from llmswitch.base.errors import LlmswitchError, Refused, UsageProblem
from llmswitch.worktrees import layout as git_files
from llmswitch.worktrees.git import ABSENT, git


class Worktree:
    """One work tree: its root and, unless it is a plain folder, its own and the repository's git folder."""

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

    def branch(self) -> str | None:
        """Return the branch that is checked out, None for a detached HEAD or no repository."""
        if not self.in_repository:
            return None
        name = git_files.branch(self.git_dir)
        if name is not None:
            return name or None
        code, out, _ = git("symbolic-ref", "--quiet", "--short", "HEAD", folder=self.root)
        return out.removesuffix("\n") if code == 0 else None

    def tracks(self, path: str) -> bool:
        """Say whether git tracks the file (a path inside the worktree); Refused where git cannot tell."""
        return self._answer("ls-files", "--", path) != ""

    def ignores(self, *paths: str) -> bool:
        """Say whether git ignores all these files, tracked or not; Refused where git cannot tell."""
        return self._answer("check-ignore", "--no-index", "--", *paths).count("\n") == len(paths)

    def keeps_out(self, *paths: str) -> bool:
        """Say whether git ignores all these files and tracks none of them, in one question."""
        return self._answer("check-ignore", "--", *paths).count("\n") == len(paths)

    def _answer(self, *question: str) -> str:
        """Return git's answer, "" for no: exit 0 is yes, 1 is no; 128 may be a damaged index or configuration."""
        code, out, complaint = git(*question, folder=self.root)
        if code == ABSENT:
            raise _no_git(self.root)
        if code not in (0, 1):
            ask(self.root)  # where git cannot read the repository at all, that is what to say
            raise Refused(f"git cannot say whether a key would be safe in {self.root}: {complaint or f'exit {code}'}.")
        return out

    def copies(self, path: str) -> bool:
        """Say whether a new worktree that Claude Code makes gets a copy of the file (`.worktreeinclude`)."""
        if not os.path.isfile(os.path.join(self.root, ".worktreeinclude")):
            return False
        chosen = ("--others", "--ignored", "--exclude-from=.worktreeinclude")
        return bool(git("ls-files", *chosen, "--", path, folder=self.root)[1])

    def exclude_file(self) -> str:
        """Return the repository's own ignore file, shared by all its worktrees."""
        _, out, _ = git("rev-parse", "--git-path", "info/exclude", folder=self.root)
        return os.path.join(self.root, out.removesuffix("\n"))


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
    found = git_files.find(folder)
    return Worktree(*found) if found else ask(folder)


def ask(folder: str) -> Worktree:
    """Return the worktree of a folder as git itself says; raises as `find` does."""
    asked = ("--show-toplevel", "--absolute-git-dir", "--git-common-dir")
    code, out, complaint = git("rev-parse", "--path-format=absolute", *asked, folder=folder)
    if code != 0:
        return _explain(folder, code, complaint)
    lines = out.removesuffix("\n").split("\n")
    if len(lines) != len(asked):  # a path with a line break in it
        lines = [_one(folder, what) for what in asked]
    return Worktree(*(os.path.realpath(line) for line in lines))


def _one(folder: str, what: str) -> str:
    return git("rev-parse", "--path-format=absolute", what, folder=folder)[1].removesuffix("\n")


def _explain(folder: str, code: int, complaint: str) -> Worktree:
    if "not a git repository" in complaint and "gitfile" not in complaint and not _has_git(folder):
        return Worktree(folder)
    if code == ABSENT:
        if not _has_git(folder):
            return Worktree(folder)
        raise _no_git(folder)
    if "dubious ownership" in complaint:
        raise Refused(f"git does not trust the owner of {folder}: {complaint}")
    if "must be run in a work tree" in complaint:
        raise UsageProblem(
            f"{folder} is a bare repository or a git folder, not a worktree.",
            hint="Go to a worktree, or name one: -w PATH.",
        )
    raise UsageProblem(f"git cannot read the repository of {folder}: {complaint}")


def _no_git(folder: str) -> LlmswitchError:
    return LlmswitchError(f"{folder} is in a git repository, but git was not found.", hint="Install git.")


def _has_git(folder: str) -> bool:
    """Say whether `.git` lies in this folder or one above it."""
    while True:
        if os.path.lexists(os.path.join(folder, ".git")):
            return True
        above = os.path.dirname(folder)
        if above == folder:
            return False
        folder = above


class Listed:
    """One entry of git's list: `worktree` is None where the folder cannot be used, and `state` says why."""

    def __init__(self, path: str, branch: str | None, worktree: Worktree | None, state: str = "") -> None:
        self.path, self.branch, self.worktree, self.state = path, branch, worktree, state


def listing(worktree: Worktree) -> list[Listed]:
    """Return every worktree of the repository, main first; each path is checked, since git's list can be old.

    Outside a repository, or with a git that cannot tell (before 2.36 there is no -z), UsageProblem.
    """
    if not worktree.in_repository:
        raise UsageProblem(f"{worktree.root} is in no git repository, so there are no other worktrees.")
    code, out, complaint = git("worktree", "list", "--porcelain", "-z", folder=worktree.root)
    if code != 0:
        raise UsageProblem(f"git cannot list the worktrees: {complaint}", hint="It takes git 2.36 or newer.")
    blocks = [block.split("\0") for block in out.removesuffix("\0\0").split("\0\0")]
    real: dict[str, str] = {}
    found = [_main(worktree, blocks[0]), *(_linked(worktree, block, real) for block in blocks[1:])]
    known = {entry.worktree.root for entry in found if entry.worktree}
    if worktree.root not in known:  # moved by hand: git still lists the old place
        found.append(Listed(worktree.root, worktree.branch(), worktree, "moved"))
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
        with open(os.path.join(path, ".git"), "rb", buffering=0) as file:
            git_dir = os.path.join(path, os.fsdecode(file.read()).removeprefix("gitdir: ").rstrip("\r\n"))
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
