"""Whose a port of this machine is; from /proc, so that nobody has to be asked."""

from __future__ import annotations

HOST = "127.0.0.1"
_LISTENS = "0A"
# 127.0.0.1 and any address, as /proc/net/tcp and tcp6 write them.
_ADDRESSES = ("0100007F", "00000000", "0" * 32)


def holder(port: int) -> int | None:
    """Return the user id of who listens on a port of 127.0.0.1; None for nobody, or where that cannot be known."""
    for path in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            with open(path, encoding="ascii") as file:
                rows = [line.split() for line in file.readlines()[1:]]
        except OSError:
            continue
        for row in rows:
            address, _, number = row[1].partition(":")
            if row[3] == _LISTENS and address in _ADDRESSES and int(number, 16) == port:
                return int(row[7])
    return None
