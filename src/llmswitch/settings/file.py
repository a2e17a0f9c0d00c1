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
from llmswitch.settings.text import SpliceError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from llmswitch.settings.change import Change

    Edit = Callable[[Settings | None], Change]
    Commit = Callable[[Change], None]

PRIVATE = 0o600
# A writer that takes no lock (Claude Code takes none) may come between our read and our rename: then we start again.
TRIES = 10
# Or its read lay before our rename and its rename after it: then we look again. Only where another program changed
# the file within so many seconds before us, since that costs a fifth of a second.
BUSY_SECONDS, LOOK_AGAIN_SECONDS = 2.0, 0.2


class Seen:
    """The file as it was when it was looked at: its bytes and status (None: no file), parsed when that is asked for."""

    __slots__ = ("_path", "_settings", "data", "status")

    def __init__(self, path: str, data: bytes | None, status: os.stat_result | None) -> None:
        self._path, self.data, self.status = path, data, status
        self._settings: Settings | None = None

    @property
    def mode(self) -> int:
        """Its permission bits; those of a new file where there is none."""
        return stat.S_IMODE(self.status.st_mode) if self.status else PRIVATE

    @property
    def settings(self) -> Settings | None:
        """What stands in it; LlmswitchError names file, line and column, and never quotes the text."""
        if self._settings is None and self.data is not None:
            try:
                self._settings = Settings(self.data.decode())
            except UnicodeDecodeError as error:
                line = self.data.count(b"\n", 0, error.start) + 1
                raise self._invalid(f"line {line}: not UTF-8 text; save the file as UTF-8") from None
            except SpliceError as error:
                raise self._invalid(str(error)) from None
        return self._settings

    def _invalid(self, why: str) -> LlmswitchError:
        return LlmswitchError(
            f"{self._path}, {why}. Claude Code accepts strict JSON only and ignores this whole file.",
            hint="Mend it in an editor, then try again.",
        )

    def is_there_still(self) -> bool:
        """Say whether the file looks the same from outside; whether it is, its bytes will tell."""
        try:
            now = os.lstat(self._path)
        except OSError:
            return self.status is None
        then = self.status
        return then is not None and (now.st_ino, now.st_mtime_ns, now.st_size) == (
            then.st_ino,
            then.st_mtime_ns,
            then.st_size,
        )


class SettingsFile:
    """The local settings file of the folder `root`; `locks` is the folder of the lock files."""

    __slots__ = ("_locks", "_seen", "folder", "path")

    def __init__(self, root: str, locks: str = "") -> None:
        self.folder = os.path.join(root, ".claude")
        self.path = os.path.join(root, LOCAL)
        self._locks = locks
        self._seen: Seen | None = None

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
        files.check_links(self.folder, self.path)
        files.check_folder(self.folder)
        self._seen = self._look()

    def _look(self) -> Seen:
        return Seen(self.path, *files.read(self.path, changing=True))

    def change(self, edit: Edit, private: bool, commit: Commit) -> tuple[Change, bool]:
        """Replace the file by what `edit` makes of it and return the change, and whether the file is another now.

        `private` gives it mode 0600, otherwise its mode stays. `commit` runs after `edit`, just before the file
        changes. Raises LlmswitchError or Refused; then the file is as it was.
        """
        if self._seen is None:
            self.check()
        with self.lock() as lock:
            files.sweep(self.folder)
            # What was looked at before the lock will do: its bytes are compared once more before the rename.
            seen, self._seen, busy = self._seen, None, False
            if seen is None or not seen.is_there_still():
                seen = self._look()
            for _ in range(TRIES):
                change, done = self._try(seen, edit, private, commit)
                if done is False:
                    return change, False
                if done:
                    busy = busy or self._is_busy(seen, lock)
                    lock.note()
                    if not (busy and self._was_lost(change)):
                        return change, True
                busy = not done
                seen = self._look()
        raise LlmswitchError(f"{self.path}: another program keeps changing it.", hint="Try again.")

    def _try(self, seen: Seen, edit: Edit, private: bool, commit: Commit) -> tuple[Change, bool | None]:
        """Return the change and whether the file changed, None where another program changed it meanwhile."""
        try:
            change = edit(seen.settings)
            after = None if change.after is None else change.after.text.encode()
            mode = PRIVATE if private else seen.mode
            if (after, mode) == (seen.data, seen.mode):
                commit(change)
                return change, False

            def is_as_seen() -> bool:
                commit(change)
                return files.read(self.path)[0] == seen.data

            return change, self._write(after, mode, is_as_seen)
        except OSError as error:
            about = "" if error.filename in (None, self.path) else f"{error.filename}: "
            raise LlmswitchError(f"{self.path}: cannot write it: {about}{error.strerror}.") from None

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
                self.remove_folder()
            raise

    def _is_busy(self, seen: Seen, lock: Lock) -> bool:
        """Say whether another program wrote the file we replaced a moment ago."""
        try:
            if seen.status is None or seen.status.st_mtime <= lock.noted():
                return False
            # Both times are the file system's: this one is of the file that has just come.
            return abs(os.stat(self.path).st_mtime - seen.status.st_mtime) < BUSY_SECONDS
        except OSError:
            return False

    def _was_lost(self, change: Change) -> bool:
        """Say whether another program put back what was there before us; looked at once, where one is at work."""
        import time  # only where another program is at work

        time.sleep(LOOK_AGAIN_SECONDS)
        before, ours = (each.values() if each else {} for each in (change.before, change.after))
        try:
            found = Seen(self.path, *files.read(self.path)).settings
        except LlmswitchError:  # not ours to mend, and no failure: what we wanted to write was written
            return False
        now = found.values() if found else {}
        changed = [name for name in {*before, *ours} if before.get(name) != ours.get(name)]
        return any(now.get(name) == before.get(name) for name in changed)

    def has_folder(self) -> bool:
        """Say whether `.claude` is there."""
        return os.path.isdir(self.folder)

    def remove_folder(self) -> None:
        """Remove `.claude` where it is empty."""
        try:
            os.rmdir(self.folder)
        except OSError:
            pass
