"""What tokens cost at the provider that was asked, by the dated price nearest to their day."""

from __future__ import annotations

import time

from llmswitch.base.errors import LlmswitchError
from llmswitch.claude.variables import is_claude
from llmswitch.presets.catalog import Catalog
from llmswitch.presets.models import OTHER_PRICE, base_id
from llmswitch.presets.past_prices import dated, special
from llmswitch.presets.preset import Preset
from llmswitch.presets.prices import Price, prices_of
from llmswitch.presets.sessions import Moment, rates_of
from llmswitch.settings.entries import Entry
from llmswitch.usage.index import BOUNDS, SINGLE, SIZES, Part
from llmswitch.usage.renamed import undated

# What Anthropic takes for a cache that is kept for an hour, against one of five minutes: 2 and 1.25 times the input
# (https://platform.claude.com/docs/en/build-with-claude/prompt-caching#pricing); price lists have only the latter.
HOUR = 2 / 1.25
PLAN = "plan"
DAY = 24 * 60 * 60 * 1000  # ms
NEVER = 1 << 60  # tokens, more than any prompt has


class Cost:
    """What some tokens cost in USD, None where no price is known; `as_of` is the price's day, `plan`: by quota."""

    __slots__ = ("as_of", "plan", "usd")

    def __init__(self, usd: float | None, as_of: str = "", plan: bool = False) -> None:
        self.usd, self.as_of, self.plan = usd, as_of, plan


NO_PRICE = Cost(None)


class Pricer:
    """Prices parts of what was used."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog, self._prices = catalog, prices_of(catalog)
        self._presets: dict[str, Preset | None] = {}
        self._rows: dict[tuple[str, str, str, int], Price | None] = {}
        self._special: dict[str, tuple[int, int]] = {}  # the prompt above which there is more to know, and how much
        self._homes: dict[tuple[int, str], Preset | None] = {}

    def preset(self, name: str | None) -> Preset | None:
        """Return a preset by its name, None where there is none that can be used."""
        if name is None:
            return None
        if name not in self._presets:
            try:
                self._presets[name] = self._catalog.load(name)
            except LlmswitchError:
                self._presets[name] = None
        return self._presets[name]

    def fine(self, model: str, largest: int) -> int:
        """Say whether the cost of a model's tokens depends on the size of a prompt, the hour or the day: SIZES, SINGLE.

        0 where it does not, up to prompts of this size.
        """
        found = 0
        for name in (base_id(model), undated(base_id(model))):
            if name not in self._special:
                bounds = special(self._prices, name)
                usual = all(bound in BOUNDS for bound in bounds if bound)
                self._special[name] = min(bounds, default=NEVER), SIZES if usual else SINGLE
            bound, how = self._special[name]
            found = max(found, how if largest > bound else 0)
        return found

    def cost(self, part: Part, entry: Entry | None) -> Cost:
        """Return what a part cost where it was asked."""
        preset = self.preset(entry.preset) if entry else None
        if entry is None or preset is None:
            return NO_PRICE
        asking = id(entry), part.asked
        if asking not in self._homes:
            self._homes[asking] = self._home(preset, entry, part.asked)
        home = self._homes[asking]
        if home is None:
            return NO_PRICE
        if home.billing == PLAN:
            return Cost(None, plan=True)
        return self._at(home.prices, part, part.answered, part.asked)

    def there(self, part: Part, preset: Preset, model: str, slot: str) -> Cost:
        """Return what a part's tokens would have cost with a preset's slot, which has this model."""
        place = preset.elsewhere.get(slot)
        home = self.preset(place.preset) if place else preset
        return self._at(home.prices, part, model, model) if home and home.billing != PLAN else Cost(None, plan=True)

    def _home(self, preset: Preset, entry: Entry, asked: str) -> Preset | None:
        """Return the preset of the provider that serves a model; none for another host than the preset's."""
        slot = slot_of(asked, entry)
        place = preset.elsewhere.get(slot) if slot else None
        if place:
            return self.preset(place.preset) if place.preset else None
        if preset.base_url and entry.host not in ("", preset.host) and preset.protocol == "anthropic":
            return None
        return preset

    def _at(self, provider: str | None, part: Part, model: str, asked: str) -> Cost:
        price = self._price(provider or "", model, asked, part.time // DAY)
        if price is None:
            return NO_PRICE
        rates = rates_of(price, part.prompt, _moment(part.time) if "peak" in price.row else None)
        fresh, out, read, written, hour = part.tokens
        write = rates.get("cache_write", rates["input"])
        usd = fresh * rates["input"] + out * rates["output"] + read * rates.get("cache_read", rates["input"])
        usd += written * write + hour * write * (HOUR if is_claude(model) and "cache_write" in rates else 1)
        return Cost(usd / 1_000_000, price.as_of)

    def _price(self, provider: str, model: str, asked: str, days: int) -> Price | None:
        asking = provider, model, asked, days
        if asking not in self._rows:
            day = time.strftime("%Y-%m-%d", time.gmtime(days * DAY / 1000))
            names = [model, undated(model), *([asked] if undated(asked) == undated(model) else [])]
            names = [name for name in names if name.lower().endswith(OTHER_PRICE)] or names  # x/y:free comes as x/y
            found = (dated(self._prices, provider, name, day) for name in names)
            self._rows[asking] = next((price for price in found if price), None)
        return self._rows[asking]


def _moment(moment: int) -> Moment:
    now = time.gmtime(moment / 1000)
    return Moment(now.tm_wday, time.strftime("%H:%M", now))


def slot_of(asked: str, entry: Entry, agent: bool = False) -> str | None:
    """Return the slot that has a model, of several the sub-agents' only for a sub-agent; None where none has it."""
    found = [slot for slot, model in entry.slots.items() if model and base_id(model) == base_id(asked)]
    if agent and "subagent" in found:
        return "subagent"
    return next((slot for slot in found if slot != "subagent"), next(iter(found), None))
