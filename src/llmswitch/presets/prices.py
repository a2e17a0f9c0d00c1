"""What models cost: prices with their dates, tiers and hours."""

from __future__ import annotations

import os

from llmswitch.presets.files import read_object
from llmswitch.presets.models import OTHER_PRICE, base_id

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
        row, base = self.newest(provider or "", model), self.newest(provider or "", base_id(model))
        if row is None and base and model.lower().endswith(OTHER_PRICE):
            free = {**dict.fromkeys(RATES, 0.0), "as_of": base["as_of"], "source": base["source"]}
            return Price(free) if model.lower().endswith(":free") else None
        found = row or base
        return Price(found) if found else None

    def newest(self, provider: str, model: str) -> dict[str, Any] | None:
        """Return the row with the latest date, of several the last; None where there is none."""
        rows = [row for each in reversed(self.lists) if (row := each.get(provider, {}).get(model))]
        return max(rows, key=lambda row: row["as_of"], default=None)


def own_file(catalog: Catalog) -> str:
    """Return where the user's refreshed copy of the prices lies."""
    return os.path.join(os.path.dirname(catalog.own_folder), FILE)


def prices_of(catalog: Catalog) -> Prices:
    """Return the shipped prices and the user's refreshed copy of them, read once."""
    if catalog.price_lists is None:
        shipped: dict[str, Any] = read_object(os.path.join(catalog.shipped_folder, FILE))
        lists = [shipped["providers"]]
        if os.path.isfile(own_file(catalog)):
            from llmswitch.presets import own_prices  # only where somebody refreshed them

            lists.append(own_prices.read(own_file(catalog)))
        catalog.price_lists = Prices(lists)
    return catalog.price_lists
