"""From one settings text to the next: a pin put in or taken out, and the record that makes it reversible.

A switch always takes the old pin out first, so that it does not matter what was there before.
"""

from __future__ import annotations

from llmswitch.identity import IDENTITY, SECRET_BEARING, TOP_IDENTITY, may_be_secret
from llmswitch.lean import dumps, loads, quoted
from llmswitch.pin import AUTO_MODE
from llmswitch.settings import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

OURS = {**IDENTITY, **TOP_IDENTITY}


class Record:
    """What one switch wrote, kept in the state file: enough to take it out again, and no secret.

    `pin` holds the identity members but no credential, `wrote` the tuning members and `displaced` what the user
    had in their place (both as JSON text), `created` which of folder, file, root and env did not exist before,
    `foreign` the identity members found that were not ours. A `passing` record is no state to go back to.
    """

    FIELDS = ("preset", "overrides", "pin", "wrote", "displaced", "created", "foreign", "key", "passing")

    def __init__(self, fields: Mapping[str, object] | None = None) -> None:
        """Read a record from JSON data; what is missing or of the wrong type counts as empty."""
        fields = fields or {}
        preset = fields.get("preset")
        self.preset = preset if isinstance(preset, str) else None
        self.overrides = _texts(fields.get("overrides"))
        self.pin = _texts(fields.get("pin"))
        self.wrote = _texts(fields.get("wrote"))
        self.displaced = {name: raw for name, raw in _texts(fields.get("displaced")).items() if _is_json(raw)}
        created = fields.get("created")
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

    def in_force(self, settings: Settings) -> bool:
        """Say whether the settings hold this record's identity members as it wrote them."""
        values = settings.values()
        expected = self.pin if self.pin else {}
        return all(values.get(name) == expected.get(name) for name in OURS if name not in SECRET_BEARING)


def _texts(value: object) -> dict[str, str]:
    return {str(key): str(item) for key, item in value.items()} if isinstance(value, dict) else {}


def _is_json(text: str) -> bool:
    """Say whether a text can go into a settings file as a value: somebody may have edited the state."""
    try:
        loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def unpinned(settings: Settings, records: Sequence[Record]) -> Settings:
    """Return the settings as they were before the pin of any of those records."""
    ours = {name: raw for record in records for name, raw in record.wrote.items() if settings.raw(name) == raw}
    displaced = {name: raw for record in records for name, raw in record.displaced.items() if name in ours}
    gone = [*OURS, *(name for name in ours if name not in displaced)]
    settings = settings.without(gone).with_members(displaced)
    created = {item for record in records for item in record.created}
    if "env" in created:
        settings = settings.without_env()
    return settings.without_root() if "root" in created else settings


def pinned(base: Settings | None, pin: Mapping[str, str], record: Record) -> Settings:
    """Return `base` (None: no file) with the pin in it, and note in `record` what that displaced and created."""
    settings = Settings("\n") if base is None else base
    wanted = {name: text for name, text in pin.items() if name != AUTO_MODE or not _has_opinion(settings)}
    members = {name: _as_json(text) for name, text in wanted.items()}
    record.pin = {name: text for name, text in pin.items() if name in OURS and name not in SECRET_BEARING}
    record.wrote = {name: raw for name, raw in members.items() if name not in OURS}
    record.displaced = {name: raw for name in record.wrote if (raw := settings.raw(name)) is not None}
    missing = {"file": base is None, "root": settings.blank, "env": settings.env is None}
    record.created += [part for part, absent in missing.items() if absent]
    return settings.with_members(members)


def _as_json(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:  # half a character, which only an escape can write
        return dumps(text)
    return quoted(text)


def _has_opinion(settings: Settings) -> bool:
    """Say whether the user chose a permission mode: then auto mode is their business (Claude Code 2.1.329)."""
    permissions = settings.top("permissions")
    chosen = permissions if isinstance(permissions, dict) else {}
    return settings.top(AUTO_MODE) is not None or "defaultMode" in chosen or "disableAutoMode" in chosen


def next_settings(
    settings: Settings | None, records: Sequence[Record], pin: Mapping[str, str], record: Record
) -> Settings | None:
    """Return the settings with the pin of `records` taken out and `pin` put in; None where no file is left.

    `records` are the current record and the one before it; `record`, the new one, is filled in.
    """
    if settings is None:
        return pinned(None, pin, record) if pin else None
    current = records[:1] if records[0].in_force(settings) else records
    # A record that was only passed through leaves what was found before it.
    record.foreign = _foreign(settings, records) | (records[0].foreign if records[0].passing else {})
    base: Settings | None = unpinned(settings, current)
    if base and base.blank and any("file" in each.created for each in current):
        base = None
    return pinned(base, pin, record) if pin else base


def _foreign(settings: Settings, records: Sequence[Record]) -> dict[str, str]:
    """Return the identity members that no record wrote and that hold no secret; a blank counts, it cancels something.

    A pin of ours has every one of them, so its blanks cannot be told from the user's.
    """
    pinned_before = any(record.pin for record in records)
    return {
        name: text
        for name, text in settings.values().items()
        if name in OURS and not may_be_secret(name, text) and not (text == "" and pinned_before)
        if all(record.pin.get(name) != text for record in records)
    }
