"""`.claude/settings.local.json` of one folder, read with every check; `rewrite` changes it.

The settings file changed under a lock, in one rename, and not over what another program writes meanwhile."""

from __future__ import annotations

import os
import stat

from llmswitch.base import files as atomic
from llmswitch.base import files as file_object
from llmswitch.base.errors import LlmswitchError
from llmswitch.base.lock import Lock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from llmswitch.settings.settings import Settings

    Edit = Callable[[Settings | None], Settings | None]
    from collections.abc import Callable

    pass

NAME = ".claude/settings.local.json"


class SettingsFile:
    """The local settings file of the folder `root`; `locks` is the folder of the lock files."""

    def __init__(self, root: str, locks: str = "") -> None:
        self.folder = os.path.join(root, ".claude")
        self.path = os.path.join(root, NAME)
        self._locks = locks
        self._parsed: tuple[bytes, Settings] | None = None  # a switch looks several times at the same bytes

    def read(self) -> bytes | None:
        """Return the bytes of the file, following links as Claude Code does, or None where there is none."""
        from llmswitch.base import files as file_object

        return file_object.read(self.path)[0]

    def settings(self) -> Settings | None:
        """Return the parsed file, None where there is none; LlmswitchError where Claude Code would ignore it."""
        data = self.read()
        return None if data is None else self.parse(data)

    def salvaged(self) -> dict[str, str]:
        """Return the `env` of a file that is no strict JSON but still JSON5; {} where it is neither."""
        import json5

        from llmswitch.claude.effective import as_text

        try:
            root = json5.loads((self.read() or b"").decode(errors="replace"))
        except (ValueError, RecursionError, LlmswitchError):
            return {}
        env = root.get("env") if isinstance(root, dict) else None
        return {str(name): as_text(value) for name, value in env.items()} if isinstance(env, dict) else {}

    def parse(self, data: bytes) -> Settings:
        """Return the parsed bytes; LlmswitchError names file, line and column, and never quotes the text."""
        from llmswitch.settings.settings import Settings
        from llmswitch.settings.text import SpliceError

        if self._parsed and self._parsed[0] == data:
            return self._parsed[1]
        try:
            self._parsed = data, Settings(data.decode())
            return self._parsed[1]
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            raise self._invalid(f"line {line}: not UTF-8 text; save the file as UTF-8") from None
        except SpliceError as error:
            raise self._invalid(str(error)) from None

    def _invalid(self, why: str) -> LlmswitchError:
        return LlmswitchError(
            f"{self.path}, {why}. Claude Code accepts strict JSON only and ignores this whole file.",
            hint="Mend it in an editor, then try again.",
        )

    def follow_links(self) -> None:
        """Work on what a symbolic link leads to and keep the link; every way to that file has one lock."""
        self.path = os.path.realpath(self.path)
        self.folder = os.path.dirname(self.path)

    @property
    def lock(self) -> str:
        """The lock file of this settings file: one, whichever way leads to it."""
        from llmswitch.base.digest import digest

        return os.path.join(self._locks, digest(self.path))

    def check(self) -> None:
        """Raise what `change` would for what lies there; LlmswitchError or Refused."""
        from llmswitch.base import files as file_object

        file_object.refuse_link(self.folder)
        file_object.refuse_link(self.path)
        file_object.check_folder(self.folder)
        file_object.read(self.path, changing=True)

    def change(self, edit: Edit, private: bool, commit: Callable[[], None]) -> bool:
        """Replace the file by what `edit` makes of it (None: no file) and say whether anything changed.

        `private` gives it mode 0600, otherwise its mode stays. `commit` runs after `edit`, just before the file
        changes. Raises LlmswitchError or Refused; then the file is as it was.
        """
        from llmswitch.settings import file as rewrite

        return rewrite.change(self, edit, private, commit)

    def mend(self, mended: Callable[[str], str | None]) -> bool:
        """Replace a file that Claude Code ignores by what `mended` makes of its text; False where that is None.

        Raises LlmswitchError or Refused; then the file is as it was.
        """
        from llmswitch.settings import file as rewrite

        return rewrite.mend(self, mended)

    def has_folder(self) -> bool:
        """Say whether `.claude` is there."""
        return os.path.isdir(self.folder)

    def remove_folder(self) -> None:
        """Remove `.claude` where it is empty."""
        try:
            os.rmdir(self.folder)
        except OSError:
            pass


PRIVATE = 0o600
# A writer that takes no lock (Claude Code takes none) may come between our read and our rename: then we start again.
TRIES = 10
# Or its read lay before our rename and its rename after it: then we look again. Only where another program changed
# the file within so many seconds before us, since that costs a fifth of a second.
BUSY_SECONDS, LOOK_AGAIN_SECONDS = 2.0, 0.2


def change(file: SettingsFile, edit: Edit, private: bool, commit: Callable[[], None]) -> bool:
    """Do what `SettingsFile.change` says."""
    file.check()
    with Lock(file.lock, file.path) as lock:
        attempt = _Attempt(file, lock, edit, private, commit)
        atomic.sweep(file.folder)
        for _ in range(TRIES):
            done = attempt.run()
            if done is not None and not (done and attempt.was_lost()):
                return done
    raise LlmswitchError(f"{file.path}: another program keeps changing it.", hint="Try again.")


def mend(file: SettingsFile, mended: Callable[[str], str | None]) -> bool:
    """Do what `SettingsFile.mend` says."""
    file.check()
    with Lock(file.lock, file.path):
        before, status = file_object.read(file.path, changing=True)
        after = mended(before.decode(errors="surrogateescape")) if before is not None else None
        if after is None or status is None:
            return False
        data = after.encode(errors="surrogateescape")
        try:
            done = atomic.replace(file.path, data, stat.S_IMODE(status.st_mode), lambda: file.read() == before)
        except OSError as error:
            raise LlmswitchError(f"{file.path}: cannot write it: {error.strerror}.") from None
    if not done:
        raise LlmswitchError(f"{file.path}: another program changed it meanwhile.", hint="Try again.")
    return True


class _Attempt:
    """One change of a file, tried until no other program comes between."""

    def __init__(self, file: SettingsFile, lock: Lock, edit: Edit, private: bool, commit: Callable[[], None]) -> None:
        self._file, self._lock, self._edit, self._private, self._commit = file, lock, edit, private, commit
        self._before: bytes | None = None
        self._after: bytes | None = None
        self._busy = False

    def run(self) -> bool | None:
        """Return whether the file changed, or None where another program changed it meanwhile."""
        file = self._file
        self._before, status = file_object.read(file.path, changing=True)
        try:
            settings = self._edit(None if self._before is None else file.parse(self._before))
            self._after = None if settings is None else settings.text.encode()
            done = self._replace(stat.S_IMODE(status.st_mode) if status else PRIVATE)
        except OSError as error:
            about = "" if error.filename in (None, file.path) else f"{error.filename}: "
            raise LlmswitchError(f"{file.path}: cannot write it: {about}{error.strerror}.") from None
        self._busy = self._busy or done is None
        if done:
            self._busy = self._busy or self._is_busy(status)
            self._lock.note()
        return done

    def _is_busy(self, before: os.stat_result | None) -> bool:
        """Say whether another program wrote the file we replaced a moment ago."""
        try:
            if before is None or before.st_mtime <= self._lock.noted():
                return False
            # Both times are the file system's: this one is of the file that has just come.
            return abs(os.stat(self._file.path).st_mtime - before.st_mtime) < BUSY_SECONDS
        except OSError:
            return False

    def _replace(self, old_mode: int) -> bool | None:
        mode = PRIVATE if self._private else old_mode
        if (self._after, mode) != (self._before, old_mode):
            return self._write(mode)
        self._commit()
        return False

    def was_lost(self) -> bool:
        """Say whether another program put back what was there before us; looked at once, where one is at work."""
        if not self._busy:
            return False
        import time

        time.sleep(LOOK_AGAIN_SECONDS)
        self._busy = False
        try:
            data = self._file.read()
            before, ours, now = (self._values(content) for content in (self._before, self._after, data))
        except LlmswitchError:  # not ours to mend, and no failure: what we wanted to write was written
            return False
        changed = [name for name in {*before, *ours} if before.get(name) != ours.get(name)]
        return any(now.get(name) == before.get(name) for name in changed)

    def _values(self, data: bytes | None) -> dict[str, str]:
        return self._file.parse(data).values() if data else {}

    def _unchanged(self) -> bool:
        self._commit()
        return self._file.read() == self._before

    def _write(self, mode: int) -> bool | None:
        file = self._file
        if self._after is None:
            if not self._unchanged():
                return None
            os.unlink(file.path)
            atomic.sync_folder(file.folder)
            return True
        made = atomic.make_folder(file.folder, 0o755)
        try:
            return atomic.replace(file.path, self._after, mode, self._unchanged) or None
        except BaseException:
            if made:
                file.remove_folder()
            raise
