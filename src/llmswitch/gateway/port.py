"""Whose a port of this machine is; from /proc, so that nobody has to be asked."""

from __future__ import annotations

import os

HOST = "127.0.0.1"
_LISTENS = "0A"
# 127.0.0.1 and any address, as /proc/net/tcp and tcp6 write them.
_ADDRESSES = ("0100007F", "00000000", "0" * 32)


def holder(port: int) -> int | None:
    """Return the user id of who listens on a port of 127.0.0.1; None for nobody, or where that cannot be known."""
    row = _row(port)
    return int(row[7]) if row else None


def keeper(port: int) -> int | None:
    """Return the process of a gateway of ours that listens there, whether or not it has one that serves now."""
    row = _row(port)
    for pid in os.listdir("/proc") if row else ():
        if pid.isdigit() and _is_keeper(f"/proc/{pid}", f"socket:[{row[9]}]"):
            return int(pid)
    return None


def _is_keeper(folder: str, socket: str) -> bool:
    try:
        with open(f"{folder}/cmdline", "rb") as file:
            if not file.read().endswith(b"\0gateway\0run\0"):
                return False
        return any(os.readlink(f"{folder}/fd/{name}") == socket for name in os.listdir(f"{folder}/fd"))
    except OSError:
        return False


def _row(port: int) -> list[str]:
    """Return the system's line about who listens on a port of 127.0.0.1, an empty one for nobody."""
    for path in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            with open(path, encoding="ascii") as file:
                rows = [line.split() for line in file.readlines()[1:]]
        except OSError:
            continue
        for row in rows:
            address, _, number = row[1].partition(":")
            if row[3] == _LISTENS and address in _ADDRESSES and int(number, 16) == port:
                return row
    return []
