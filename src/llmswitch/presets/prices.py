"""What models cost: prices with their dates, tiers and hours."""

from __future__ import annotations

from llmswitch.presets.models import base_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from llmswitch.presets.sessions import Moment

    Rows = dict[str, dict[str, dict[str, Any]]]

RATES = ("input", "output", "cache_read", "cache_write")


class Price:
    """One model's price at one provider, in USD per million tokens, with the day it was read and where."""

    def __init__(self, row: Mapping[str, Any]) -> None:
        self._row = row
        self.as_of, self.source = str(row["as_of"]), str(row["source"])

    def rates(self, prompt: int = 0, moment: Moment | None = None) -> dict[str, float]:
        """Return the rates of a request with a prompt of so many tokens at that moment.

        Above a tier's bound the whole request is at the tier's rates. Without a moment the hours do not count.
        """
        found = {name: self._row[name] for name in RATES if name in self._row}
        for tier in self._row.get("tiers", []):
            if prompt > tier["above"]:
                found |= {name: tier[name] for name in RATES if name in tier}
        if moment and self.is_peak(moment):
            found |= {name: self._row["peak"][name] for name in RATES if name in self._row["peak"]}
        return found

    def is_peak(self, moment: Moment) -> bool:
        """Say whether dearer hours are on; `weekdays` in the data means Monday to Friday only."""
        peak = self._row.get("peak")
        if not peak or (peak.get("weekdays") and moment.weekday > 4):
            return False
        return any(start <= moment.clock < end for start, end in peak["utc"])

    @property
    def hours(self) -> str:
        """The dearer hours in words, "" where there are none."""
        peak = self._row.get("peak")
        if not peak:
            return ""
        hours = " and ".join("-".join(span) for span in peak["utc"])
        return f"{hours} UTC{', Monday to Friday' if peak.get('weekdays') else ''}"

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
