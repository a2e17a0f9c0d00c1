"""Files: read without blocking and refused where writing would harm; replaced in one rename, synced, and locked."""

from __future__ import annotations

import fcntl
import os
import stat

from llmswitch.base.errors import LlmswitchError
from llmswitch.base.opened import content as content
from llmswitch.base.opened import opened as opened

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

LOCK_SECONDS = 5.0
TEMP_PREFIX = ".llmswitch-"
TEMPORARY = f"{TEMP_PREFIX}key.tmp"  # one that git is asked about
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def _unusual() -> Any:
    from llmswitch.base import unusual  # links, attributes, a missing folder, a lock that another holds

    return unusual


def read(path: str, changing: bool = False) -> tuple[bytes | None, os.stat_result | None]:
    """Return bytes and status, None where there is no file; LlmswitchError where it cannot be read.

    With `changing`, Refused too where it is not for us to replace.
    """
    try:
        file, status = opened(path, os.O_NOFOLLOW if changing else 0)
        try:
            if changing and not (status.st_nlink < 2 and _is_ours(status) and status.st_mode & stat.S_IWUSR):
                raise _unusual().not_replaced(path, status)
            return content(file), status
        finally:
            close_quietly(file)
    except FileNotFoundError:
        return None, None
    except OSError as error:
        raise _unreadable(path, error) from None


def _unreadable(path: str, error: OSError) -> LlmswitchError:
    return LlmswitchError(f"{path}: cannot read it: {error.strerror}.")


def _is_ours(status: os.stat_result) -> bool:
    # Root may write for another user: the new file gets that user's ownership (`replace`).
    return os.geteuid() in (0, status.st_uid)


def check_place(folder: str, path: str) -> None:
    """Refuse a folder that is a link or another user's, and a link at `path` in it; what is missing is fine."""
    try:
        status = os.lstat(folder)
    except FileNotFoundError:
        return
    except OSError as error:
        raise _unreadable(folder, error) from None
    if not (stat.S_ISDIR(status.st_mode) and _is_ours(status)) or os.path.islink(path):
        raise _unusual().not_used(folder, status, path)


def replace(path: str, data: bytes, mode: int, check: Callable[[], bool] = lambda: True) -> bool:
    """Put `data` at `path` with one rename and return True; False, with nothing changed, where `check` says no.

    The temporary file lies beside it with its final mode from its creation, and never outlives the call.
    `check` runs last, when the new content is on the disk and all that is left is the rename. Owner and extended
    attributes stay. Raises OSError, with a file name, and only if nothing changed; the folder must be no link.
    """
    folder, name = os.path.split(path)
    place, temporary = -1, f"{TEMP_PREFIX}{os.getpid()}-{os.urandom(4).hex()}.tmp"
    try:
        # By descriptors from here on: whoever may write to the folder can put a link in the place of any name.
        place = os.open(folder, _FOLDER)
        written = _create(place, temporary, data, mode, path)
        if done := check():
            if not os.path.samestat(written, os.lstat(temporary, dir_fd=place)):
                raise OSError(None, "another program put something in the place of the new file", path)
            os.replace(temporary, name, src_dir_fd=place, dst_dir_fd=place)
            _sync(place)
        return done
    except BaseException as error:
        done = False
        if isinstance(error, OSError) and not (isinstance(error.filename, str) and os.path.isabs(error.filename)):
            error.filename = path
        raise
    finally:
        if not done:
            _unlink(temporary, place)
        close_quietly(place)


def _create(place: int, name: str, data: bytes, mode: int, target: str) -> os.stat_result:
    # 0600 first: the umask may only take away, and the final owner and mode come before the content.
    file = os.open(name, _NEW, 0o600, dir_fd=place)
    try:
        try:
            give_owner(file, os.lstat(os.path.basename(target), dir_fd=place))
            _copy_attributes(target, place, file, private=not mode & 0o077)
        except FileNotFoundError:
            give_owner(file, os.fstat(place))
        os.fchmod(file, mode)
        while data:
            data = data[os.write(file, data) :]
        os.fsync(file)
        return os.fstat(file)
    finally:
        os.close(file)


def give_owner(file: int, like: os.stat_result) -> None:
    """Give an open file, which root made for another user (`sudo llmswitch …`), that user's ownership."""
    if os.geteuid() == 0 and os.fstat(file).st_uid != like.st_uid:
        os.fchown(file, like.st_uid, like.st_gid)


def _copy_attributes(source: str, place: int, file: int, private: bool) -> None:
    """Copy the extended attributes, which a rename would drop, where the file system has any."""
    try:
        names = os.listxattr(source, follow_symlinks=False) if hasattr(os, "listxattr") else []  # macOS has none
    except OSError:
        return
    if names:
        _unusual().copy_attributes(os.path.basename(source), place, file, private)


def make_folder(path: str, mode: int) -> bool:
    """Make a folder with those above it and say whether it was missing; raises OSError."""
    if os.path.isdir(path):
        return False
    return bool(_unusual().make_folder(path, mode))


def _unlink(name: str, place: int) -> None:
    """Remove a file of ours if that is possible; the next run sweeps what is left."""
    try:
        os.unlink(name, dir_fd=place)
    except OSError:
        pass


def close_quietly(file: int) -> None:
    """Close a file to which nothing was written; what goes wrong then loses nothing."""
    try:
        os.close(file)
    except OSError:
        pass


def sync_folder(folder: str) -> None:
    """Make a change in `folder` survive a power cut, where the file system can; never fails."""
    try:
        place = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    _sync(place)
    close_quietly(place)


def _sync(place: int) -> None:
    try:
        os.fsync(place)
    except OSError:  # a network file system
        pass


def sweep(folder: str) -> None:
    """Remove temporary files that a killed run left; call it with the lock held, so that none is in use."""
    try:
        place = os.open(folder, _FOLDER)
    except OSError:
        return
    try:
        for name in os.listdir(place):
            if name.startswith(TEMP_PREFIX) and name.endswith(".tmp"):
                _unlink(name, place)
    except OSError:
        pass
    close_quietly(place)


class Lock:
    """`with Lock(file, about)`: one llmswitch at a time; the kernel frees it when the holder dies.

    Raises LlmswitchError, naming `about`, when it stays taken for five seconds or cannot be made.
    """

    def __init__(self, path: str, about: str) -> None:
        self._path, self._about, self._file = path, about, -1

    def __enter__(self) -> Lock:
        try:
            folder = os.path.dirname(self._path)
            make_folder(folder, 0o700)
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            give_owner(self._file, os.stat(folder))
            taken: bool | OSError = self._wait()
        except OSError as error:
            taken = error
        if taken is not True:
            self.__exit__()
            raise _unusual().not_taken(self._path, self._about, taken, LOCK_SECONDS)
        return self

    def noted(self) -> float:
        """Return when `note` was last called with this lock (as a file's time), 0 for never."""
        status = os.fstat(self._file)
        return status.st_mtime if status.st_size else 0.0

    def note(self) -> None:
        """Note that what the lock protects was written now; not being able to is no failure."""
        try:
            os.pwrite(self._file, b"\n", 0)
        except OSError:
            pass

    def __exit__(self, *_: object) -> None:
        if self._file >= 0:
            close_quietly(self._file)  # frees the lock
            self._file = -1

    def _wait(self) -> bool:
        """Wait in the kernel's queue, where everyone gets their turn; polling could go on losing to others."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            pass
        return bool(_unusual().wait_for(self._file, LOCK_SECONDS))
