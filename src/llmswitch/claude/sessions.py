"""The Claude Code processes of this user: from /proc on Linux, from ps and lsof on macOS, none known elsewhere.

Other users' processes are left out. Of a process only its arguments, folder and start are read.
"""

from __future__ import annotations

import os
import sys
import time

from llmswitch.base.opened import bytes_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_PROGRAMS = ("claude", "claude.exe")
_RUNTIMES = ("node", "bun")
_PACKAGE = "@anthropic-ai/claude-code"
_OVERLAY = "--settings"
PROC = "/proc"


class Session:
    """A running Claude Code: its process, the folder it was started in, and when, in seconds since 1970.

    `overlay` says that it was started with --settings, as `llmswitch run` does, `deaf` that it sees no switch.
    """

    __slots__ = ("deaf", "folder", "overlay", "pid", "started")

    def __init__(self, pid: int, folder: str, started: float, overlay: bool) -> None:
        self.pid, self.folder, self.started, self.overlay, self.deaf = pid, folder, started, overlay, False


class Sessions:
    """The sessions that are open on this machine, looked for once, when that is first asked."""

    __slots__ = ("_found", "_looked")

    def __init__(self) -> None:
        self._looked = False
        self._found: list[Session] | None = None

    def of(self, *roots: str) -> list[Session] | None:
        """Return those that were started in these worktrees or plain folders, the oldest first.

        None where nobody can know.
        """
        if not self._looked:
            self._found, self._looked = _all(), True
        if self._found is None:
            return None
        return [each for each in self._found if any(_is_inside(each.folder, root) for root in roots)]


def _all() -> list[Session] | None:
    try:
        if sys.platform == "linux":
            return sorted(_from_proc(), key=lambda each: each.started)
    except OSError:  # no /proc here, or it is hidden; whatever was done before stays done
        return None
    from llmswitch.claude import sessions_ps  # macOS

    rows = sessions_ps.sessions(is_client) if sys.platform == "darwin" else None
    return None if rows is None else [Session(pid, where, at, is_overlay(argv)) for pid, where, at, argv in rows]


def _is_inside(folder: str, root: str) -> bool:
    """Say whether a folder is in this worktree and not in another one that lies inside it."""
    while folder != root:
        above = os.path.dirname(folder)
        if above == folder or os.path.lexists(os.path.join(folder, ".git")):
            return False
        folder = above
    return True


def is_client(argv: Sequence[str]) -> bool:
    """Say whether these arguments start Claude Code: the native program, or its package run by node or bun."""
    name = os.path.basename(argv[0]) if argv else ""
    if name in _RUNTIMES and len(argv) > 1:
        return _PACKAGE in argv[1] or os.path.basename(argv[1]) in _PROGRAMS
    return name in _PROGRAMS


def is_overlay(argv: Sequence[str]) -> bool:
    """Say whether these arguments bring settings of their own."""
    return any(word == _OVERLAY or word.startswith(_OVERLAY + "=") for word in argv)


def _from_proc() -> Iterator[Session]:
    for pid in filter(str.isdigit, os.listdir(PROC)):
        try:
            if os.stat(f"{PROC}/{pid}").st_uid != os.geteuid():
                continue
            argv = os.fsdecode(bytes_of(f"{PROC}/{pid}/cmdline")).rstrip("\0").split("\0")
            if is_client(argv):
                yield Session(int(pid), os.readlink(f"{PROC}/{pid}/cwd"), _started(pid), is_overlay(argv))
        except (OSError, ValueError, IndexError):  # it ended meanwhile, or does not show itself
            continue


def _started(pid: str) -> float:
    """Return when a process started: field 22 of its stat counts clock ticks since the boot (proc(5))."""
    ticks = int(bytes_of(f"{PROC}/{pid}/stat").rpartition(b")")[2].split()[19])
    # Not from btime of /proc/stat, which is in whole seconds.
    return time.time() - float(bytes_of(f"{PROC}/uptime").split()[0]) + ticks / os.sysconf("SC_CLK_TCK")
