"""A new linked worktree where and as Claude Code makes one for `--worktree` and for its agents (2.1.332).

In `.claude/worktrees/NAME` of the main checkout, on the branch `worktree-NAME`, from the remote's default branch or
from HEAD, with the ignored files that `.worktreeinclude` names. Claude Code itself also fetches before, and locks it.
"""

from __future__ import annotations

import os
import shutil

from llmswitch.base.errors import LlmswitchError, UsageProblem
from llmswitch.worktrees.layout import Worktree
from llmswitch.worktrees.program import run_git

PLACE = ".claude/worktrees"
INCLUDED = ".worktreeinclude"
SECONDS = 600.0  # a checkout of a large repository
# What is asked for is a checkout: it may get objects that a partial clone left out, as git does for its user.
_WRITING = {"LC_ALL": "C"}


def make(main: Worktree, name: str, from_head: bool) -> tuple[str, list[str]]:
    """Make the worktree of that name and return its path, and why files that belong into it are not there.

    One that is there already is taken as it is.

    Raises UsageProblem for a name that leads elsewhere, LlmswitchError, with git's words, where git makes none.
    """
    word = name.replace("/", "+")
    if not word or word in (".", "..") or word.startswith("-") or not word.isprintable():
        raise UsageProblem(f"{name!r} is no name for a worktree.")
    path = os.path.join(main.root, PLACE, word)
    if os.path.isfile(os.path.join(path, ".git")):
        return path, []
    base = "HEAD" if from_head or not _is_commit(main, "origin/HEAD") else "origin/HEAD"
    branch = f"worktree-{word}"
    known = run_git("rev-parse", "--verify", "--quiet", f"refs/heads/{branch}", folder=main.root)[0] == 0
    added = [path, branch] if known else ["--no-track", "-b", branch, path, base]
    code, _, complaint = run_git(
        "worktree", "add", "--quiet", *added, folder=main.root, seconds=SECONDS, fixed=_WRITING
    )
    if code:
        raise LlmswitchError(f"git made no worktree at {path}: {complaint or f'exit {code}'}.")
    return path, _copy_included(main.root, path)


def remove(path: str) -> None:
    """Take a worktree away where git would lose nothing by it; LlmswitchError, with git's words, where it would."""
    code, _, complaint = run_git(
        "worktree", "remove", path, folder=os.path.dirname(path), seconds=SECONDS, fixed=_WRITING
    )
    if code:
        raise LlmswitchError(f"{path} stays: {complaint or f'exit {code}'}.")


def _is_commit(main: Worktree, name: str) -> bool:
    return run_git("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}", folder=main.root)[0] == 0


def _copy_included(root: str, path: str) -> list[str]:
    """Copy the ignored files that `.worktreeinclude` names, and return why some could not be."""
    if not os.path.isfile(os.path.join(root, INCLUDED)):
        return []
    failed = []
    ignored = _others(root, "--exclude-standard")
    for name in sorted(_others(root, f"--exclude-from={INCLUDED}") & ignored):
        source, target = os.path.join(root, name), os.path.join(path, name)
        if name.startswith(PLACE + "/") or os.path.lexists(target) or not os.path.isfile(source):
            continue
        try:
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copy2(source, target, follow_symlinks=False)
        except OSError as error:
            failed.append(f"{name} of {INCLUDED} was not copied to {path}: {error.strerror}.")
    return failed


def _others(root: str, rules: str) -> set[str]:
    code, out, _ = run_git("ls-files", "-z", "--others", "--ignored", rules, folder=root, seconds=SECONDS)
    return {name for name in out.split("\0") if name} if code == 0 else set()
