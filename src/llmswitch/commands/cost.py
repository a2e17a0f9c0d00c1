"""`llmswitch cost`: what a session costs with each preset, by the prices of its own provider."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches

from llmswitch.base.errors import LlmswitchError, UsageProblem
from llmswitch.presets import listing
from llmswitch.presets.advice import slot_models
from llmswitch.presets.catalog import Catalog
from llmswitch.presets.listing import load_all, price_of
from llmswitch.presets.preset import Preset
from llmswitch.presets.prices import Price, prices_of
from llmswitch.presets.sessions import Moment, Session, cost_of, hours, oldest, saved_percent
from llmswitch.presets.words import preset_named

MODEL = "model"  # the slot of a row that is one model


class Row:
    """The prices of a preset, or of one model: `slots` {slot: (model, Price, USD of the session)}; the start counts."""

    def __init__(
        self, name: str, billing: str, start: str, slots: Mapping[str, tuple[str, Price | None, float | None]]
    ) -> None:
        self.name, self.billing, self.start, self.slots = name, billing, start, slots
        self.usd = slots[start][2] if start in slots else None
        self.current = False
        self.change: float | None = None

    @property
    def as_of(self) -> str:
        """The date of the oldest price in the row."""
        return oldest([price for _, price, _ in self.slots.values() if price])

    def data(self) -> dict[str, object]:
        """Return the row as JSON data; `change_percent` is against the baseline, negative for cheaper."""
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
    has_key: Callable[[Preset], bool] = lambda preset: True,
    against: str = "",
) -> list[Row]:
    """Return a row for each preset or model named, the cheapest first; for none, the presets that `has_key` and prices.

    `current` is the preset in use here with its overrides; it gets a row too, and the others their difference to it,
    or to `against`, a preset or a model. Raises UsageProblem for a name that is neither.
    """
    rows = [row for name in dict.fromkeys(names) for row in _named(name, catalog, session, moment)]
    if not names:
        priced = [one for one in load_all(catalog)[0] if one.prices]
        rows = [
            _row(preset, {}, catalog, session, moment) for preset in [one for one in priced if has_key(one)] or priced
        ]
    baseline = here = _current(current, catalog, session, moment)
    if against and not (here and current and not current[1] and here.name == against):
        baseline = _named(against, catalog, session, moment)[0]
    extra = [row for row in dict.fromkeys((here, baseline)) if row]
    rows = [row for row in rows if row.name not in {each.name for each in extra}] + extra
    for row in rows:
        if baseline and row is not baseline and row.usd is not None and baseline.usd:
            row.change = round(-saved_percent(row.usd, baseline.usd), 1) or 0.0  # never -0.0
    return sorted((row for row in rows if names or row.usd is not None), key=_cheapest)


def _named(name: str, catalog: Catalog, session: Session, moment: Moment) -> list[Row]:
    """Return the row of a preset, or those of a model: one for each provider whose price of it is known."""
    if name in listing.names(catalog) or preset_named(name, catalog):
        return [_row(catalog.load(name), {}, catalog, session, moment)]
    prices = prices_of(catalog)
    homes = {provider: price for provider in _providers(catalog) if (price := prices.find(provider, name))}
    rows = [
        Row(
            name if len(homes) == 1 else f"{name} at {provider}",
            "tokens",
            MODEL,
            {MODEL: (name, price, cost_of(price, session, moment))},
        )
        for provider, price in homes.items()
    ]
    if not rows and catalog.models.entry(name):
        return [Row(name, "tokens", MODEL, {MODEL: (name, None, None)})]
    if not rows:
        near = get_close_matches(name, [*listing.names(catalog), *catalog.models.all], n=1)
        question = f" Did you mean {near[0]}?" if near else ""
        raise UsageProblem(f"There is no preset or model {name!r}.{question}", hint="See `llmswitch models`.")
    return rows


def _providers(catalog: Catalog) -> list[str]:
    return sorted({provider for rows in prices_of(catalog).lists for provider in rows})


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
    return Row(preset.name, preset.billing, preset.custom.get(start.lower(), start), slots)
