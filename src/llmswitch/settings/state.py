"""The state of a worktree: what the last switch wrote, and the one before it. It holds no secret.

It lies in the worktree's own git folder and goes away with it. Lost, a switch still works; it then cannot tell
our own token from a foreign one, nor bring back what a pin displaced.
"""

from __future__ import annotations

import os

from llmswitch.base.fastjson import dumps, loads
from llmswitch.base.secret import digest
from llmswitch.claude.variables import OURS, SECRET_BEARING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmswitch.base.secret import Secret
    from llmswitch.settings.settings import Settings
    from llmswitch.worktrees.layout import Worktree

FOLDER = "llmswitch"
NAME = "state.json"


class Record:
    """What one switch wrote, kept in the state file: enough to take it out again, and no secret.

    `pin` holds the identity members but no credential, `wrote` the tuning members and `displaced` what the user
    had in their place (both as JSON text), `created` which of folder, file, root and env did not exist before,
    `foreign` the identity members found that were not ours. A `passing` record is no state to go back to.
    """

    FIELDS = ("preset", "overrides", "pin", "wrote", "displaced", "created", "foreign", "key", "passing")
    __slots__ = FIELDS

    def __init__(self, fields: Mapping[str, object] | None = None) -> None:
        """Read a record from JSON data; what is missing or of the wrong type counts as empty."""
        fields = fields or {}
        preset, created = fields.get("preset"), fields.get("created")
        self.preset = preset if isinstance(preset, str) else None
        self.overrides = _texts(fields.get("overrides"))
        self.pin = _texts(fields.get("pin"))
        self.wrote = _texts(fields.get("wrote"))
        self.displaced = {name: raw for name, raw in _texts(fields.get("displaced")).items() if _is_json(raw)}
        self.created = [str(item) for item in created] if isinstance(created, list) else []
        self.foreign = _texts(fields.get("foreign"))
        self.key = _texts(fields.get("key"))
        self.passing = fields.get("passing") is True

    def data(self) -> dict[str, object]:
        """Return the record as JSON data."""
        return {field: getattr(self, field) for field in self.FIELDS}

    @property
    def tuning(self) -> dict[str, str]:
        """The tuning members it wrote, as text."""
        return {name: str(loads(raw)) for name, raw in self.wrote.items() if _is_json(raw)}

    def in_force(self, settings: Settings | None) -> bool:
        """Say whether the settings (None: no file) hold this record's identity members as it wrote them."""
        values = settings.values() if settings else {}
        return all(values.get(name) == self.pin.get(name) for name in OURS if name not in SECRET_BEARING)

    def has_key(self, secret: Secret) -> bool:
        """Say whether this switch wrote that key."""
        return "salt" in self.key and self.key.get("hash") == digest(secret.reveal(), self.key["salt"])


def _texts(value: object) -> dict[str, str]:
    return {str(key): str(item) for key, item in value.items()} if isinstance(value, dict) else {}


def _is_json(text: str) -> bool:
    """Say whether a text can go into a settings file as a value: somebody may have edited the state."""
    try:
        loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def fingerprint(secret: Secret) -> dict[str, str]:
    """Return a salted hash by which a key can be recognised and from which it cannot be read."""
    salt = os.urandom(16).hex()
    return {"salt": salt, "hash": digest(secret.reveal(), salt)}


class State:
    """The state file of one worktree, or of a plain folder (then in the user's state folder, by its path).

    `current` and `previous` are the records of the last switch and of the one before it, `switched` when the last
    one was, in seconds since 1970 (None where that is not known).
    """

    __slots__ = ("_common", "current", "path", "previous", "switched")

    def __init__(self, worktree: Worktree, state_folder: str) -> None:
        folder = worktree.git_dir or os.path.join(state_folder, "folders", digest(worktree.root))
        self.path = os.path.join(folder, FOLDER if worktree.git_dir else "", NAME)
        self._common = worktree.common_dir
        self._take(_load(self.path))

    def load(self) -> None:
        """Read the state again; a switch does so once it has the lock. Raises OSError where it cannot be read."""
        self._take(_read(self.path))

    def _take(self, data: object) -> None:
        self.current, self.previous = Record(_part(data, "current")), Record(_part(data, "previous"))
        switched = data.get("switched") if isinstance(data, dict) else None
        self.switched = float(switched) if isinstance(switched, (int, float)) else None

    def save(self, record: Record, settings: Settings | None) -> None:
        """Write `record` as the current one and the one in force in `settings` as the one before; raises OSError.

        The current one is not in force where a switch failed after its record was written. A record equal to
        the current one changes nothing.
        """
        if {**record.data(), "foreign": self.current.foreign} == self.current.data():
            return
        import time  # only where something is written

        failed = not self.current.in_force(settings) and self.previous.in_force(settings)
        before = self.previous if failed or self.current.passing else self.current
        # After blanks no session holds anything of the pin before.
        self._write(record, before, None if self.current.passing else time.time())

    def amend(self, record: Record) -> None:
        """Write `record` as the current one in the place of the one there is: a mend is no switch; raises OSError."""
        self._write(record, self.previous, self.switched)

    def _write(self, record: Record, before: Record, switched: float | None) -> None:
        from llmswitch.base import files  # `status` reads a state and writes none

        data = {"version": 1, "current": record.data(), "previous": before.data(), "switched": switched}
        folder = os.path.dirname(self.path)
        files.make_folder(folder, 0o700)
        files.sweep(folder)
        files.replace(self.path, dumps(data).encode(), 0o600)

    def knows(self, secret: Secret) -> bool:
        """Say whether llmswitch wrote this key, here or in another worktree of the repository."""
        records = [self.current, self.previous]
        for path in self._neighbours():
            data = _load(path)
            records += [Record(_part(data, "current")), Record(_part(data, "previous"))]
        return any(record.has_key(secret) for record in records)

    def _neighbours(self) -> list[str]:
        if not self._common:
            return []
        linked = os.path.join(self._common, "worktrees")
        names = os.listdir(linked) if os.path.isdir(linked) else []
        folders = [self._common, *(os.path.join(linked, name) for name in names)]
        return [os.path.join(folder, FOLDER, NAME) for folder in folders]


def _load(path: str) -> object:
    try:
        return _read(path)
    except OSError:
        return None


def _read(path: str) -> object:
    """Return the data of a state file, None for none and for one that is broken; raises OSError."""
    try:
        with open(path, "rb") as file:
            return loads(file.read().decode())
    except (FileNotFoundError, NotADirectoryError, ValueError, RecursionError):
        return None


def _part(data: object, name: str) -> dict[str, object] | None:
    part = data.get(name) if isinstance(data, dict) else None
    return part if isinstance(part, dict) else None
