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
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)


def replace(path: str, data: bytes, mode: int, check: Callable[[], bool] = lambda: True) -> bool:
    """Put `data` at `path` with one rename and return True; False, with nothing changed, where `check` says no.

    The temporary file lies beside it with its final mode from its creation, and never outlives the call.
    `check` runs last, when the new content is on the disk and all that is left is the rename. Raises OSError.
    """
    folder = os.path.dirname(path)
    temporary = os.path.join(folder, f"{TEMP_PREFIX}{os.getpid()}-{os.urandom(4).hex()}.tmp")
    try:
        _create(temporary, data, mode)
        if not check():
            return False
        os.replace(temporary, path)
    finally:
        _unlink(temporary)
    sync_folder(folder)
    return True


def _create(path: str, data: bytes, mode: int) -> None:
    # 0600 first: the umask may only take away, and the final mode comes before the content.
    file = os.open(path, _NEW, 0o600)
    try:
        os.chmod(path, mode)
        while data:
            data = data[os.write(file, data) :]
        os.fsync(file)
    finally:
        os.close(file)


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass


def sync_folder(folder: str) -> None:
    """Make a rename in `folder` survive a power cut, where the file system can; never fails."""
    try:
        file = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(file)
    except OSError:
        pass
    finally:
        os.close(file)


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

    def __enter__(self) -> None:
        try:
            os.makedirs(os.path.dirname(self._path), mode=0o700, exist_ok=True)
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

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _wait(self) -> bool:
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
