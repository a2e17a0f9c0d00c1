"""`llmswitch models`: the models that are known, with the slots of presets that use them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from llmswitch.presets.advice import slot_models
from llmswitch.presets.catalog import Catalog
from llmswitch.presets.listing import known_models, load_all
from llmswitch.presets.models import base_id
from llmswitch.presets.prices import Price, prices_of
from llmswitch.presets.sessions import hours

RATINGS = ("tool_use", "code_quality", "reasoning", "agentic")
# Output price in USD per million tokens up to which a model is of that tier.
_TIERS = ((3.0, "$"), (6.0, "$$"), (15.0, "$$$"), (20.0, "$$$$"))
_DEAREST = "$$$$$"


@dataclass(frozen=True)
class Model:
    """One model's id with what is known of it; `used_by` are (preset, its slots) that have it."""

    id: str
    entry: Mapping[str, Any] = field(default_factory=dict)
    price: Price | None = None
    provider: str = ""  # whose price it is
    window: int | None = None
    used_by: Sequence[tuple[str, Sequence[str]]] = ()

    @property
    def tier(self) -> str | None:
        """How dear it is, `$` to `$$$$$`, by today's output price."""
        output = self.price.rates().get("output") if self.price else None
        if output is None:
            return None
        return next((tier for most, tier in _TIERS if output <= most), _DEAREST)

    def data(self) -> dict[str, object]:
        """Return what is known as JSON data; null is unknown."""
        return {
            "id": self.id,
            "name": self.entry.get("name"),
            "window": self.window,
            "price": _price(self.price, self.provider) if self.price else None,
            **{rating: self.entry.get(rating) for rating in RATINGS},
            "tier": self.tier,
            "used_by": [{"preset": preset, "slots": list(slots)} for preset, slots in self.used_by],
            "providers": list(self.entry.get("providers", ())),
            "strength": self.entry.get("strength"),
            "weakness": self.entry.get("weakness"),
            "gone": self.entry.get("gone"),
        }


def _price(price: Price, provider: str) -> dict[str, object]:
    said = {"as_of": price.as_of, "source": price.source, "provider": provider, "hours": hours(price) or None}
    return {**price.rates(), **said}


def known(catalog: Catalog, word: str = "") -> list[Model]:
    """Return the known models in whose id, name, providers or presets `word` occurs, in any case."""
    about = About(catalog)
    ids = [*catalog.models.all, *(name for name in about.used if not catalog.models.entry(name))]
    found = map(about.model, sorted(ids, key=str.lower))
    return [model for model in found if has(model, word)]


def has(model: Model, word: str) -> bool:
    """Say whether a word occurs in a model's id, name, providers or presets, in any case."""
    presets = [preset for preset, _ in model.used_by]
    texts = (model.id, str(model.entry.get("name", "")), *model.entry.get("providers", ()), *presets)
    return any(word.lower() in text.lower() for text in texts)


class About:
    """What the catalog's presets and data say of each model."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self.used: dict[str, list[tuple[str, list[str]]]] = {}  # model → (preset, its slots)
        self._windows: dict[str, int] = {}  # as presets say them
        for preset in load_all(catalog)[0]:
            self._windows |= preset.windows
            models = known_models(preset)
            slots: dict[str, list[str]] = {}
            for slot, model in {**models, **slot_models(preset, models, catalog)}.items():
                if model and not preset.slot_named(model):
                    slots.setdefault(base_id(model), []).append(slot)
            for model, names in slots.items():
                self.used.setdefault(model, []).append((preset.name, names))

    def model(self, name: str) -> Model:
        """Return one model; its price is that of the first provider that has one."""
        entry, prices = self._catalog.models.entry(name), prices_of(self._catalog)
        priced = ((provider, prices.find(provider, name)) for provider in entry.get("providers", ()))
        provider, price = next(((provider, price) for provider, price in priced if price), ("", None))
        window = entry.get("context_window") or self._windows.get(name)
        return Model(name, entry, price, provider, window, self.used.get(base_id(name), ()))
