"""What models cost: prices with their dates, tiers and hours."""

from __future__ import annotations

import os

from llmswitch.presets.files import read_object
from llmswitch.presets.models import base_id
from llmswitch.presets.price_lists import BEFORE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from llmswitch.presets.catalog import Catalog

    Rows = dict[str, dict[str, dict[str, Any]]]

FILE = "prices.json"
RATES = ("input", "output", "cache_read", "cache_write")


class Price:
    """One model's price at one provider, in USD per million tokens, with the day it was read and where."""

    def __init__(self, row: Mapping[str, Any]) -> None:
        self.row = row
        self.as_of, self.source = str(row["as_of"]), str(row["source"])

    def rates(self) -> dict[str, float]:
        """Return the rates of a short request outside dearer hours."""
        return {name: self.row[name] for name in RATES if name in self.row}


class Prices:
    """Price lists on top of each other, {provider: {model: row}}: of two rows the one with the later date counts."""

    __slots__ = ("lists",)

    def __init__(self, lists: Sequence[Rows]) -> None:
        self.lists = lists

    def find(self, provider: str | None, model: str) -> Price | None:
        """Return what a model costs at a provider, None where that is not known."""
        row = self.newest(provider or "", model) or self.newest(provider or "", base_id(model))
        return Price(row) if row else None

    def dated(self, provider: str, model: str, day: str) -> Price | None:
        """Return what a model costs or did cost at a provider, by the price nearest to a day; None for none."""
        rows = [row for name in (model, base_id(model)) for row in self._all(provider, name)]
        return Price(min(rows, key=lambda row: _apart(row["as_of"], day))) if rows else None

    def _all(self, provider: str, model: str) -> list[dict[str, Any]]:
        """Return every row of a model, the newest list's first, with what a refresh replaced."""
        rows = [row for each in reversed(self.lists) if (row := each.get(provider, {}).get(model))]
        return [row for each in rows for row in (each, *each.get(BEFORE, ()))]

    def special(self) -> dict[str, int]:
        """Return {model: the prompt above which its price depends on more than the tokens}, 0 for any prompt."""
        found: dict[str, int] = {}
        for provider, model in {(name, model) for each in self.lists for name in each for model in each[name]}:
            rows = self._all(provider, model)
            bounds = [tier["above"] for row in rows for tier in row.get("tiers", ())]
            changes = len({str(Price(row).rates()) for row in rows}) > 1 or any(row.get("peak") for row in rows)
            if changes or bounds:
                found[model] = min(found.get(model, 1 << 60), 0 if changes else min(bounds))
        return found

    def newest(self, provider: str, model: str) -> dict[str, Any] | None:
        """Return the row with the latest date, of several the last; None where there is none."""
        rows = [row for each in reversed(self.lists) if (row := each.get(provider, {}).get(model))]
        return max(rows, key=lambda row: row["as_of"], default=None)


def _apart(one: str, other: str) -> tuple[int, int]:
    """Return by how many days two dates differ, a later first one before an earlier one."""
    from datetime import date  # only where past prices count

    try:
        days = date.fromisoformat(one).toordinal() - date.fromisoformat(other).toordinal()
    except ValueError:
        return 1 << 30, 0
    return abs(days), -days


def own_file(catalog: Catalog) -> str:
    """Return where the user's refreshed copy of the prices lies."""
    return os.path.join(os.path.dirname(catalog.own_folder), FILE)


def of(catalog: Catalog) -> Prices:
    """Return the shipped prices and the user's refreshed copy of them, read once."""
    if catalog.price_lists is None:
        shipped: dict[str, Any] = read_object(os.path.join(catalog.shipped_folder, FILE))
        lists = [shipped["providers"]]
        if os.path.isfile(own_file(catalog)):
            from llmswitch.presets import own_prices  # only where somebody refreshed them

            lists.append(own_prices.read(own_file(catalog)))
        catalog.price_lists = Prices(lists)
    return catalog.price_lists
