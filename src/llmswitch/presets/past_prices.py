"""What models cost at a day that is past: the prices that a refresh replaced count for what was used in their time."""

from __future__ import annotations

from llmswitch.base import days
from llmswitch.presets.models import OTHER_PRICE, base_id
from llmswitch.presets.price_lists import BEFORE
from llmswitch.presets.prices import Price, Prices

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def dated(prices: Prices, provider: str, model: str, day: str) -> Price | None:
    """Return what a model costs or did cost at a provider, by the price nearest to a day; None for none."""
    own, base = _all(prices, provider, model), _all(prices, provider, base_id(model))
    if not own and model.lower().endswith(OTHER_PRICE):
        return prices.find(provider, model)
    return Price(min(own or base, key=lambda row: _apart(row["as_of"], day))) if own or base else None


def special(prices: Prices, model: str) -> set[int]:
    """Return the prompts above which a model's price depends on more than the tokens: 0 in it stands for any prompt."""
    found: set[int] = set()
    for provider in {name for each in prices.lists for name in each}:
        rows = _all(prices, provider, model)
        found |= {tier["above"] for row in rows for tier in row.get("tiers", ())}
        if any(Price(row).rates() != Price(rows[0]).rates() or row.get("peak") for row in rows):
            found.add(0)
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
