"""What a gateway did since its start, without a word of what was said: requests, errors, the model that answered."""

from __future__ import annotations

import time
from contextvars import ContextVar

TYPE_CHECKING = False
if TYPE_CHECKING:
    from llmswitch.presets.routes import Route

REFUSALS = (401, 402, 429)  # the key is refused, paid out, or used too fast


class Note:
    """What became of one request: where it went, the model by its own name, and whether the answer broke off."""

    def __init__(self) -> None:
        self.model, self.broke = "", False
        self.route: Route | None = None


# Of the request that is being answered here: what happens deep inside is noted without being handed up.
NOTE: ContextVar[Note] = ContextVar("NOTE")


class Counts:
    """The numbers of each pin, by the id of its routes."""

    def __init__(self) -> None:
        self.active = 0
        self._pins: dict[str, dict[str, object]] = {}
        self._refused: dict[str, dict[str | None, dict[str, object]]] = {}  # pin → host → the last refusal

    def begin(self) -> None:
        """Count a request that is being answered."""
        self.active += 1
        NOTE.set(Note())

    def end(self) -> None:
        """Count one less."""
        self.active -= 1

    def add(self, pin: str, status: int) -> None:
        """Add an answer."""
        note, old = NOTE.get(), self._pins.get(pin, {})
        requests, errors = int(str(old.get("requests", 0))), int(str(old.get("errors", 0)))
        failed = status >= 400 or note.broke
        model = note.model or old.get("model", "")
        self._pins[pin] = {"requests": requests + 1, "errors": errors + failed, "model": model}
        if note.route:
            self._note_refusal(self._refused.setdefault(pin, {}), note.route, status)

    def _note_refusal(self, refused: dict[str | None, dict[str, object]], route: Route, status: int) -> None:
        if status in REFUSALS:
            about = {"host": route.host, "key": route.key, "preset": route.preset, "status": status}
            refused[route.host] = {**about, "time": round(time.time())}
        elif status < 400:
            refused.pop(route.host, None)

    def data(self) -> dict[str, object]:
        """Return the numbers as JSON data."""
        refused = {pin: {"refused": list(found.values())} for pin, found in self._refused.items() if found}
        return {pin: {**numbers, **refused.get(pin, {})} for pin, numbers in self._pins.items()}
