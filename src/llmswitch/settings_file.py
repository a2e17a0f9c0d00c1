"""`.claude/settings.local.json` of one folder: read with every check, changed under a lock in one rename."""

from __future__ import annotations

import os
import stat

from llmswitch import atomic
from llmswitch.errors import LlmswitchError, Refused
from llmswitch.settings import Settings, as_text
from llmswitch.splice import SpliceError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

NAME = ".claude/settings.local.json"
LARGEST = 16 * 1024 * 1024
PRIVATE = 0o600
# A writer that takes no lock (Claude Code takes none) may come between our read and our rename.
TRIES = 10


class SettingsFile:
    """The local settings file of the folder `root`; `lock` is the path of the lock file."""

    def __init__(self, root: str, lock: str = "") -> None:
        self.folder = os.path.join(root, ".claude")
        self.path = os.path.join(root, NAME)
        self._lock = lock

    def read(self) -> bytes | None:
        """Return the bytes of the file, following links as Claude Code does, or None where there is none."""
        return self._read(os.O_RDONLY)[0]

    def settings(self) -> Settings | None:
        """Return the parsed file, None where there is none; LlmswitchError where Claude Code would ignore it."""
        data = self.read()
        return None if data is None else self.parse(data)

    def salvaged(self) -> dict[str, str]:
        """Return the `env` of a file that is no strict JSON but still JSON5; {} where it is neither."""
        import json5

        try:
            root = json5.loads((self.read() or b"").decode(errors="replace"))
        except (ValueError, RecursionError, LlmswitchError):
            return {}
        env = root.get("env") if isinstance(root, dict) else None
        return {str(name): as_text(value) for name, value in env.items()} if isinstance(env, dict) else {}

    def parse(self, data: bytes) -> Settings:
        """Return the parsed bytes; LlmswitchError names file, line and column, and never quotes the text."""
        try:
            return Settings(data.decode())
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

    def change(
        self, edit: Callable[[Settings | None], Settings | None], private: bool, commit: Callable[[], None]
    ) -> bool:
        """Replace the file by what `edit` makes of it (None: no file) and say whether anything changed.

        `private` gives it mode 0600, otherwise its mode stays. `commit` runs after `edit`, just before the file
        changes. Raises LlmswitchError or Refused; then the file is as it was.
        """
        self._refuse_links()
        with atomic.Lock(self._lock, self.path):
            atomic.sweep(self.folder)
            for _ in range(TRIES):
                done = self._attempt(edit, private, commit)
                if done is not None:
                    return done
        raise LlmswitchError(f"{self.path}: another program keeps changing it.", hint="Try again.")

    def _attempt(
        self, edit: Callable[[Settings | None], Settings | None], private: bool, commit: Callable[[], None]
    ) -> bool | None:
        """Return whether the file changed, or None where another program changed it meanwhile."""
        before, status = self._read(os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
        settings = edit(None if before is None else self.parse(before))
        after = None if settings is None else settings.text.encode()
        old_mode = stat.S_IMODE(status.st_mode) if status else PRIVATE
        mode = PRIVATE if private else old_mode
        try:
            if (after, mode) == (before, old_mode):
                commit()
                return False
            return self._write(before, after, mode, commit)
        except OSError as error:
            raise LlmswitchError(f"{self.path}: cannot write it: {error.strerror}.") from None

    def _write(self, before: bytes | None, after: bytes | None, mode: int, commit: Callable[[], None]) -> bool | None:
        def unchanged() -> bool:
            commit()
            return self._read(os.O_RDONLY)[0] == before

        if after is None:
            if not unchanged():
                return None
            os.unlink(self.path)
            atomic.sync_folder(self.folder)
            return True
        made = self._make_folder()
        try:
            return atomic.replace(self.path, after, mode, unchanged) or None
        except BaseException:
            if made:
                self.remove_folder()
            raise

    def _make_folder(self) -> bool:
        try:
            os.mkdir(self.folder, 0o755)
        except FileExistsError:
            return False
        return True

    def has_folder(self) -> bool:
        """Say whether `.claude` is there."""
        return os.path.isdir(self.folder)

    def remove_folder(self) -> None:
        """Remove `.claude` where it is empty."""
        try:
            os.rmdir(self.folder)
        except OSError:
            pass

    def _refuse_links(self) -> None:
        for path in (self.folder, self.path):
            if os.path.islink(path):
                raise Refused(
                    f"{path} is a symbolic link to {os.path.realpath(path)}: writing through it would switch "
                    "every folder that shares it, and Claude Code itself refuses to write there.",
                    hint="Replace the link by a file of its own.",
                )

    def _read(self, flags: int) -> tuple[bytes | None, os.stat_result | None]:
        """Return bytes and status; opening for writing too checks that we may change the file."""
        extra = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
        try:
            file = os.open(self.path, (flags & ~os.O_RDWR) | os.O_RDONLY | extra)
        except FileNotFoundError:
            return None, None
        except OSError as error:
            raise LlmswitchError(f"{self.path}: cannot read it: {error.strerror}.") from None
        try:
            status = os.fstat(file)
            self._check(status, changing=bool(flags & os.O_RDWR))
            with open(file, "rb", closefd=False) as stream:
                return stream.read(), status
        except OSError as error:
            raise LlmswitchError(f"{self.path}: cannot read it: {error.strerror}.") from None
        finally:
            os.close(file)

    def _check(self, status: os.stat_result, changing: bool) -> None:
        if not stat.S_ISREG(status.st_mode):
            raise LlmswitchError(f"{self.path} is not a file.")
        if status.st_size > LARGEST:
            raise LlmswitchError(f"{self.path} is larger than {LARGEST // 1024**2} MiB.")
        if not changing:
            return
        if status.st_nlink > 1:
            raise Refused(f"{self.path} is one of {status.st_nlink} hard links; replacing it would split them.")
        if hasattr(os, "geteuid") and status.st_uid != os.geteuid():
            raise Refused(f"{self.path} belongs to another user (uid {status.st_uid}).")
        if not status.st_mode & stat.S_IWUSR:
            raise Refused(f"{self.path} is read-only.", hint=f"To allow it: chmod u+w {self.path}")
