"""Which open sessions no longer see their settings files: `.claude` was removed while they were open.

Claude Code watches `.claude`, or where there is none the folder that it would be in. When `.claude` goes it stops, and
one that is made anew it does not find (seen on 2.1.329, 2.1.330 and 2.1.332); with --setting-sources it may watch none
at all. What a process watches Linux tells in /proc/PID/fdinfo (proc(5)); elsewhere nobody knows.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from llmswitch.base.opened import bytes_of


def is_deaf(pid: int, folders: Iterable[str]) -> bool:
    """Say whether a session, which is for these folders, sees no switch in them any more."""
    watched = _watched(pid)
    return bool(watched) and not watched & _inodes(folders)


def _inodes(folders: Iterable[str]) -> set[int]:
    found = set()
    for path in (path for folder in folders for path in (folder, os.path.join(folder, ".claude"))):
        try:
            found.add(os.stat(path).st_ino)
        except OSError:
            continue
    return found


def _watched(pid: int) -> set[int]:
    """Return the inodes that a process watches; none where it watches nothing, or does not show it."""
    found, folder = set[int](), f"/proc/{pid}/fdinfo"
    try:
        files = os.listdir(folder)
    except OSError:
        return found
    for name in files:
        try:
            lines = bytes_of(f"{folder}/{name}").decode().splitlines()
        except OSError:
            continue
        words = [word for line in lines if line.startswith("inotify ") for word in line.split()]
        found |= {int(word.removeprefix("ino:"), 16) for word in words if word.startswith("ino:")}
    return found
