"""What is known of models: windows, ratings, and who serves them."""

from __future__ import annotations

from llmswitch.claude.variables import plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

# OpenRouter's: the same model at other hosts, or with something more; those in `OTHER_PRICE` cost what those hosts ask
VARIANTS = (":exacto", ":thinking", ":extended", *(OTHER_PRICE := (":free", ":nitro", ":floor", ":online")))


def base_id(model: str) -> str:
    """Return the model's id without [1m] and a variant, under which windows are known."""
    name = plain(model)
    return plain(name.rpartition(":")[0]) if name.lower().endswith(VARIANTS) else name


class Models:
    """The data of `models.json`; see its `note`."""

    def __init__(self, data: Mapping[str, Any]) -> None:
        self.all: Mapping[str, Mapping[str, Any]] = data.get("models", {})
        self.families: Mapping[str, list[str]] = data.get("families", {})
        self.homes: Mapping[str, str] = data.get("homes", {})
        self.data = data
        self.own: Mapping[str, str] = data.get("claude_code", {})

    def windows(self) -> dict[str, int]:
        """Return {model id: context window in tokens} of the models that are known."""
        return {name: entry["context_window"] for name, entry in self.all.items() if "context_window" in entry}

    def entry(self, model: str) -> Mapping[str, Any]:
        """Return what is known of a model, {} for a stranger."""
        return self.all.get(model) or self.all.get(base_id(model)) or {}
