"""What a Claude Code session that was open during a switch still holds (measured on 2.1.329).

It takes changed and added variables within seconds. It never drops one that was removed, and its start model
is fixed. One that was started with --settings follows no settings file.
"""

from __future__ import annotations

from llmswitch.base.errors import Problem
from llmswitch.base.fastjson import loads
from llmswitch.base.urls import host_of
from llmswitch.claude.variables import BASE_URL, START_MODEL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from llmswitch.claude.sessions import Session
    from llmswitch.settings.state import Record


def before(sessions: Iterable[Session], switched: float | None) -> list[Session]:
    """Return the sessions that were open when the settings file was switched, and follow it."""
    return [each for each in sessions if switched is not None and each.started < switched and not each.overlay]


def held(current: Record, previous: Record) -> list[str]:
    """Return what a session keeps that was started on the pin `previous` and is now on `current`, in words."""
    old, new = _set(previous), {*current.pin, *current.wrote}
    if old.get(BASE_URL) and not current.pin:
        return [f"the backend {host_of(old[BASE_URL])}, with its key and models"]
    removed = [name for name, text in old.items() if text and name not in new]
    start, now = old.get(START_MODEL) or "opus, Claude Code's default,", current.pin.get(START_MODEL, "")
    moved = [f"the start model {start}"] if now and now != start else []
    return [*moved, *removed]


def _set(record: Record) -> dict[str, str]:
    wrote = {name: loads(raw) for name, raw in record.wrote.items() if name not in record.displaced}
    return {**record.pin, **{name: text for name, text in wrote.items() if isinstance(text, str)}}


def of_sessions(
    open_sessions: Iterable[Session] | None, switched: float | None, current: Record, previous: Record
) -> Iterator[Problem]:
    """Yield a note for each session that was open during the last switch and still holds something."""
    kept = held(current, previous)
    for session in before(open_sessions or (), switched) if kept else ():
        message = f"A session that is open here (process {session.pid}) was started before the last switch and keeps "
        yield Problem("old-session", "note", f"{message}{', '.join(kept)}.", "Restart it.")
