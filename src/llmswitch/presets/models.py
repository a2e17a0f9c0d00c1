"""What is known of models: windows, ratings, who serves them, and which id a mistyped one meant."""

from __future__ import annotations

from llmswitch.claude.variables import plain
from llmswitch.presets.preset import AUTO

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from typing import Any

_EXACT = ":exacto"  # OpenRouter's: the same model, at the hosts that are best at tools
WEAK = ("fair", "poor")
_NEAR = 0.85  # how like a known id a mistyped one must be, of 1


def base_id(model: str) -> str:
    """Return the model's id without [1m] and :exacto, under which prices and windows are known."""
    name = plain(model)
    return plain(name[: -len(_EXACT)]) if name.lower().endswith(_EXACT) else name


class Models:
    """The data of `models.json`; see its `note`."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self._models: Mapping[str, Mapping[str, Any]] = data.get("models", {})
        self._families: Mapping[str, list[str]] = data.get("families", {})
        self._homes: Mapping[str, str] = data.get("homes", {})
        self.own: Mapping[str, str] = data.get("claude_code", {})

    def windows(self) -> dict[str, int]:
        """Return {model id: context window in tokens} of the models that are known."""
        return {name: entry["context_window"] for name, entry in self._models.items() if "context_window" in entry}

    def entry(self, model: str) -> Mapping[str, Any]:
        """Return what is known of a model, {} for a stranger."""
        return self._models.get(model) or self._models.get(base_id(model)) or {}

    def is_weak(self, model: str) -> bool:
        """Say whether a model is rated weak at tool use."""
        return self.entry(model).get("tool_use") in WEAK

    def doubt(self, model: str, provider: str | None) -> str:
        """Return why an id is not one of the provider's, as a sentence with the nearest that is; "" for no doubt."""
        entry, known = self.entry(model), [name for name in self._models if provider in self._of(name)]
        if provider in entry.get("providers", ()):
            gone = entry.get("gone")
            return f"{model} is no longer served by {provider}; its successor is {gone}." if gone else ""
        near = _nearest(base_id(model), known)
        return f"{provider} knows no {model}; ids are case-sensitive: did you mean {near}?" if near else ""

    def _of(self, name: str) -> Collection[str]:
        entry = self._models[name]
        return () if "gone" in entry else entry["providers"]

    def presets_for(self, model: str) -> list[str]:
        """Return the presets whose provider serves a model: by what is known of it, else by the form of its id."""
        if model == AUTO:
            return ["anthropic"]
        if providers := self.entry(model).get("providers"):
            return [self._homes[provider] for provider in providers if provider in self._homes]
        if "/" in model:
            return self._families.get("/", [])
        return next((presets for start, presets in self._families.items() if model.startswith(start)), [])


def _nearest(model: str, known: Collection[str]) -> str | None:
    import difflib

    lower = {name.lower(): name for name in known}
    near = difflib.get_close_matches(model.lower(), lower, n=1, cutoff=_NEAR)
    return lower[near[0]] if near else None
