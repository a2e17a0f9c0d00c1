"""The git program, the one place that starts it, and what it says of a folder or a file there."""

from __future__ import annotations

import errno
import os

from llmswitch.base.errors import LlmswitchError, Refused, UsageProblem
from llmswitch.worktrees.layout import Worktree, has_git

# What makes git answer for another repository than the path's own (`git rev-parse --local-env-vars`).
_MISLEADING = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_CONFIG", "GIT_CONFIG_PARAMETERS", "GIT_CONFIG_COUNT",
    "GIT_OBJECT_DIRECTORY", "GIT_DIR", "GIT_WORK_TREE", "GIT_IMPLICIT_WORK_TREE", "GIT_GRAFT_FILE",
    "GIT_INDEX_FILE", "GIT_NO_REPLACE_OBJECTS", "GIT_REPLACE_REF_BASE", "GIT_PREFIX", "GIT_SHALLOW_FILE",
    "GIT_COMMON_DIR", "GIT_CEILING_DIRECTORIES", "GIT_NAMESPACE",
)  # fmt: skip
# What starting a program that is not there, or is none, ends in.
_ABSENT = (errno.ENOENT, errno.EACCES, errno.ENOTDIR, errno.ENOEXEC)

ABSENT = 127  # a shell's exit code for a program that is not there


def git(*arguments: str, folder: str) -> tuple[int, str, str]:
    """Run git in `folder` and return its exit code, output and complaint; code 127 where there is no git.

    Raises LlmswitchError where no program can be started. Spawned without the subprocess module, whose import
    costs 1.24 of Python's own start, more than git itself.
    """
    environ = {name: value for name, value in os.environ.items() if name not in _MISLEADING}
    environ |= {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0"}
    try:
        return _spawn(["git", "-C", folder, *arguments], environ)
    except OSError as error:
        raise LlmswitchError(f"git cannot be run in {folder}: {error.strerror}.") from None


def _spawn(argv: list[str], environ: dict[str, str]) -> tuple[int, str, str]:
    (out, out_end), (err, err_end) = os.pipe(), os.pipe()
    actions = [(os.POSIX_SPAWN_DUP2, out_end, 1), (os.POSIX_SPAWN_DUP2, err_end, 2)]
    try:
        pid = os.posix_spawnp(argv[0], argv, environ, file_actions=actions)
    except OSError as error:
        os.close(out)
        os.close(err)
        if error.errno in _ABSENT:
            return ABSENT, "", ""
        raise
    finally:
        os.close(out_end)
        os.close(err_end)
    # Output first: it is short here, and what git complains about is far below a pipe's 64 KiB.
    with open(out, "rb") as output, open(err, "rb") as errors:
        answer, complaint = output.read(), errors.read()
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return code, os.fsdecode(answer), os.fsdecode(complaint).strip()


def tracks(worktree: Worktree, path: str) -> bool:
    """Say whether git tracks the file (a path inside the worktree); Refused where git cannot tell."""
    return _answer(worktree, "ls-files", "--", path) != ""


def ignores(worktree: Worktree, *paths: str) -> bool:
    """Say whether git ignores all these files, tracked or not; Refused where git cannot tell."""
    return _answer(worktree, "check-ignore", "--no-index", "--", *paths).count("\n") == len(paths)


def keeps_out(worktree: Worktree, *paths: str) -> bool:
    """Say whether git ignores all these files and tracks none of them, in one question."""
    return _answer(worktree, "check-ignore", "--", *paths).count("\n") == len(paths)


def _answer(worktree: Worktree, *question: str) -> str:
    """Return git's answer, "" for no: exit 0 is yes, 1 is no; 128 may be a damaged index or configuration."""
    code, out, complaint = git(*question, folder=worktree.root)
    if code == ABSENT:
        raise _no_git(worktree.root)
    if code not in (0, 1):
        ask(worktree.root)  # where git cannot read the repository at all, that is what to say
        raise Refused(f"git cannot say whether a key would be safe in {worktree.root}: {complaint or f'exit {code}'}.")
    return out


def copies(worktree: Worktree, path: str) -> bool:
    """Say whether a new worktree that Claude Code makes gets a copy of the file, by its `.worktreeinclude`."""
    chosen = ("--others", "--ignored", "--exclude-from=.worktreeinclude")
    return bool(git("ls-files", *chosen, "--", path, folder=worktree.root)[1])


def exclude_file(worktree: Worktree) -> str:
    """Return the repository's own ignore file, shared by all its worktrees."""
    _, out, _ = git("rev-parse", "--git-path", "info/exclude", folder=worktree.root)
    return os.path.join(worktree.root, out.removesuffix("\n"))


def ask(folder: str) -> Worktree:
    """Return the worktree of a folder as git itself says; raises as `worktree.find` does."""
    asked = ("--show-toplevel", "--absolute-git-dir", "--git-common-dir")
    code, out, complaint = git("rev-parse", "--path-format=absolute", *asked, folder=folder)
    if code != 0:
        return _explain(folder, code, complaint)
    lines = out.removesuffix("\n").split("\n")
    if len(lines) != len(asked):  # a path with a line break in it
        lines = [
            git("rev-parse", "--path-format=absolute", what, folder=folder)[1].removesuffix("\n") for what in asked
        ]
    return Worktree(*(os.path.realpath(line) for line in lines))


def _explain(folder: str, code: int, complaint: str) -> Worktree:
    if "not a git repository" in complaint and "gitfile" not in complaint and not has_git(folder):
        return Worktree(folder)
    if code == ABSENT:
        if not has_git(folder):
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
