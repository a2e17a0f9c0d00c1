"""What a gateway did since its start, without a word of what was said: requests, errors, the model that answered."""

from __future__ import annotations

from contextvars import ContextVar


class Note:
    """What became of one request: the model by its own name, and whether the answer broke off."""

    def __init__(self) -> None:
        self.model, self.broke = "", False


# Of the request that is being answered here: what happens deep inside is noted without being handed up.
NOTE: ContextVar[Note] = ContextVar("NOTE")


class Counts:
    """The numbers of each pin, by the id of its routes."""

    def __init__(self) -> None:
        self.active = 0
        self._pins: dict[str, dict[str, object]] = {}

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

    def data(self) -> dict[str, object]:
        """Return the numbers as JSON data."""
        return dict(self._pins)
