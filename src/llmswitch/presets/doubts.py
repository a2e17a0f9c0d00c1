"""Which id a mistyped one meant."""

from __future__ import annotations

import difflib
from collections.abc import Collection

from llmswitch.presets.models import Models, base_id

_NEAR = 0.85  # how like a known id a mistyped one must be, of 1


def doubt(model: str, provider: str, models: Models) -> str:
    """Return why an id is not one of the provider's, as a sentence with the nearest that is; "" for no doubt."""
    entry, known = models.entry(model), [name for name in models.all if provider in _providers(name, models)]
    if provider in entry.get("providers", ()):
        gone = entry.get("gone")
        return f"{model} is no longer served by {provider}; its successor is {gone}." if gone else ""
    near = _nearest(base_id(model), known)
    return f"{provider} knows no {model}; ids are case-sensitive: did you mean {near}?" if near else ""


def _providers(name: str, models: Models) -> Collection[str]:
    entry = models.all[name]
    return () if "gone" in entry else entry["providers"]


def _nearest(model: str, known: Collection[str]) -> str | None:
    lower = {name.lower(): name for name in known}
    near = difflib.get_close_matches(model.lower(), lower, n=1, cutoff=_NEAR)
    return lower[near[0]] if near else None
