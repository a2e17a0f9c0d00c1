"""One llmswitch at a time: a lock on a file, which the kernel frees when its holder dies."""

from __future__ import annotations

import fcntl
import os

from llmswitch.base.errors import LlmswitchError
from llmswitch.base.files import close_quietly, make_folder

LOCK_SECONDS = 5.0


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
        import threading  # only where another holds the lock

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
