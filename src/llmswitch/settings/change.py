"""From one settings text to the next: a pin put in or taken out, and the record that makes it reversible.

A switch always takes the old pin out first, so that it does not matter what was there before.
"""

from __future__ import annotations

from llmswitch.base.fastjson import dumps, loads, quoted
from llmswitch.claude.variables import ALLOWED, API_KEY, AUTH_TOKEN, AUTO_MODE, OURS, SECRET_BEARING
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
    file does not tell: preset, overrides, key, passing.
    """
    found: dict[str, object] = {}
    base = settings
    if settings is not None:
        as_written = in_force(records[0], settings)
        # With no pin in the current record the one before it counts only where a switch failed after its record.
        alone = as_written or not (records[0].pin or any(in_force(each, settings) for each in records[1:]))
        current = records[:1] if alone else records
        base = unpinned(settings, current)
        if base.blank and any("file" in each.created for each in current):
            base = None
        # A record that was only passed through leaves what was found before it.
        found = {"foreign": records[0].foreign, "taken": records[0].taken} if records[0].passing else {}
        values, odd = settings.values(), SECRET_BEARING - {AUTH_TOKEN, API_KEY} if records[0].pin else OURS
        if not as_written or any(name in odd and (values[name] or not records[0].pin) for name in values):
            from llmswitch.settings import taken  # only where something is not as the last switch wrote it

            found = taken.noted(found, settings, base, records, not any(record.pin for record in current))
    if not members:
        return Change(settings, base, Record({**about, **found}))
    after, noted = _pinned(base, members)
    return Change(settings, after, Record({**about, **found, **noted}))


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


def _pinned(base: Settings | None, members: Mapping[str, object]) -> tuple[Settings, dict[str, object]]:
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
    return settings.with_members(raw), noted


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


def in_force(record: Record, settings: Settings | None) -> bool:
    """Say whether the settings (None: no file) hold a record's identity members as it wrote them."""
    values = settings.values() if settings else {}
    return all(values.get(name) == record.pin.get(name) for name in OURS if name not in SECRET_BEARING)
