"""From one settings text to the next: a pin put in or taken out, and the record that makes it reversible.

A switch always takes the old pin out first, so that it does not matter what was there before.
"""

from __future__ import annotations

from llmswitch.base.fastjson import dumps, loads, quoted
from llmswitch.claude.variables import ALLOWED, AUTO_MODE, OURS, SECRET_BEARING, may_be_secret
from llmswitch.settings.settings import Settings
from llmswitch.settings.state import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Change:
    """The pure result of an edit: the settings before and after it (None: no file), and the record to keep of it."""

    __slots__ = ("after", "before", "record")

    def __init__(self, before: Settings | None, after: Settings | None, record: Record) -> None:
        self.before, self.after, self.record = before, after, record


def switched(
    settings: Settings | None, records: Sequence[Record], members: Mapping[str, object], about: Mapping[str, object]
) -> Change:
    """Return the change that takes the pin of `records` out and puts `members` in; with none no pin is left.

    `records` are the current record and the one before it. `about` are the fields of the new record that a settings
    file does not tell: preset, overrides, key, passing, and `created` as far as it is known before.
    """
    found: dict[str, object] = {}
    base = settings
    if settings is not None:
        current = records[:1] if in_force(records[0], settings) else records
        # A record that was only passed through leaves what was found before it.
        found["foreign"] = _foreign(settings, records) | (records[0].foreign if records[0].passing else {})
        base = unpinned(settings, current)
        if base.blank and any("file" in each.created for each in current):
            base = None
    if not members:
        return Change(settings, base, Record({**about, **found}))
    after, noted = _pinned(base, members)
    created = about.get("created")
    parts = [*(created if isinstance(created, list) else []), *noted.pop("created")]
    return Change(settings, after, Record({**about, **found, **noted, "created": parts}))


def unpinned(settings: Settings, records: Sequence[Record]) -> Settings:
    """Return the settings as they were before the pin of any of those records."""
    ours = {name: raw for record in records for name, raw in record.wrote.items() if holds(settings, name, raw)}
    displaced = {name: raw for record in records for name, raw in record.displaced.items() if name in ours}
    gone = [*OURS, *(name for name in ours if name not in displaced)]
    settings = settings.without(gone).with_members(displaced)
    created = {item for record in records for item in record.created}
    if "env" in created:
        settings = settings.without_env()
    return settings.without_root() if "root" in created else settings


def holds(settings: Settings, name: str, raw: str | None) -> bool:
    """Say whether a member is as it was written; Claude Code's own writes spread a list over several lines."""
    found = settings.raw(name)
    return found == raw or (name == ALLOWED and None not in (found, raw) and loads(found or "") == loads(raw or ""))


def _pinned(base: Settings | None, members: Mapping[str, object]) -> tuple[Settings, dict[str, list[str]]]:
    """Return `base` (None: no file) with the members in it, and what the record says of that."""
    settings = Settings("\n") if base is None else base
    wanted = {name: value for name, value in members.items() if name != AUTO_MODE or not _has_opinion(settings)}
    raw = {name: as_json(value) for name, value in wanted.items()}
    wrote = {name: text for name, text in raw.items() if name not in OURS}
    missing = {"file": base is None, "root": settings.blank, "env": settings.env is None}
    noted = {
        "pin": {name: value for name, value in members.items() if name in OURS and name not in SECRET_BEARING},
        "wrote": wrote,
        "displaced": {name: text for name in wrote if (text := settings.raw(name)) is not None},
        "created": [part for part, absent in missing.items() if absent],
    }
    return settings.with_members(raw), noted  # type: ignore[return-value]  # created is a list, the others objects


def as_json(value: object) -> str:
    """Return a member's value as it is written into a settings file: text, a flag or a list of texts."""
    if not isinstance(value, str):
        return dumps(value)
    try:
        value.encode()
    except UnicodeEncodeError:  # half a character, which only an escape can write
        return dumps(value)
    return quoted(value)


def _has_opinion(settings: Settings) -> bool:
    """Say whether the user chose a permission mode: then auto mode is their business (Claude Code 2.1.329)."""
    permissions = settings.top("permissions")
    chosen = permissions if isinstance(permissions, dict) else {}
    return settings.top(AUTO_MODE) is not None or "defaultMode" in chosen or "disableAutoMode" in chosen


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


def in_force(record: Record, settings: Settings | None) -> bool:
    """Say whether the settings (None: no file) hold a record's identity members as it wrote them."""
    values = settings.values() if settings else {}
    return all(values.get(name) == record.pin.get(name) for name in OURS if name not in SECRET_BEARING)
