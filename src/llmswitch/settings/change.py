"""From one settings text to the next: a pin put in or taken out, and the record that makes it reversible.

A switch always takes the old pin out first, so that it does not matter what was there before.
"""

from __future__ import annotations

from llmswitch.base.fastjson import dumps, quoted
from llmswitch.claude.variables import AUTO_MODE, OURS, SECRET_BEARING, may_be_secret
from llmswitch.settings.settings import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from llmswitch.settings.state import Record


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
