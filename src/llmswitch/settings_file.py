"""`.claude/settings.local.json` of one folder, read with every check; `rewrite` changes it."""

from __future__ import annotations

import os

from llmswitch.errors import LlmswitchError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from llmswitch.settings import Settings

    Edit = Callable[[Settings | None], Settings | None]

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
        from llmswitch import file_object

        return file_object.read(self.path)[0]

    def settings(self) -> Settings | None:
        """Return the parsed file, None where there is none; LlmswitchError where Claude Code would ignore it."""
        data = self.read()
        return None if data is None else self.parse(data)

    def salvaged(self) -> dict[str, str]:
        """Return the `env` of a file that is no strict JSON but still JSON5; {} where it is neither."""
        import json5

        from llmswitch.effective import as_text

        try:
            root = json5.loads((self.read() or b"").decode(errors="replace"))
        except (ValueError, RecursionError, LlmswitchError):
            return {}
        env = root.get("env") if isinstance(root, dict) else None
        return {str(name): as_text(value) for name, value in env.items()} if isinstance(env, dict) else {}

    def parse(self, data: bytes) -> Settings:
        """Return the parsed bytes; LlmswitchError names file, line and column, and never quotes the text."""
        from llmswitch.settings import Settings
        from llmswitch.splice import SpliceError

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
        from llmswitch.lean import digest

        return os.path.join(self._locks, digest(self.path))

    def check(self) -> None:
        """Raise what `change` would for what lies there; LlmswitchError or Refused."""
        from llmswitch import file_object

        file_object.refuse_link(self.folder)
        file_object.refuse_link(self.path)
        file_object.check_folder(self.folder)
        file_object.read(self.path, changing=True)

    def change(self, edit: Edit, private: bool, commit: Callable[[], None]) -> bool:
        """Replace the file by what `edit` makes of it (None: no file) and say whether anything changed.

        `private` gives it mode 0600, otherwise its mode stays. `commit` runs after `edit`, just before the file
        changes. Raises LlmswitchError or Refused; then the file is as it was.
        """
        from llmswitch import rewrite

        return rewrite.change(self, edit, private, commit)

    def mend(self, mended: Callable[[str], str | None]) -> bool:
        """Replace a file that Claude Code ignores by what `mended` makes of its text; False where that is None.

        Raises LlmswitchError or Refused; then the file is as it was.
        """
        from llmswitch import rewrite

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
