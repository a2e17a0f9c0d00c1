"""The git program: the one place that starts it."""

from __future__ import annotations

import errno
import os

from llmswitch.base.errors import LlmswitchError

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


def no_git(folder: str) -> LlmswitchError:
    """Return the error for a repository without a git to ask."""
    return LlmswitchError(f"{folder} is in a git repository, but git was not found.", hint="Install git.")
