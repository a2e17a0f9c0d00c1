"""The Claude Code processes of this user, from ps and lsof: for macOS, which has no /proc."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence

PS_SECONDS = 5.0


def sessions(
    is_client: Callable[[Sequence[str]], bool], run: Callable[[list[str]], str] | None = None
) -> Iterator[tuple[int, str, float, list[str]]]:
    """Yield process, folder, start and arguments of each client; `run` runs a program and returns what it prints."""
    run = run or _output
    now, found = time.time(), {}
    for line in run(["ps", "-x", "-o", "pid=,etime=,args="]).splitlines():
        pid, age, arguments = line.split(None, 2) if len(line.split(None, 2)) == 3 else ("", "", "")
        if is_client(arguments.split()):
            found[pid] = (now - _seconds(age), arguments.split())
    listing = run(["lsof", "-a", "-d", "cwd", "-F", "pn", "-p", ",".join(found)]) if found else ""
    for pid, folder in re.findall(r"^p(\d+)\n(?:f.*\n)?n(.*)$", listing, re.MULTILINE):
        yield int(pid), folder, *found[pid]


def _seconds(age: str) -> int:
    """Return the seconds of ps's [[days-]hours:]minutes:seconds."""
    days, _, clock = age.rpartition("-")
    parts = [int(part) for part in clock.split(":")]
    hours, minutes, seconds = [0] * (3 - len(parts)) + parts
    return ((int(days or 0) * 24 + hours) * 60 + minutes) * 60 + seconds


def _output(argv: list[str]) -> str:
    try:
        done = subprocess.run(argv, capture_output=True, timeout=PS_SECONDS, check=False)  # noqa: S603  # fixed words
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return os.fsdecode(done.stdout)
