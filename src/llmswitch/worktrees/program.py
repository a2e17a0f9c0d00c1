"""The git program: the one place that starts it, and the one way in which it is asked."""

from __future__ import annotations

import errno
import os
import sys
from select import select
from time import monotonic

from llmswitch.base.errors import LlmswitchError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

# What in a repository's configuration would start programs of its own for what is asked here.
GUARDS = ("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null")
# What makes git answer for another repository than the path's own (`git rev-parse --local-env-vars`) or match paths
# in another way. GIT_CONFIG_* stay: by them containers say which owners are trusted.
_MISLEADING = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_OBJECT_DIRECTORY", "GIT_DIR", "GIT_WORK_TREE", "GIT_IMPLICIT_WORK_TREE",
    "GIT_GRAFT_FILE", "GIT_INDEX_FILE", "GIT_NO_REPLACE_OBJECTS", "GIT_REPLACE_REF_BASE", "GIT_PREFIX",
    "GIT_SHALLOW_FILE", "GIT_COMMON_DIR", "GIT_CEILING_DIRECTORIES", "GIT_NAMESPACE", "GIT_CONFIG",
)  # fmt: skip
# In English; writing nothing; and fetching nothing, which could start a program that a partial clone names.
_FIXED = {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_NO_LAZY_FETCH": "1", "GIT_ALLOW_PROTOCOL": "none"}
SECONDS, SECONDS_ATTENDED = 5.0, 30.0  # where nobody, and where somebody is there to press Ctrl-C
# What starting a program that is not there, or is none, ends in.
_ABSENT = (errno.ENOENT, errno.EACCES, errno.ENOTDIR, errno.ENOEXEC)

# A shell's exit codes for a program that is not there, and for one that took too long.
ABSENT, LATE = 127, 124


def environment(environ: Mapping[str, str], fixed: dict[str, str] = _FIXED) -> dict[str, str]:
    """Return what git may see of an environment: no key of ours, and nothing that makes it answer for another path."""
    ours = {name for name in environ if name.startswith("LLMSWITCH_KEY_") or name.endswith("_PATHSPECS")}
    return {name: text for name, text in environ.items() if name not in ours and name not in _MISLEADING} | fixed


def run_git(
    *arguments: str, folder: str, seconds: float = SECONDS, fixed: dict[str, str] = _FIXED
) -> tuple[int, str, str]:
    """Run git in `folder`, with `fixed` variables, and return its exit code, output and complaint, in one line.

    Code ABSENT where there is no git, LATE where it took longer than `seconds` and was ended. Raises LlmswitchError
    where no program can be started. Spawned without the subprocess module, whose import costs 1.24 of Python's own
    start, more than git itself.
    """
    if sys.stdin and sys.stdin.isatty():
        seconds = max(seconds, SECONDS_ATTENDED)
    try:
        code, out, complaint = _spawn(
            ["git", *GUARDS, "-C", folder, *arguments], environment(os.environ, fixed), seconds
        )
    except OSError as error:
        raise LlmswitchError(f"git cannot be run in {folder}: {error.strerror}.") from None
    return code, os.fsdecode(out), " ".join(os.fsdecode(complaint).split())


def _spawn(argv: list[str], environ: dict[str, str], seconds: float) -> tuple[int, bytes, bytes]:
    (out, out_end), (err, err_end) = os.pipe(), os.pipe()
    actions = [(os.POSIX_SPAWN_DUP2, out_end, 1), (os.POSIX_SPAWN_DUP2, err_end, 2)]
    try:
        pid = os.posix_spawnp(argv[0], argv, environ, file_actions=actions)
    except OSError as error:
        os.close(out)
        os.close(err)
        if error.errno in _ABSENT:
            return ABSENT, b"", b""
        raise
    finally:
        os.close(out_end)
        os.close(err_end)
    try:
        said = _both(out, err, monotonic() + seconds)
    finally:
        os.close(out)
        os.close(err)
    if said is None:  # not waited for: what reads from a dead network drive does not end even so
        os.kill(pid, 9)
        return LATE, b"", f"git took longer than {seconds:.0f} seconds".encode()
    return (os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), *said)


def _both(out: int, err: int, end: float) -> tuple[bytes, bytes] | None:
    """Return what comes out of two pipes, of which neither waits for the other; None where they do not end in time."""
    said: dict[int, list[bytes]] = {out: [], err: []}
    left = [out, err]
    while left:
        ready = select(left, [], [], max(0.0, end - monotonic()))[0]
        if not ready:
            return None
        for pipe in ready:
            if data := os.read(pipe, 65536):
                said[pipe].append(data)
            else:
                left.remove(pipe)
    return b"".join(said[out]), b"".join(said[err])
