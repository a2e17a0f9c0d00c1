"""What may be wrong with the models of a pin: ids that the provider may not have, unknown windows."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Mapping

from llmswitch.base.secret import redacted
from llmswitch.claude.variables import MAX_CONTEXT, MILLION, is_claude, plain
from llmswitch.presets.catalog import Catalog
from llmswitch.presets.hosts import strange_hosts
from llmswitch.presets.models import VARIANTS, Models, base_id
from llmswitch.presets.pin import Pin
from llmswitch.presets.preset import Preset

_NEAR = 0.85  # how like a known id a mistyped one must be, of 1
_WITH_VARIANTS = "openrouter"  # https://openrouter.ai/docs/guides/routing/model-variants


def about(preset: Preset, pin: Pin, overrides: Mapping[str, str], catalog: Catalog) -> list[str]:
    """Return what to know about a pin's models before the first request, as sentences."""
    lines = strange_hosts(preset, catalog)
    own = "base_url" not in overrides  # at another endpoint the preset's provider says nothing about ids
    homes = _homes(preset, pin, catalog)
    for model, home in dict.fromkeys(homes.values()):
        if own and home and home.prices and (why := doubt(model, home.prices, catalog.models)):
            lines.append(why)
    windows = {**catalog.models.windows(), **preset.windows}
    usual = dict.fromkeys(preset.slots.values(), "")
    asked = {slot: model for slot, (model, _) in homes.items() if model not in usual}
    return [*lines, *million(asked, windows).values(), *_unknown_windows(homes.values(), preset, catalog)]


def million(models: Mapping[str, str], windows: Mapping[str, int]) -> dict[str, str]:
    """Return {slot: what [1m] does there} for models that are not Claude's and are known to have a smaller window.

    Of a model that nobody knows, [1m] is the user's own word.
    """
    found = {}
    for slot, model in models.items():
        window = windows.get(model[: -len(MILLION)], 0)
        if model.lower().endswith(MILLION) and not is_claude(model) and 0 < window < 1_000_000:
            counted = f"Claude Code counts on 1,000,000 tokens then and ignores {MAX_CONTEXT}"
            found[slot] = f"{slot} is {redacted(model)}: {counted}; it has {window:,}."
    return found


def _homes(preset: Preset, pin: Pin, catalog: Catalog) -> dict[str, tuple[str, Preset | None]]:
    """Return {slot: (the id its provider gets, the preset of that provider)}; None for an endpoint without a preset."""
    if pin.routes is None:
        return {slot: (model, preset) for slot, model in pin.models.items() if model}
    routes = {slot: pin.routes.find(model) for slot, model in pin.models.items()}
    return {
        slot: (route.model, catalog.as_it_stands(route.preset) if route.preset else None)
        for slot, route in routes.items()
        if route
    }


def _unknown_windows(homes: Collection[tuple[str, Preset | None]], preset: Preset, catalog: Catalog) -> list[str]:
    """Return a warning about models whose context window nobody states, with the field that would."""
    stated = {*catalog.models.windows(), *preset.windows}
    strangers = [
        model
        for model, home in dict.fromkeys(homes)
        if not ({model, plain(model), base_id(model)} & {*stated, *(home.windows if home else ())})
        if not is_claude(model) and not model.lower().endswith(MILLION)
    ]
    if not strangers:
        return []
    field = ", ".join(f'"{model}": TOKENS' for model in strangers)
    return [
        f"The context window of {', '.join(strangers)} is not known here, and Claude Code takes it for 1M. "
        f"A preset of your own states it: windows: {{ {field} }}."
    ]


def doubt(model: str, provider: str, models: Models) -> str:
    """Return why an id is not one of the provider's, as a sentence with the nearest that is; "" for no doubt."""
    name = plain(model)
    base = base_id(model) if provider == _WITH_VARIANTS else name
    entry = models.all.get(name) or models.all.get(base) or {}
    known = [other for other in models.all if provider in _providers(other, models)]
    if provider in entry.get("providers", ()):
        gone = entry.get("gone")
        return f"{model} is no longer served by {provider}; its successor is {gone}." if gone else ""
    if not known or name.startswith("~"):  # nothing is known of the provider; OpenRouter's own aliases
        return ""
    if near := _nearest(base, known):
        return f"{provider} knows no {model}; ids are case-sensitive: did you mean {near}?"
    others = [other for other in entry.get("providers", ()) if other != provider]
    if others:
        return f"{model} is an id of {' and '.join(others)}; {provider} is not known to serve it."
    return f"{provider} is not known to serve {model}; what it serves now: llmswitch models --live."


def _providers(name: str, models: Models) -> Collection[str]:
    entry = models.all[name]
    return () if "gone" in entry else entry["providers"]


def _nearest(model: str, known: Collection[str]) -> str | None:
    """Return the known id that a mistyped one means, with or without a vendor's prefix, in any spelling."""
    same = [name for name in known if _bare(name) == _bare(model)]
    if same:
        return min(same, key=len)
    bare = model.lower().removesuffix(next((each for each in VARIANTS if model.lower().endswith(each)), ""))
    for names in ({name.lower(): name for name in known}, {_bare(name): name for name in known}):
        wanted = bare if "/" in bare and any("/" in name for name in names) else _bare(bare)
        if near := difflib.get_close_matches(wanted, names, n=1, cutoff=_NEAR):
            return names[near[0]]
    return None


def _bare(model: str) -> str:
    """Return an id without the vendor's prefix and what differs between providers' spellings of a name."""
    name = model.lower().rpartition("/")[2]
    name = name.removesuffix(next((each for each in VARIANTS if name.endswith(each)), ""))
    return re.sub(r"[^a-z0-9]+", "-", re.sub(r"(?<=\d)p(?=\d)", "-", name))
