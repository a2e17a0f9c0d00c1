"""What models cost: prices with their dates, tiers and hours."""

from __future__ import annotations

from llmswitch.presets.models import base_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    Rows = dict[str, dict[str, dict[str, Any]]]

RATES = ("input", "output", "cache_read", "cache_write")


class Price:
    """One model's price at one provider, in USD per million tokens, with the day it was read and where."""

    def __init__(self, row: Mapping[str, Any]) -> None:
        self.row = row
        self.as_of, self.source = str(row["as_of"]), str(row["source"])

    def rates(self) -> dict[str, float]:
        """Return the rates of a short request outside dearer hours."""
        return {name: self.row[name] for name in RATES if name in self.row}

    @property
    def short(self) -> str:
        """Input and output price, as in `0.26/0.38`."""
        rates = self.rates()
        return f"{rates['input']:g}/{rates['output']:g}"


class Prices:
    """Price lists on top of each other, {provider: {model: row}}: of two rows the one with the later date counts."""

    __slots__ = ("_lists",)

    def __init__(self, lists: Sequence[Rows]) -> None:
        self._lists = lists

    def rows(self) -> Rows:
        """Return {provider: {model: row}}."""
        names = {(provider, model) for each in self._lists for provider, models in each.items() for model in models}
        found: Rows = {provider: {} for provider, _ in sorted(names)}
        for provider, model in sorted(names):
            found[provider][model] = self._newest(provider, model) or {}
        return found

    def find(self, provider: str | None, model: str) -> Price | None:
        """Return what a model costs at a provider, None where that is not known."""
        row = self._newest(provider or "", model) or self._newest(provider or "", base_id(model))
        return Price(row) if row else None

    def _newest(self, provider: str, model: str) -> dict[str, Any] | None:
        rows = [row for each in reversed(self._lists) if (row := each.get(provider, {}).get(model))]
        return max(rows, key=lambda row: row["as_of"], default=None)
