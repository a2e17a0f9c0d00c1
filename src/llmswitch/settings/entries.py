"""The entries of the ledger, read: who applied which preset in which worktree, and when."""

from __future__ import annotations

import os

from llmswitch.base.fastjson import dumps, loads
from llmswitch.base.opened import bytes_of
from llmswitch.base.secret import digest
from llmswitch.settings.ledger import FOLDER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from typing import Any


class Entry:
    """A switch, or a start of Claude Code by `run`; `time` is in seconds since 1970.

    `preset` is None for entries of the user's own, `session` the id of the session that `run` started (None where the
    user's arguments chose one), `typed` the words of the command line, without secrets.
    """

    def __init__(self, data: Mapping[str, Any]) -> None:
        """Take a line's data; raises what a strange one makes it raise."""
        self.kind: str = data["kind"]  # switch or run
        self.time, self.worktree = float(data["time"]), str(data["worktree"])
        self.git = str(data.get("git") or "")  # the worktree's own git folder, "" for a plain folder
        self.preset: str | None = data["preset"] if isinstance(data.get("preset"), str) else None
        self.host = str(data.get("host") or "")
        self.slots = {str(slot): str(model) for slot, model in data["slots"].items()}
        self.also = tuple(map(str, data.get("also") or ()))
        self.start = str(data.get("start") or "")
        self.session: str | None = data["session"] if isinstance(data.get("session"), str) else None
        self.typed = tuple(map(str, data.get("typed") or ()))

    def data(self) -> dict[str, object]:
        """Return the entry as JSON data."""
        return {**vars(self), "also": [*self.also], "typed": [*self.typed]}


def entries(state_folder: str, root: str | None = None, about: Collection[str] = ()) -> list[Entry]:
    """Return the entries of one worktree, or of all, the oldest first; what cannot be read is left out.

    With `about` only those that have one of these texts, which saves the reading of all others.
    """
    folder = os.path.join(state_folder, FOLDER)
    names = [digest(root) + ".jsonl"] if root is not None else _names(folder)
    words = [dumps(text).encode() for text in about]
    found = [entry for name in names for entry in _read(os.path.join(folder, name), words)]
    return sorted(found, key=lambda entry: entry.time)


def _names(folder: str) -> list[str]:
    try:
        return sorted(name for name in os.listdir(folder) if name.endswith(".jsonl"))
    except OSError:
        return []


def _read(path: str, words: Collection[bytes]) -> Iterator[Entry]:
    try:
        lines = bytes_of(path).split(b"\n")
    except OSError:
        return
    for line in lines:
        if line and (not words or any(word in line for word in words)) and (entry := _entry(line)):
            yield entry


def _entry(line: bytes) -> Entry | None:
    """Return the entry of one line, None for a torn or a strange one."""
    try:
        data = loads(line.decode(errors="replace"))
        return Entry(data) if data["kind"] in ("switch", "run") else None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
