"""What a session costs: calls, tokens and the hour of the day."""

from __future__ import annotations

from collections.abc import Sequence

from llmswitch.presets.prices import Price

_MILLION = 1_000_000


class Session:
    """A session to price: calls, and tokens a call: `input` of which `cached` are read from a cache, and `output`."""

    def __init__(self, calls: int = 10, input: int = 50_000, output: int = 15_000, cached: int = 0) -> None:  # noqa: A002
        self.calls, self.input, self.output, self.cached = calls, input, output, min(cached, input)


class Moment:
    """A time of the week in UTC: weekday 0 is Monday, `clock` is HH:MM."""

    def __init__(self, weekday: int, clock: str) -> None:
        self.weekday, self.clock = weekday, clock


def cost(price: Price, session: Session, moment: Moment | None = None) -> float:
    """Return what a session costs, in USD."""
    rates = price.rates(session.input, moment)
    fresh = session.input - session.cached
    call = fresh * rates["input"] + session.cached * rates.get("cache_read", rates["input"])
    return session.calls * (call + session.output * rates["output"]) / _MILLION


def saved_percent(cost: float, baseline: float) -> float:
    """Return by how many percent `cost` is below `baseline`; negative where it is above."""
    return 100 * (baseline - cost) / baseline


def oldest(prices: Sequence[Price]) -> str:
    """Return the oldest date among prices, "" for none."""
    return min((price.as_of for price in prices), default="")
