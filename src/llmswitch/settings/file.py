"""`.claude/settings.local.json` of one folder: read with every check, and changed under a lock in one rename.

Another program may write it at the same time (Claude Code takes no lock): what it wrote is never lost.
"""

from __future__ import annotations

import os
import stat

from llmswitch.base import files
from llmswitch.base.errors import LlmswitchError
from llmswitch.base.files import Lock
from llmswitch.base.secret import digest
from llmswitch.claude.variables import LOCAL
from llmswitch.settings.settings import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from llmswitch.settings.change import Change

    Edit = Callable[[Settings | None], Change]
    Commit = Callable[[Change], None]

PRIVATE = 0o600
# A writer that takes no lock (Claude Code takes none) may come between our read and our rename: then we start again.
TRIES = 10


class Seen:
    """The file as it was when it was looked at: `data` on the disk, `text` to change, and what a rename takes away."""

    __slots__ = ("_path", "_settings", "data", "file", "status", "text")

    def __init__(self, path: str, data: bytes | None, status: os.stat_result | None, text: bytes | None = None) -> None:
        self._path, self.data, self.status, self.file = path, data, status, -1
        self.text = data if text is None else text
        self._settings: Settings | None = None

    @property
    def mode(self) -> int:
        """Its permission bits; those of a new file where there is none."""
        return stat.S_IMODE(self.status.st_mode) if self.status else PRIVATE

    @property
    def settings(self) -> Settings | None:
        """What stands in it; LlmswitchError names file, line and column, and never quotes the text."""
        if self._settings is None and self.text is not None:
            try:
                self._settings = Settings(self.text.decode())
            except ValueError as error:
                raise _others().invalid(self._path, self.text, error) from None
        return self._settings

    def is_there_still(self) -> bool:
        """Say whether the file looks the same from outside; whether it is, its bytes will tell."""
        try:
            return self.status is not None and _looks(os.lstat(self._path)) == _looks(self.status)
        except OSError:
            return self.status is None

    def is_as_seen(self) -> bool:
        """Say whether its bytes are the same, and keep the file open from here on."""
        try:
            self.file, self.status = files.opened(self._path)
        except FileNotFoundError:
            return self.data is None
        return files.content(self.file) == self.data

    def was_written_since(self) -> bool:
        """Say whether somebody wrote to the file that is no longer there."""
        try:
            return self.status is not None and _looks(os.fstat(self.file)) != _looks(self.status)
        except OSError:
            return False


def _others() -> Any:
    from llmswitch.settings import others  # only for a broken file, or where another program is at work

    return others


def _looks(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_ino, status.st_mtime_ns, status.st_size


class SettingsFile:
    """The local settings file of the folder `root`; `notices` are what the last change has to tell."""

    __slots__ = ("_locks", "_seen", "anyway", "folder", "notices", "path")

    def __init__(self, root: str, locks: str = "") -> None:
        self.folder = os.path.join(root, ".claude")
        self.path = os.path.join(root, LOCAL)
        self._locks = locks
        self._seen: Seen | None = None
        self.anyway = False  # write where safety says no
        self.notices: list[str] = []

    def settings(self) -> Settings | None:
        """Return what stands in the file, looked at once, or None where there is none.

        LlmswitchError where Claude Code would ignore it, and where it cannot be read.
        """
        if self._seen is None:
            self._seen = Seen(self.path, *files.read(self.path))
        return self._seen.settings

    def follow_links(self) -> None:
        """Work on what a symbolic link leads to and keep the link; every way to that file has one lock."""
        self.path = os.path.realpath(self.path)
        self.folder = os.path.dirname(self.path)

    def lock(self) -> Lock:
        """Return the lock of the file: one, whichever way leads to it."""
        return Lock(os.path.join(self._locks, digest(self.path)), self.path)

    def check(self) -> None:
        """Look at the file and raise what a change of it would for what lies there; LlmswitchError or Refused."""
        files.check_place(self.folder, self.path)
        self._seen = self._look()

    def check_private(self, private: bool = True) -> None:
        """Raise Refused for what is private where others can write into the folder: no key goes there."""
        try:
            shared = private and os.stat(self.folder).st_mode & (stat.S_IWGRP | stat.S_IWOTH)
        except OSError:
            return
        if shared:
            from llmswitch.base import writable  # only for such a folder

            warning = writable.check(self.folder, "no key is written there", self.anyway)
            self.notices = [warning] if warning else []

    def _look(self, text: bytes | None = None) -> Seen:
        return Seen(self.path, *files.read(self.path, changing=True), text)

    def change(self, edit: Edit, private: bool, commit: Commit) -> tuple[Change, bool]:
        """Replace the file by what `edit` makes of it and return the change, and whether the file is another now.

        `private` gives it mode 0600, otherwise its mode stays. `commit` runs after `edit`, just before the file
        changes. Raises LlmswitchError or Refused; then the file is as it was.
        """
        if self._seen is None:
            self.check()
        self.check_private(private)
        with self.lock() as lock:
            files.sweep(self.folder)
            # What was looked at before the lock will do: its bytes are compared once more before the rename.
            seen, self._seen, busy = self._seen, None, False
            if seen is None or not seen.is_there_still():
                seen = self._look()
            for _ in range(TRIES):
                if seen.text is not None and not seen.text.strip():
                    self.notices[:] = _others().still_blank(self.path)
                    seen = self._look()
                change, done, late = self._try(seen, edit, private, commit)
                if done is False:
                    return change, False
                if done and late is None:
                    busy = self._was_lost(seen, change, lock, busy)
                    lock.note()
                    if not busy:
                        return change, True
                busy = not done
                seen = self._look(late)
        raise LlmswitchError(f"{self.path}: another program keeps changing it.", hint="Try again.")

    def _try(self, seen: Seen, edit: Edit, private: bool, commit: Commit) -> tuple[Change, bool | None, bytes | None]:
        """Return the change, whether the file changed (None: another program changed it meanwhile), and what such a
        program wrote to the old file.
        """
        try:
            change = edit(seen.settings)
            after = None if change.after is None else change.after.text.encode()
            mode = PRIVATE if private else seen.mode
            if (after, mode) == (seen.data, seen.mode):
                commit(change)
                return change, False, None

            def is_as_seen() -> bool:
                commit(change)
                return seen.is_as_seen()

            done = self._write(after, mode, is_as_seen)
            if not (done and seen.was_written_since()):
                return change, done, None
            return change, done, _others().written_late(self.path, seen.file, seen.data, mode)
        except OSError as error:
            about = "" if error.filename in (None, self.path) else f"{error.filename}: "
            raise LlmswitchError(f"{self.path}: cannot write it: {about}{error.strerror}.") from None
        finally:
            files.close_quietly(seen.file)

    def _was_lost(self, seen: Seen, change: Change, lock: Lock, busy: bool) -> bool:
        """Say whether another program, which is known to be `busy` or was just before us, put back what was there."""
        try:
            if not busy and (seen.status is None or seen.status.st_mtime <= lock.noted()):
                return False
        except OSError:  # what we wanted to write is written
            return False
        return bool(_others().was_lost(self.path, None if busy else seen.status, change))

    def _write(self, data: bytes | None, mode: int, is_as_seen: Callable[[], bool]) -> bool | None:
        if data is None:
            if not is_as_seen():
                return None
            os.unlink(self.path)
            files.sync_folder(self.folder)
            return True
        made = files.make_folder(self.folder, 0o755)
        try:
            return files.replace(self.path, data, mode, is_as_seen) or None
        except BaseException:
            if made:
                _others().remove_folder(self.folder)
            raise
