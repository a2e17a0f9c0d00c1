"""The entries of the ledger, read: who applied which preset in which worktree, and when."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from llmswitch.base.opened import data as bytes_of
from llmswitch.base.secret import digest
from llmswitch.settings.ledger import FOLDER


@dataclass(frozen=True)
class Entry:
    """A switch, or a start of Claude Code by `run`; `time` is in seconds since 1970.

    `preset` is None for entries of the user's own, `session` the id of the session that `run` started (None where the
    user's arguments chose one), `typed` the words of the command line, without secrets.
    """

    kind: str  # switch or run
    time: float
    worktree: str
    git: str  # the worktree's own git folder, "" for a plain folder
    preset: str | None
    host: str
    slots: Mapping[str, str]
    also: tuple[str, ...]
    start: str
    session: str | None
    typed: tuple[str, ...]

    def data(self) -> dict[str, object]:
        """Return the entry as JSON data."""
        return {**vars(self), "slots": dict(self.slots), "also": [*self.also], "typed": [*self.typed]}


def entries(state_folder: str, root: str | None = None) -> list[Entry]:
    """Return the entries of one worktree, or of all, the oldest first; what cannot be read is left out."""
    folder = os.path.join(state_folder, FOLDER)
    names = [digest(root) + ".jsonl"] if root is not None else _names(folder)
    found = [entry for name in names for entry in _read(os.path.join(folder, name))]
    return sorted(found, key=lambda entry: entry.time)


def _names(folder: str) -> list[str]:
    try:
        return sorted(name for name in os.listdir(folder) if name.endswith(".jsonl"))
    except OSError:
        return []


def _read(path: str) -> Iterator[Entry]:
    try:
        lines = bytes_of(path).decode(errors="replace").split("\n")
    except OSError:
        return
    for line in lines:
        if entry := _entry(line):
            yield entry


def _entry(line: str) -> Entry | None:
    """Return the entry of one line, None for a blank, a torn or a strange one."""
    try:
        data: Any = json.loads(line) if line else None
        if not isinstance(data, dict) or data["kind"] not in ("switch", "run"):
            return None
        slots = {str(slot): str(model) for slot, model in data["slots"].items()}
        return Entry(
            kind=data["kind"],
            time=float(data["time"]),
            worktree=str(data["worktree"]),
            git=str(data.get("git") or ""),
            preset=data["preset"] if isinstance(data.get("preset"), str) else None,
            host=str(data.get("host") or ""),
            slots=slots,
            also=tuple(map(str, data.get("also") or ())),
            start=str(data.get("start") or ""),
            session=data["session"] if isinstance(data.get("session"), str) else None,
            typed=tuple(map(str, data.get("typed") or ())),
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
