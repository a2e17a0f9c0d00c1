"""What a gateway did since its start, without a word of what was said: requests, errors, the model that answered."""

from __future__ import annotations

import time
from collections import defaultdict
from contextvars import ContextVar
from typing import Any

from llmswitch.keys.refused import SAID
from llmswitch.presets.routes import Route


class Note:
    """What became of one request: where it went, the model by its own name, and whether the answer broke off."""

    def __init__(self) -> None:
        self.model, self.broke = "", False
        self.route: Route | None = None


# Of the request that is being answered here: what happens deep inside is noted without being handed up.
NOTE: ContextVar[Note] = ContextVar("NOTE")


class _Row:
    """The numbers of one pin or worktree."""

    def __init__(self) -> None:
        self.requests = self.errors = 0
        self.model = ""

    def add(self, failed: bool, model: str) -> None:
        """Add an answer."""
        self.requests += 1
        self.errors += failed
        self.model = model or self.model


class Counts:
    """The numbers of each pin, by the id of its routes, and of each worktree that uses it."""

    def __init__(self) -> None:
        self.active = 0
        self._pins: defaultdict[str, _Row] = defaultdict(_Row)
        self._places: defaultdict[tuple[str, str], _Row] = defaultdict(_Row)
        # pin → host and key → the last refusal
        self._refused: defaultdict[str, dict[tuple[str | None, str | None], dict[str, object]]] = defaultdict(dict)

    def begin(self) -> None:
        """Count a request that is being answered."""
        self.active += 1
        NOTE.set(Note())

    def end(self) -> None:
        """Count one less."""
        self.active -= 1

    def add(self, pin: str, place: str, status: int) -> None:
        """Add an answer, for the pin and for the worktree that asked."""
        note = NOTE.get()
        failed = status >= 400 or note.broke
        for row in (self._pins[pin], self._places[pin, place]):
            row.add(failed, note.model)
        if note.route:
            self._note_refusal(self._refused[pin], note.route, status)

    def _note_refusal(
        self, refused: dict[tuple[str | None, str | None], dict[str, object]], route: Route, status: int
    ) -> None:
        if status in SAID:
            about = {"host": route.host, "key": route.key, "preset": route.preset, "status": status}
            refused[route.host, route.key] = {**about, "time": round(time.time())}
        elif status < 400:
            refused.pop((route.host, route.key), None)

    def data(self) -> dict[str, dict[str, Any]]:
        """Return the numbers as JSON data; `worktrees` has them by `place_id`."""
        refused = {pin: {"refused": list(found.values())} for pin, found in self._refused.items() if found}
        made = {pin: {**vars(row), "worktrees": {}, **refused.get(pin, {})} for pin, row in self._pins.items()}
        for (pin, place), row in self._places.items():
            made[pin]["worktrees"][place] = dict(vars(row))
        return made
