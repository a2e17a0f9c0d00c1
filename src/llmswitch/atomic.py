"""Files that are either the old one or the new one, whole: locked, replaced and synced."""

from __future__ import annotations

import os

from llmswitch.errors import LlmswitchError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

LOCK_SECONDS = 5.0
TEMP_PREFIX = ".llmswitch-"
# ERROR_ACCESS_DENIED, ERROR_SHARING_VIOLATION and ERROR_LOCK_VIOLATION (winerror.h): another program has the file
# open. Waited for, 2.5 seconds in all.
_IN_USE = (5, 32, 33)
_PAUSES = (0.05, 0.1, 0.15, 0.2, 0.4, 0.6, 1.0)
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)


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
        _rename(temporary, path)
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
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        owner = os.stat(like)
        os.chown(path, owner.st_uid, owner.st_gid)


def _copy_attributes(source: str, target: str, private: bool) -> None:
    """Copy the extended attributes, which a rename would drop, where the file system has any.

    A private file gets no access list: that could let others read it.
    """
    if not hasattr(os, "listxattr"):  # macOS and Windows
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


def _rename(source: str, target: str) -> None:
    """Rename over the target; Windows refuses while an editor or a virus scanner has it open, mostly briefly."""
    for pause in _PAUSES:
        try:
            return os.replace(source, target)
        except PermissionError as error:
            if getattr(error, "winerror", None) not in _IN_USE:
                raise
        import time

        time.sleep(pause)
    return os.replace(source, target)


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


def is_temporary(name: str) -> bool:
    """Say whether a file of that name is a temporary one of ours."""
    return name.startswith(TEMP_PREFIX) and name.endswith(".tmp")


def sweep(folder: str) -> None:
    """Remove temporary files that a killed run left; call it with the lock held, so that none is in use."""
    try:
        names = os.listdir(folder)
    except OSError:
        return
    for name in names:
        if is_temporary(name):
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
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
            taken = self._wait()
        except OSError as error:
            self.__exit__(None, None, None)
            raise LlmswitchError(f"{self._about}: cannot lock it with {self._path}: {error.strerror}.") from None
        if not taken:
            self.__exit__(None, None, None)
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
        except (OSError, AttributeError):  # no pwrite on Windows
            pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file >= 0:
            close_quietly(self._file)  # frees the lock
            self._file = -1

    def _wait(self) -> bool:
        """Wait in the kernel's queue, where everyone gets their turn; polling could go on losing to others."""
        if _take(self._file):
            return True
        try:
            import fcntl
        except ImportError:  # Windows: no queue there
            return self._poll()
        import threading

        box: list[OSError | None] = []

        def queue(file: int = self._file) -> None:
            try:
                fcntl.flock(file, fcntl.LOCK_EX)
                box.append(None)
            except OSError as error:
                box.append(error)

        # A daemon thread: the process can end although the lock never comes.
        thread = threading.Thread(target=queue, daemon=True)
        thread.start()
        thread.join(LOCK_SECONDS)
        if box and box[0]:
            raise box[0]
        return bool(box)

    def _poll(self) -> bool:
        import time

        end = time.monotonic() + LOCK_SECONDS
        while not _take(self._file):
            if time.monotonic() > end:
                return False
            time.sleep(0.02)
        return True


def _take(file: int) -> bool:
    """Take the lock of an open file without waiting, and say whether that worked."""
    try:
        import fcntl
    except ImportError:  # Windows
        import msvcrt

        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        except PermissionError:
            return False
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
