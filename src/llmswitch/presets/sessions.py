"""What a session costs: calls, tokens and the hour of the day."""

from __future__ import annotations

from llmswitch.presets.prices import RATES, Price

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_MILLION = 1_000_000


class Session:
    """A session to price: calls, and tokens a call: `input` of which `cached` are read from a cache, and `output`."""

    def __init__(self, calls: int = 10, input: int = 50_000, output: int = 15_000, cached: int = 0) -> None:  # noqa: A002
        self.calls, self.input, self.output, self.cached = calls, input, output, min(cached, input)


class Moment:
    """A time of the week in UTC: weekday 0 is Monday, `clock` is HH:MM."""

    def __init__(self, weekday: int, clock: str) -> None:
        self.weekday, self.clock = weekday, clock


def cost_of(price: Price, session: Session, moment: Moment | None = None) -> float:
    """Return what a session costs, in USD."""
    rates = rates_of(price, session.input, moment)
    fresh = session.input - session.cached
    call = fresh * rates["input"] + session.cached * rates.get("cache_read", rates["input"])
    return session.calls * (call + session.output * rates["output"]) / _MILLION


def saved_percent(cost: float, baseline: float) -> float:
    """Return by how many percent `cost` is below `baseline`; negative where it is above."""
    return 100 * (baseline - cost) / baseline


def oldest(prices: Sequence[Price]) -> str:
    """Return the oldest date among prices, "" for none."""
    return min((price.as_of for price in prices), default="")


def rates_of(price: Price, prompt: int, moment: Moment | None) -> dict[str, float]:
    """Return the rates of a request with a prompt of so many tokens at that moment.

    Above a tier's bound the whole request is at the tier's rates. Without a moment the hours do not count.
    """
    found = price.rates()
    for tier in price.row.get("tiers", []):
        if prompt > tier["above"]:
            found |= {name: tier[name] for name in RATES if name in tier}
    if moment and is_peak(price, moment):
        found |= {name: price.row["peak"][name] for name in RATES if name in price.row["peak"]}
    return found


def is_peak(price: Price, moment: Moment) -> bool:
    """Say whether dearer hours are on; `weekdays` in the data means Monday to Friday only."""
    peak = price.row.get("peak")
    if not peak or (peak.get("weekdays") and moment.weekday > 4):
        return False
    return any(start <= moment.clock < end for start, end in peak["utc"])


def hours(price: Price) -> str:
    """The dearer hours in words, "" where there are none."""
    peak = price.row.get("peak")
    if not peak:
        return ""
    hours = " and ".join("-".join(span) for span in peak["utc"])
    return f"{hours} UTC{', Monday to Friday' if peak.get('weekdays') else ''}"


def short(price: Price) -> str:
    """Return input and output price, as in `0.26/0.38`."""
    rates = price.rates()
    return f"{rates['input']:g}/{rates['output']:g}"
