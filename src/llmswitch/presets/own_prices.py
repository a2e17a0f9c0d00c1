"""The user's refreshed copy of the prices, which may have been edited by hand: only usable rows are taken."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeGuard

from llmswitch.base.errors import PresetProblem
from llmswitch.presets.files import read_object
from llmswitch.presets.price_lists import BEFORE

RATES = ("input", "output", "cache_read", "cache_write")


def read(path: str) -> dict[str, dict[str, dict[str, Any]]]:
    """Return {provider: {model: row}}, {} where there is no such file or it cannot be read."""
    try:
        providers = read_object(path).get("providers")
    except PresetProblem:
        return {}
    return {provider: _rows(models) for provider, models in providers.items()} if isinstance(providers, dict) else {}


def _rows(models: object) -> dict[str, dict[str, Any]]:
    found = {model: row for model, row in models.items() if _is_row(row)} if isinstance(models, dict) else {}
    for row in found.values():
        past = row.get(BEFORE)
        row[BEFORE] = [each for each in past if _is_row(each)] if isinstance(past, list) else []
    return found


def _is_row(row: object) -> TypeGuard[dict[str, Any]]:
    """Say whether a row has what a price needs, in the right form."""
    if not isinstance(row, dict) or not all(isinstance(row.get(name), str) for name in ("as_of", "source")):
        return False
    tiers, peak = row.get("tiers", []), row.get("peak")
    parts = [row, *(tiers if isinstance(tiers, list) else [None]), *([] if peak is None else [peak])]
    numbers = (*RATES, "above")
    good = all(
        isinstance(part, dict) and all(_is_number(part[name]) for name in numbers if name in part) for part in parts
    )
    return good and "input" in row and "output" in row and all("above" in tier for tier in tiers) and _are_hours(peak)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and value >= 0


def _are_hours(peak: Mapping[str, Any] | None) -> bool:
    spans = [] if peak is None else peak.get("utc")
    return isinstance(spans, list) and all(isinstance(span, list) and len(span) == 2 for span in spans)
