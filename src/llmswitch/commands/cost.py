"""`llmswitch cost`: what a session costs with each preset, by the prices of its own provider."""

from __future__ import annotations

from llmswitch.base.errors import LlmswitchError, UsageProblem
from llmswitch.presets.advice import slot_models
from llmswitch.presets.listing import load_all
from llmswitch.presets.listing import price as price_of
from llmswitch.presets.prices import Price
from llmswitch.presets.sessions import Moment, Session, hours, oldest, saved_percent
from llmswitch.presets.sessions import cost as cost_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from llmswitch.presets.catalog import Catalog
    from llmswitch.presets.preset import Preset


class Row:
    """One preset's prices: `slots` {slot: (model, Price, USD of the session)}; the start slot counts."""

    def __init__(self, preset: Preset, start: str, slots: Mapping[str, tuple[str, Price | None, float | None]]) -> None:
        self.name, self.billing, self.start, self.slots = preset.name, preset.billing, start, slots
        self.usd = slots[start][2] if start in slots else None
        self.current = False
        self.change: float | None = None

    @property
    def as_of(self) -> str:
        """The date of the oldest price in the row."""
        return oldest([price for _, price, _ in self.slots.values() if price])

    def data(self) -> dict[str, object]:
        """Return the row as JSON data; `change_percent` is against the current pin, negative for cheaper."""
        return {
            "preset": self.name,
            "current": self.current,
            "start_slot": self.start,
            "usd": self.usd,
            "change_percent": self.change,
            "billing": self.billing,
            "as_of": self.as_of or None,
            "slots": {slot: _entry(*found) for slot, found in self.slots.items()},
        }


def _entry(model: str, price: Price | None, usd: float | None) -> dict[str, object]:
    rates = price.rates() if price else {}
    return {
        "model": model,
        "usd": usd,
        "per_million": rates or None,
        "dearer_hours": (hours(price) or None) if price else None,
        "as_of": price.as_of if price else None,
        "source": price.source if price else None,
    }


def cost(
    names: Sequence[str],
    catalog: Catalog,
    session: Session,
    moment: Moment,
    current: tuple[str, Mapping[str, str]] | None,
) -> list[Row]:
    """Return a row for each preset named, or for all that have prices, the cheapest first.

    `current` is the preset in use here with its overrides; it gets a row too, and the others their difference to it.
    """
    presets = [catalog.load(name) for name in dict.fromkeys(names)] or [
        one for one in load_all(catalog)[0] if one.prices
    ]
    rows = [_row(preset, {}, catalog, session, moment) for preset in presets]
    baseline = _current(current, catalog, session, moment)
    if baseline:
        rows = [row for row in rows if row.name != baseline.name] + [baseline]
        for row in rows:
            if row is not baseline and row.usd is not None and baseline.usd:
                row.change = round(-saved_percent(row.usd, baseline.usd), 1)
    return sorted((row for row in rows if names or row.usd is not None), key=_cheapest)


def _cheapest(row: Row) -> tuple[bool, float, str]:
    return row.usd is None, row.usd or 0.0, row.name


def _current(
    current: tuple[str, Mapping[str, str]] | None, catalog: Catalog, session: Session, moment: Moment
) -> Row | None:
    try:
        row = _row(catalog.load(current[0]), current[1], catalog, session, moment) if current else None
    except LlmswitchError:
        return None
    if row:
        row.current = True
    return row


def _row(preset: Preset, overrides: Mapping[str, str], catalog: Catalog, session: Session, moment: Moment) -> Row:
    try:
        models = preset.models(overrides, own_names=True)
    except UsageProblem:
        models = dict(preset.slots)
    slots: dict[str, tuple[str, Price | None, float | None]] = {}
    for slot, model in slot_models(preset, models, catalog).items():
        price = price_of(preset, slot, model, catalog)
        slots[slot] = (model, price, cost_of(price, session, moment) if price else None)
    start = overrides.get("start", preset.default_slot)
    return Row(preset, preset.custom.get(start.lower(), start), slots)
