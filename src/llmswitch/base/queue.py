"""The kernel's queue for a file's lock, with a limit on the wait."""

from __future__ import annotations

import fcntl
import threading

from llmswitch.base.errors import LlmswitchError


def wait_for(file: int, seconds: float) -> bool:
    """Wait in the queue for the lock of an open file, and say whether it came in time; raises OSError."""
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
