"""Files: read without blocking and refused where writing would harm; replaced in one rename, synced, and locked."""

from __future__ import annotations

import fcntl
import os
import stat

from llmswitch.base.errors import LlmswitchError, Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

LARGEST = 16 * 1024 * 1024
LOCK_SECONDS = 5.0
TEMP_PREFIX = ".llmswitch-"
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def read(path: str, changing: bool = False) -> tuple[bytes | None, os.stat_result | None]:
    """Return bytes and status, None where there is no file; LlmswitchError where it cannot be read.

    With `changing`, Refused too where it is not for us to replace.
    """
    try:
        file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | (os.O_NOFOLLOW if changing else 0))
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
    # Root may write for another user: the new file gets that user's ownership (`replace`).
    if os.geteuid() not in (0, status.st_uid):
        raise Refused(f"{path} belongs to another user (uid {status.st_uid}).")


def check_links(*paths: str) -> None:
    """Refuse symbolic links, naming where each leads; LlmswitchError for one that leads round in a circle."""
    for path in filter(os.path.islink, paths):
        from llmswitch.base.links import refusal  # only for a link

        raise refusal(path)


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


def replace(path: str, data: bytes, mode: int, check: Callable[[], bool] = lambda: True) -> bool:
    """Put `data` at `path` with one rename and return True; False, with nothing changed, where `check` says no.

    The temporary file lies beside it with its final mode from its creation, and never outlives the call.
    `check` runs last, when the new content is on the disk and all that is left is the rename. Owner and extended
    attributes stay. Raises OSError, with a file name, and only if nothing changed.
    """
    folder = os.path.dirname(path)
    temporary = os.path.join(folder, f"{TEMP_PREFIX}{os.getpid()}-{os.urandom(4).hex()}.tmp")
    try:
        _create(temporary, data, mode, path)
        if not check():
            _unlink(temporary)
            return False
        os.replace(temporary, path)
    except BaseException as error:
        _unlink(temporary)
        if isinstance(error, OSError) and error.filename is None:
            error.filename = path
        raise
    sync_folder(folder)
    return True


def _create(path: str, data: bytes, mode: int, target: str) -> None:
    # 0600 first: the umask may only take away, and the final owner and mode come before the content.
    file = os.open(path, _NEW, 0o600)
    try:
        give_owner(path, target if os.path.lexists(target) else os.path.dirname(target))
        _copy_attributes(target, path, private=not mode & 0o077)
        os.chmod(path, mode)
        while data:
            data = data[os.write(file, data) :]
        os.fsync(file)
    finally:
        os.close(file)


def give_owner(path: str, like: str) -> None:
    """Give what root made for another user (`sudo llmswitch …`) that user's ownership."""
    if os.geteuid() == 0:
        owner = os.stat(like)
        os.chown(path, owner.st_uid, owner.st_gid)


def _copy_attributes(source: str, target: str, private: bool) -> None:
    """Copy the extended attributes, which a rename would drop, where the file system has any.

    A private file gets no access list: that could let others read it.
    """
    if not hasattr(os, "listxattr"):  # macOS
        return
    try:
        for name in os.listxattr(source):
            if not (private and name.startswith("system.posix_acl")):
                os.setxattr(target, name, os.getxattr(source, name))
    except OSError:  # no file yet, none on this file system, or one that is the security module's own
        pass


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
    give_owner(path, above)
    return True


def _unlink(path: str) -> None:
    """Remove a file of ours if that is possible; the next run sweeps what is left."""
    try:
        os.unlink(path)
    except OSError:
        pass


def close_quietly(file: int) -> None:
    """Close a file to which nothing was written; what goes wrong then loses nothing."""
    try:
        os.close(file)
    except OSError:
        pass


def sync_folder(folder: str) -> None:
    """Make a rename in `folder` survive a power cut, where the file system can; never fails."""
    try:
        file = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(file)
    except OSError:  # a network file system
        pass
    close_quietly(file)


def sweep(folder: str) -> None:
    """Remove temporary files that a killed run left; call it with the lock held, so that none is in use."""
    try:
        names = os.listdir(folder)
    except OSError:
        return
    for name in names:
        if name.startswith(TEMP_PREFIX) and name.endswith(".tmp"):
            _unlink(os.path.join(folder, name))


class Lock:
    """`with Lock(file, about)`: one llmswitch at a time; the kernel frees it when the holder dies.

    Raises LlmswitchError, naming `about`, when it stays taken for five seconds or cannot be made.
    """

    def __init__(self, path: str, about: str) -> None:
        self._path, self._about, self._file = path, about, -1

    def __enter__(self) -> Lock:
        try:
            make_folder(os.path.dirname(self._path), 0o700)
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            taken = self._wait()
        except OSError as error:
            self.__exit__()
            raise LlmswitchError(f"{self._about}: cannot lock it with {self._path}: {error.strerror}.") from None
        if not taken:
            self.__exit__()
            raise LlmswitchError(
                f"{self._about}: another llmswitch has been writing it for {LOCK_SECONDS:.0f} seconds.",
                hint="Wait for it to end and try again.",
            )
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
        from llmswitch.base.queue import wait_for  # only where another holds the lock

        return wait_for(self._file, LOCK_SECONDS)
