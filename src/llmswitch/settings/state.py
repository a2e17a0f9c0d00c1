"""The state of a worktree: what the last switch wrote, and the one before it. It holds no secret.

It lies in the worktree's own git folder and goes away with it. Lost, a switch still works; it then cannot tell
our own token from a foreign one, nor bring back what a pin displaced.
"""

from __future__ import annotations

import os

from llmswitch.base.fastjson import loads
from llmswitch.base.opened import bytes_of
from llmswitch.base.secret import digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmswitch.base.secret import Secret
    from llmswitch.worktrees.layout import Worktree

FOLDER = "llmswitch"
NAME = "state.json"


class Record:
    """What one switch wrote, kept in the state file: enough to take it out again, and no secret.

    `pin` holds the identity members but no credential, `wrote` the tuning members and `displaced` what the user
    had in their place (both as JSON text), `created` which of file, root and env did not exist before,
    `foreign` the identity members found that were not ours, `taken` what stood there in place of a pin of ours
    (settings/taken). A `passing` record is no state to go back to.
    """

    FIELDS = ("preset", "overrides", "pin", "wrote", "displaced", "created", "foreign", "taken", "key", "passing")
    __slots__ = FIELDS

    def __init__(self, fields: Mapping[str, object] | None = None) -> None:
        """Read a record from JSON data; what is missing or of the wrong type counts as empty."""
        fields = fields or {}
        preset, created, taken = fields.get("preset"), fields.get("created"), fields.get("taken")
        self.preset = preset if isinstance(preset, str) else None
        self.overrides = _texts(fields.get("overrides"))
        self.pin = _texts(fields.get("pin"))
        self.wrote = _json(fields.get("wrote"))
        self.displaced = _json(fields.get("displaced"))
        self.created = [str(item) for item in created] if isinstance(created, list) else []
        self.foreign = _texts(fields.get("foreign"))
        self.taken = taken if isinstance(taken, dict) else {}
        self.key = _texts(fields.get("key"))
        self.passing = fields.get("passing") is True

    def data(self) -> dict[str, object]:
        """Return the record as JSON data."""
        return {field: getattr(self, field) for field in self.FIELDS}

    def has_key(self, secret: Secret) -> bool:
        """Say whether this switch wrote that key."""
        known = (self.key.get("hash"), self.key.get("older"))  # the second: a renewal that may have ended too early
        return "salt" in self.key and digest(secret.reveal(), self.key["salt"]) in known


def _texts(value: object) -> dict[str, str]:
    return {str(key): str(item) for key, item in value.items()} if isinstance(value, dict) else {}


def _json(value: object) -> dict[str, str]:
    return {name: raw for name, raw in _texts(value).items() if is_json(raw)}


def is_json(text: str) -> bool:
    """Say whether a text can go into a settings file as a value: somebody may have edited the state."""
    try:
        loads(text)
    except (ValueError, RecursionError):
        return False
    return True


class State:
    """The state file of one worktree, or of a plain folder (then in the user's state folder, by its path).

    `current` and `previous` are the records of the last two switches, `switched` is when the last one was (seconds
    since 1970), `first` what the first took (None: not known); `note` lists the worktree among this machine's pins.
    """

    __slots__ = ("common_dir", "current", "first", "note", "path", "previous", "root", "switched")

    def __init__(self, worktree: Worktree, state_folder: str) -> None:
        folder = worktree.git_dir or os.path.join(state_folder, "folders", digest(worktree.root))
        self.path = os.path.join(folder, FOLDER if worktree.git_dir else "", NAME)
        self.root, self.common_dir = worktree.root, worktree.common_dir
        self.note = os.path.join(state_folder, "pins", digest(self.path))
        self._take(load(self.path))

    def load(self) -> None:
        """Read the state again; a switch does so once it has the lock. Raises OSError where it cannot be read."""
        self._take(_read(self.path))

    def _take(self, data: object) -> None:
        self.current, self.previous = Record(part(data, "current")), Record(part(data, "previous"))
        switched, first = (data.get("switched"), data.get("first")) if isinstance(data, dict) else (None, None)
        self.switched = float(switched) if isinstance(switched, (int, float)) else None
        self.first = first if isinstance(first, dict) else None


def load(path: str) -> object:
    """Return the data of a state file, None where there is none to read."""
    try:
        return _read(path)
    except OSError:
        return None


def _read(path: str) -> object:
    """Return the data of a state file, None for none and for one that is broken; raises OSError."""
    try:
        return loads(bytes_of(path).decode())
    except (FileNotFoundError, NotADirectoryError, ValueError, RecursionError):
        return None


def part(data: object, name: str) -> dict[str, object] | None:
    """Return one record in the data of a state file, None where there is none."""
    part = data.get(name) if isinstance(data, dict) else None
    return part if isinstance(part, dict) else None
