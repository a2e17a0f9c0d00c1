"""The one door through which files are read: it waits for nobody, and knows what it opens."""

from __future__ import annotations

import errno
import os
import stat

LARGEST = 16 * 1024 * 1024


def opened(path: str, flags: int = 0) -> tuple[int, os.stat_result]:
    """Open a file for reading and return it with its status.

    Raises OSError: for a named pipe, a folder, a device or a socket too, and for what is larger than LARGEST.
    """
    file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC | flags)
    try:
        status = os.fstat(file)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "it is not a file")
        if status.st_size > LARGEST:
            raise OSError(errno.EFBIG, f"it is larger than {LARGEST // 1024**2} MiB")
        return file, status
    except OSError as error:
        os.close(file)
        raise OSError(error.errno, error.strerror, path) from None


def content(file: int) -> bytes:
    """Return all that is in an open file, from its start."""
    with open(file, "rb", closefd=False) as stream:
        stream.seek(0)
        return stream.read()


def bytes_of(path: str) -> bytes:
    """Return what is in a file; raises OSError as `opened` does."""
    file, _ = opened(path)
    try:
        with open(file, "rb") as stream:
            return stream.read()
    except OSError as error:
        raise OSError(error.errno, error.strerror, path) from None
