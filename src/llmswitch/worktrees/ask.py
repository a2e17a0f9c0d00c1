"""Which worktree a folder is in, as git itself says: for the layouts that are not read by hand."""

from __future__ import annotations

import os
import stat
from shlex import quote

from llmswitch.base.errors import LlmswitchError, Refused, UsageProblem
from llmswitch.base.opened import bytes_of
from llmswitch.worktrees.program import ABSENT, run_git

TYPE_CHECKING = False
if TYPE_CHECKING:
    from llmswitch.worktrees.layout import Worktree


def ask(folder: str) -> tuple[str, ...]:
    """Return root, git folder and common folder of a worktree as git itself says, or the plain folder alone.

    Raises as `layout.find` does.
    """
    _check_files(folder)
    asked = ("--show-toplevel", "--absolute-git-dir", "--git-common-dir")
    code, out, complaint = run_git("rev-parse", "--path-format=absolute", *asked, folder=folder)
    if code != 0:
        return _explain(folder, code, complaint)
    lines = out.removesuffix("\n").split("\n")
    if len(lines) != len(asked):  # a path with a line break in it
        lines = [
            run_git("rev-parse", "--path-format=absolute", what, folder=folder)[1].removesuffix("\n") for what in asked
        ]
    found = tuple(os.path.realpath(line) for line in lines)
    _check_root(folder, found[0])
    return found


def branch(root: str) -> str | None:
    """Return the branch that is checked out, None for a detached HEAD."""
    code, out, _ = run_git("symbolic-ref", "--quiet", "--short", "HEAD", folder=root)
    return out.removesuffix("\n") if code == 0 else None


def _check_files(folder: str) -> None:
    """Refuse a repository of which git would read a pipe or a device: it waits there for somebody who writes."""
    for git_dir in _git_folders(folder):
        for name in ("HEAD", "commondir", "config"):
            path = os.path.join(git_dir, name)
            try:
                mode = os.stat(path).st_mode
            except (OSError, ValueError):
                continue  # git says what that means
            if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                raise UsageProblem(f"git cannot read the repository of {folder}: {path} is not a file.")


def _git_folders(folder: str) -> list[str]:
    """Return the worktree's own git folder and the repository's, those that can be found without git."""
    folder = _with_git(folder)
    if not folder:
        return []
    found = [os.path.join(folder, ".git")]
    for name, prefix in ((".git", b"gitdir: "), ("commondir", b"")):
        try:
            text = bytes_of(found[0] if name == ".git" else os.path.join(found[-1], name)).removesuffix(b"\n")
        except (OSError, ValueError):
            continue
        start = folder if name == ".git" else found[-1]
        found.append(os.path.join(start, os.fsdecode(text.removeprefix(prefix))))
    return found


def _check_root(folder: str, root: str) -> None:
    """Refuse where the folder that holds `.git` is not the one git takes for the worktree (core.worktree)."""
    at = _with_git(folder)
    if at and at != root and not (at + "/").startswith(root + "/"):
        raise Refused(
            f"{at} is a worktree, but git takes {root} for it: core.worktree is set in its configuration.",
            hint=f"See: git -C {quote(at)} config --show-origin core.worktree "
            "(it should stand in that worktree's own file).",
        )


def _explain(folder: str, code: int, complaint: str) -> tuple[str, ...]:
    if "not a git repository" in complaint and "gitfile" not in complaint and not _with_git(folder):
        return (folder,)
    if code == ABSENT:
        if not _with_git(folder):
            return (folder,)
        raise no_git(folder)
    if "dubious ownership" in complaint:
        raise Refused(f"git does not trust the owner of {folder}: {complaint}.")
    if "must be run in a work tree" in complaint:
        raise UsageProblem(
            f"{folder} is a bare repository or a git folder, not a worktree.",
            hint="Go to a worktree, or name one: -w PATH.",
        )
    raise UsageProblem(f"git cannot read the repository of {folder}: {complaint}.")


def _with_git(folder: str) -> str:
    """Return this folder or the nearest one above it in which `.git` lies, "" where there is none."""
    while not os.path.lexists(os.path.join(folder, ".git")):
        above = os.path.dirname(folder)
        if above == folder:
            return ""
        folder = above
    return folder


def copies(worktree: Worktree, path: str) -> bool:
    """Say whether a new worktree that Claude Code makes gets a copy of the file, by its `.worktreeinclude`."""
    chosen = ("--others", "--ignored", "--exclude-from=.worktreeinclude")
    return bool(run_git("ls-files", *chosen, "--", path, folder=worktree.root)[1])


def no_git(folder: str) -> LlmswitchError:
    """Return the error for a repository without a git to ask."""
    return LlmswitchError(f"{folder} is in a git repository, but git was not found.", hint="Install git.")
