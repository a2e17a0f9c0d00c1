"""Where other programs have their hands on a settings file, or have left it broken."""

from __future__ import annotations

import os
import time

from llmswitch.base import files
from llmswitch.base.errors import LlmswitchError
from llmswitch.claude.layers import read
from llmswitch.settings.settings import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from llmswitch.settings.change import Change

# An editor that saves in place empties the file first: so long after that it may still be filled.
FILLED_SECONDS = 2.0
_PAUSE = 0.01
# A writer's read may lie before our rename and its rename after it: then we look again. Only where it changed the
# file within so many seconds before us, since that costs a fifth of a second.
BUSY_SECONDS, LOOK_AGAIN_SECONDS = 2.0, 0.2


def invalid(path: str, text: bytes, error: ValueError) -> LlmswitchError:
    """Return the error for a file that Claude Code ignores, or that it reads and we do not change."""
    why = str(error)
    if isinstance(error, UnicodeDecodeError):  # which quotes the text
        line = text.count(b"\n", 0, error.start) + 1
        why = f"line {line}: not UTF-8 text; save the file as UTF-8"
    layer = read("worktree", path)
    ignored = " Claude Code accepts strict JSON only and ignores this whole file." if layer and layer.problem else ""
    return LlmswitchError(f"{path}, {why}.{ignored}", hint="Mend it in an editor, then try again.")


def remove_folder(folder: str) -> None:
    """Remove a `.claude` that was made for a file which then could not be written."""
    try:
        os.rmdir(folder)
    except OSError:
        pass


def still_blank(path: str) -> list[str]:
    """Wait while a blank file may still be filled, and return what to tell where that did not happen."""
    waited, end = False, time.monotonic() + FILLED_SECONDS
    while time.monotonic() < end:
        data, status = files.read(path)
        if data is None or status is None or data.strip():
            return []
        if time.time() - status.st_ctime >= FILLED_SECONDS:
            break
        waited = True
        time.sleep(_PAUSE)
    return [f"{path} was empty; if another program was about to write it, look at it again."] if waited else []


def written_late(path: str, file: int, before: bytes | None, mode: int) -> bytes | None:
    """Return what was written to an open file that ours has taken the place of, None for nothing of worth.

    A writer may empty it first and write in several parts: it is waited for. What is no settings file in the end is
    put back at `path` as it is, and LlmswitchError says so.
    """
    end, data = time.monotonic() + FILLED_SECONDS, b""
    put_back = False
    try:
        while not (_is_whole(data := files.content(file)) and data != before) and time.monotonic() < end:
            time.sleep(_PAUSE)
        if not data.strip() or data == before:
            return None
        put_back = not _is_whole(data) and files.replace(path, data, mode)
    except OSError:  # ours is in its place, which is what was asked for
        return None
    if put_back:
        raise LlmswitchError(
            f"{path}: another program was writing it at the same time, and it is no strict JSON now.",
            changed="What that program wrote was put back.",
            hint="Mend it in an editor, then try again.",
        )
    return data


def _is_whole(data: bytes) -> bool:
    try:
        return not Settings(data.decode()).blank
    except ValueError:
        return False


def was_lost(path: str, before: os.stat_result | None, change: Change) -> bool:
    """Say whether another program put back what was there before us; looked at once, where one is at work.

    `before` is the status of the file that we replaced.
    """
    try:
        # Both times are the file system's: this one is of the file that has just come.
        if before and abs(os.stat(path).st_mtime - before.st_mtime) >= BUSY_SECONDS:
            return False
        time.sleep(LOOK_AGAIN_SECONDS)
        data = files.read(path)[0]
        found = None if data is None else Settings(data.decode())
    except (OSError, ValueError, LlmswitchError):  # not ours to mend: what we wanted to write was written
        return False
    then, ours = (each.values() if each else {} for each in (change.before, change.after))
    now = found.values() if found else {}
    changed = [name for name in {*then, *ours} if then.get(name) != ours.get(name)]
    return any(now.get(name) == then.get(name) for name in changed)
