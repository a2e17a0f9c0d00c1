"""What few files need: why one is not written, what is new made like what lies around it, the wait for a lock."""

from __future__ import annotations

import fcntl
import os
import stat
from shlex import quote

from llmswitch.base.errors import LlmswitchError, Refused


def not_replaced(path: str, status: os.stat_result) -> Refused:
    """Return the error for a file that a rename would take from somebody."""
    if status.st_nlink > 1:
        return Refused(f"{path} is one of {status.st_nlink} hard links; replacing it would split them.")
    if os.geteuid() not in (0, status.st_uid):
        return _anothers(path, status)
    return Refused(f"{path} is read-only.", hint=f"To allow it: chmod u+w {quote(path)}")


def not_used(folder: str, status: os.stat_result, path: str) -> LlmswitchError:
    """Return the error for a link or another's folder where the user's should be, or for a link in it at `path`."""
    if stat.S_ISLNK(status.st_mode):
        return refusal(folder)
    if not stat.S_ISDIR(status.st_mode):
        return LlmswitchError(f"{folder} is not a folder.")
    return refusal(path) if os.geteuid() in (0, status.st_uid) else _anothers(folder, status)


def _anothers(path: str, status: os.stat_result) -> Refused:
    return Refused(f"{path} belongs to another user (uid {status.st_uid}).")


def refusal(path: str) -> LlmswitchError:
    """Return the error for a symbolic link where a file or folder of the user's should be."""
    try:
        os.stat(path)
    except FileNotFoundError:
        message = f"{path} is a symbolic link to {os.path.realpath(path)}, which is not there."
        return Refused(message, hint=f"Remove the link: rm {quote(path)}")
    except OSError as error:
        return LlmswitchError(f"{path}: cannot read it: {error.strerror}.")
    what = "folder" if os.path.isdir(path) else "file"
    return Refused(
        f"{path} is a symbolic link to {os.path.realpath(path)}: writing through it would switch every folder that "
        "shares it, and Claude Code itself refuses to write there.",
        hint=f"Replace the link by a {what} of its own; or add --anyway to write what it leads to.",
    )


def copy_attributes(name: str, place: int, file: int, private: bool) -> None:
    """Copy the extended attributes of a name in the open folder `place` to an open file, those that can be.

    A private file gets no access list: that could let others read it.
    """
    try:
        source = os.open(name, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=place)
    except OSError:
        return
    for attribute in os.listxattr(source):
        if not (private and attribute.startswith("system.posix_acl")):
            try:
                os.setxattr(file, attribute, os.getxattr(source, attribute))
            except OSError:  # one that is the security module's own
                pass
    os.close(source)


def make_folder(path: str, mode: int) -> bool:
    """Make a folder with those above it and say whether it was missing; raises OSError."""
    if os.path.isdir(path):
        return False
    above = os.path.dirname(path)
    make_folder(above, mode)
    try:
        os.mkdir(path, mode)
    except FileExistsError:
        if os.path.isdir(path):  # made by another at the same time
            return False
        raise
    if os.geteuid() == 0:
        _give_folder(path, above)
    return True


def _give_folder(path: str, above: str) -> None:
    """Give a folder that root has just made the owner of the one above it; raises OSError.

    One that is another's, or has something in it, was put there by somebody else meanwhile.
    """
    place = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        owner = os.stat(above)
        if os.fstat(place).st_uid == 0 != owner.st_uid and not os.listdir(place):
            os.fchown(place, owner.st_uid, owner.st_gid)
    finally:
        os.close(place)


def wait_for(file: int, seconds: float) -> bool:
    """Wait in the queue for the lock of an open file, and say whether it came in time; raises OSError."""
    import threading  # slow to import; only where another holds the lock

    box: list[OSError | None] = []

    def queue() -> None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            box.append(None)
        except OSError as error:
            box.append(error)

    # A daemon thread: the process can end although the lock never comes.
    thread = threading.Thread(target=queue, daemon=True)
    thread.start()
    thread.join(seconds)
    if box and box[0]:
        raise box[0]
    return bool(box)


def not_taken(path: str, about: str, why: bool | OSError, seconds: float) -> LlmswitchError:
    """Return the error for a lock that the system refused, or that did not come in time."""
    if isinstance(why, OSError):
        return LlmswitchError(f"{about}: cannot lock it with {path}: {why.strerror}.")
    return LlmswitchError(
        f"{about}: another llmswitch has been writing it for {seconds:.0f} seconds.",
        hint="Wait for it to end and try again.",
    )
