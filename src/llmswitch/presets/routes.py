"""Where the gateway sends a worktree's requests: one route a model id, without any key."""

from __future__ import annotations

import hashlib
import json

from llmswitch.base.urls import ID_DIGITS
from llmswitch.claude.variables import plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

FIELDS = ("slot", "model", "base_url", "key", "auth", "protocol", "preset")


class Route:
    """One upstream: `key` names a key (None: it asks for none), `auth` says how it is sent, `model` as it knows it.

    `protocol` is the format it speaks, `anthropic` or `openai`; `preset` is the preset that says all that, if one does.
    """

    def __init__(
        self, slot: str, model: str, base_url: str, key: str | None, auth: str, protocol: str, preset: str | None
    ) -> None:
        self.slot, self.model, self.base_url = slot, model, base_url
        self.key, self.auth, self.protocol, self.preset = key, auth, protocol, preset
        self.host = base_url.partition("://")[2].partition("/")[0]  # and port, for messages

    def data(self) -> dict[str, object]:
        """Return the route as JSON data."""
        return {field: getattr(self, field) for field in FIELDS}


class Routes:
    """The routes of one pin, by the model id that Claude Code sends; `preset` is its name, for messages.

    They never change: another map has another id, so that two worktrees with the same pin share one, an open
    session keeps what it began with, and a switch that fails leaves the old routes as they were.
    """

    def __init__(self, preset: str, by_model: Mapping[str, Route]) -> None:
        self.preset, self.by_model = preset, dict(by_model)

    @property
    def id(self) -> str:
        """What stands for these routes in the base URL: 16 hexadecimal digits, made from all that they say."""
        return hashlib.sha256(json.dumps(self.data(), sort_keys=True).encode()).hexdigest()[:ID_DIGITS]

    def find(self, model: str) -> Route | None:
        """Return the route of a model id; Claude Code leaves `[1m]` away on the wire (2.1.329)."""
        return self.by_model.get(plain(model))

    def data(self) -> dict[str, object]:
        """Return the routes as JSON data."""
        models = {model: route.data() for model, route in self.by_model.items()}
        return {"version": 1, "preset": self.preset, "routes": models}


def from_data(data: object) -> Routes:
    """Return the routes in JSON data; ValueError where it is none."""
    fields = data if isinstance(data, dict) else {}
    models = fields.get("routes")
    if fields.get("version") != 1 or not isinstance(models, dict):
        raise ValueError("not a file of routes")
    by_model = {str(model): _route(entry) for model, entry in models.items()}
    return Routes(str(fields.get("preset")), by_model)


def _route(entry: object) -> Route:
    if not isinstance(entry, dict) or not all(isinstance(entry.get(field), str | None) for field in FIELDS):
        raise ValueError("not a route")
    slot, model, base_url, key, auth, protocol, preset = (entry.get(field) for field in FIELDS)
    return Route(slot or "", model or "", base_url or "", key, auth or "", protocol or "", preset)
