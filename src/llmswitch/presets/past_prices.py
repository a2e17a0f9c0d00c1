"""What models cost at a day that is past: the prices that a refresh replaced count for what was used in their time."""

from __future__ import annotations

from llmswitch.base import days
from llmswitch.presets.models import base_id
from llmswitch.presets.price_lists import BEFORE
from llmswitch.presets.prices import Price, Prices

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

NEVER = 1 << 60  # tokens, more than any prompt has


def dated(prices: Prices, provider: str, model: str, day: str) -> Price | None:
    """Return what a model costs or did cost at a provider, by the price nearest to a day; None for none."""
    rows = [row for name in dict.fromkeys((model, base_id(model))) for row in _all(prices, provider, name)]
    return Price(min(rows, key=lambda row: _apart(row["as_of"], day))) if rows else None


def special(prices: Prices, model: str) -> int:
    """Return the prompt above which a model's price depends on more than the tokens: 0 for any, NEVER for none."""
    found = NEVER
    for provider in {name for each in prices.lists for name in each}:
        rows = _all(prices, provider, model)
        changes = any(Price(row).rates() != Price(rows[0]).rates() or row.get("peak") for row in rows)
        bounds = [tier["above"] for row in rows for tier in row.get("tiers", ())]
        found = 0 if changes else min([found, *bounds])
    return found


def _all(prices: Prices, provider: str, model: str) -> list[dict[str, Any]]:
    """Return every row of a model, the newest list's first, with what a refresh replaced."""
    rows = [row for each in reversed(prices.lists) if (row := each.get(provider, {}).get(model))]
    return [row for each in rows for row in (each, *each.get(BEFORE, ()))]


def _apart(one: str, other: str) -> tuple[int, int]:
    """Return by how many days two dates differ, a later first one before an earlier one."""
    try:
        apart = days.number(one) - days.number(other)
    except ValueError:
        return 1 << 30, 0
    return abs(apart), -apart
