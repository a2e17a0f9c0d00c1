"""What models cost: prices with their dates, tiers and hours, and the price of a session."""

from __future__ import annotations

from llmswitch.presets.models import base_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any, TypeGuard

RATES = ("input", "output", "cache_read", "cache_write")
_MILLION = 1_000_000


class Session:
    """A session to price: calls, and tokens a call: `input` of which `cached` are read from a cache, and `output`."""

    def __init__(self, calls: int = 10, input: int = 50_000, output: int = 15_000, cached: int = 0) -> None:  # noqa: A002
        self.calls, self.input, self.output, self.cached = calls, input, output, min(cached, input)


class Moment:
    """A time of the week in UTC: weekday 0 is Monday, `clock` is HH:MM."""

    def __init__(self, weekday: int, clock: str) -> None:
        self.weekday, self.clock = weekday, clock


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

    def session(self, session: Session, moment: Moment | None = None) -> float:
        """Return what a session costs, in USD."""
        rates = self.rates(session.input, moment)
        fresh = session.input - session.cached
        call = fresh * rates["input"] + session.cached * rates.get("cache_read", rates["input"])
        return session.calls * (call + session.output * rates["output"]) / _MILLION

    @property
    def short(self) -> str:
        """Input and output price, as in `0.26/0.38`."""
        rates = self.rates()
        return f"{rates['input']:g}/{rates['output']:g}"


class Prices:
    """Price lists on top of each other: of two rows for one model the one with the later date counts."""

    def __init__(self, lists: Iterable[Mapping[str, Any]]) -> None:
        self._rows: dict[str, dict[str, list[object]]] = {}
        for each in lists:
            for provider, models in _items(each.get("providers")):
                rows = self._rows.setdefault(provider, {})
                for model, row in _items(models):
                    rows.setdefault(model, []).append(row)

    def rows(self) -> dict[str, dict[str, Any]]:
        """Return {provider: {model: row}}."""
        return {
            provider: {model: row for model, rows in models.items() if (row := _newest(rows))}
            for provider, models in self._rows.items()
        }

    def find(self, provider: str | None, model: str) -> Price | None:
        """Return what a model costs at a provider, None where that is not known."""
        models = self._rows.get(provider or "", {})
        row = _newest(models.get(model, [])) or _newest(models.get(base_id(model), []))
        return Price(row) if row else None


def _newest(rows: Iterable[object]) -> dict[str, Any] | None:
    """Return the usable row with the latest date, of several the last; None where there is none."""
    return max((row for row in reversed(list(rows)) if _is_row(row)), key=lambda row: row["as_of"], default=None)


def _items(value: object) -> Iterable[tuple[str, Any]]:
    """Return the members of an object, none for anything else: the user's copy may have been edited by hand."""
    return value.items() if isinstance(value, dict) else ()


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


def saved_percent(cost: float, baseline: float) -> float:
    """Return by how many percent `cost` is below `baseline`; negative where it is above."""
    return 100 * (baseline - cost) / baseline


def oldest(prices: Sequence[Price]) -> str:
    """Return the oldest date among prices, "" for none."""
    return min((price.as_of for price in prices), default="")
