"""What lies where a settings file should be: read without blocking, and refused where writing would harm."""

from __future__ import annotations

import os
import stat

from llmswitch.atomic import close_quietly
from llmswitch.errors import LlmswitchError, Refused

LARGEST = 16 * 1024 * 1024


def read(path: str, changing: bool = False) -> tuple[bytes | None, os.stat_result | None]:
    """Return bytes and status, None where there is no file; LlmswitchError where it cannot be read.

    With `changing`, Refused too where it is not for us to replace.
    """
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
    try:
        file = os.open(path, flags | (getattr(os, "O_NOFOLLOW", 0) if changing else 0))
    except FileNotFoundError:
        return None, None
    except OSError as error:
        raise _unreadable(path, error) from None
    try:
        status = os.fstat(file)
        _check(path, status)
        if changing:
            _check_replaceable(path, status)
        with open(file, "rb", closefd=False) as stream:
            return stream.read(), status
    except OSError as error:
        raise _unreadable(path, error) from None
    finally:
        close_quietly(file)


def _unreadable(path: str, error: OSError) -> LlmswitchError:
    return LlmswitchError(f"{path}: cannot read it: {error.strerror}.")


def _check(path: str, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise LlmswitchError(f"{path} is not a file.")
    if status.st_size > LARGEST:
        raise LlmswitchError(f"{path} is larger than {LARGEST // 1024**2} MiB.")


def _check_replaceable(path: str, status: os.stat_result) -> None:
    if status.st_nlink > 1:
        raise Refused(f"{path} is one of {status.st_nlink} hard links; replacing it would split them.")
    _check_owner(path, status)
    if not status.st_mode & stat.S_IWUSR:
        raise Refused(f"{path} is read-only.", hint=f"To allow it: chmod u+w {path}")


def _check_owner(path: str, status: os.stat_result) -> None:
    # Root may write for another user: the new file gets that user's ownership (atomic.replace).
    if hasattr(os, "geteuid") and os.geteuid() not in (0, status.st_uid):
        raise Refused(f"{path} belongs to another user (uid {status.st_uid}).")


def check_folder(path: str) -> None:
    """Refuse a folder of another user; one that is missing is fine."""
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return
    except OSError as error:
        raise _unreadable(path, error) from None
    if not stat.S_ISDIR(status.st_mode):
        raise LlmswitchError(f"{path} is not a folder.")
    _check_owner(path, status)


def refuse_link(path: str) -> None:
    """Refuse a symbolic link, naming where it leads; LlmswitchError for one that leads round in a circle."""
    if not os.path.islink(path):
        return
    try:
        os.stat(path)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise _unreadable(path, error) from None
    raise Refused(
        f"{path} is a symbolic link to {os.path.realpath(path)}: writing through it would switch every folder that "
        "shares it, and Claude Code itself refuses to write there.",
        hint="Replace the link by a file of its own; or add --anyway to write what it leads to.",
    )
