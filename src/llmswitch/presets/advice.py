"""What a person should know about a preset's models before the first request: ids, ratings, windows, prices."""

from __future__ import annotations

from llmswitch.claude.variables import SLOTS
from llmswitch.presets.preset import AUTO, targets
from llmswitch.presets.prices import of as prices_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmswitch.presets.catalog import Catalog
    from llmswitch.presets.preset import Preset

_WORKERS = ("sonnet", "opus")  # the slots that drive tools
WEAK = ("fair", "poor")  # ratings of tool use


def slot_models(preset: Preset, models: Mapping[str, str], catalog: Catalog) -> dict[str, str]:
    """Return {slot: id}, with Claude Code's own id where the slot is left to it."""
    own = catalog.models.own if preset.speaks_claude else {}
    named = {slot: model for slot, model in models.items() if model and model != AUTO}
    return {slot: id_ for slot in SLOTS[:4] if (id_ := named.get(slot) or own.get(slot, ""))}


def advice(preset: Preset, models: Mapping[str, str], overrides: Mapping[str, str], catalog: Catalog) -> list[str]:
    """Return warnings about the slots of a switch, and what its start slot costs."""
    if preset.is_claude:
        return []
    own = "base_url" not in overrides  # at another endpoint the preset's provider says nothing about ids
    lines = [*preset.warnings, *([] if catalog.is_shipped(preset.source) else _strange_hosts(preset, catalog))]
    lines += _doubts(preset, models, catalog) if own and preset.prices else []
    lines += [
        _weakness(slot, models[slot], catalog)
        for slot in _WORKERS
        if catalog.models.entry(models[slot]).get("tool_use") in WEAK
    ]
    lines += _unknown_windows(preset, overrides, catalog)
    return [f"warning: {line}" for line in lines] + (_price(preset, models, overrides, catalog) if own else [])


def _weakness(slot: str, model: str, catalog: Catalog) -> str:
    entry = catalog.models.entry(model)
    return f"{slot} is {model}, whose tool use is rated {entry['tool_use']}. {entry['weakness']}"


def _unknown_windows(preset: Preset, overrides: Mapping[str, str], catalog: Catalog) -> list[str]:
    chosen = {text for name, text in overrides.items() if name not in ("start", "base_url")}
    strangers = sorted(
        model
        for model in chosen - set(preset.windows)
        if "context_window" not in catalog.models.entry(model) and not targets({"": model}, preset.custom)
    )
    return [f"The context window of {', '.join(strangers)} is not known here."] if strangers else []


def _price(preset: Preset, models: Mapping[str, str], overrides: Mapping[str, str], catalog: Catalog) -> list[str]:
    model = slot_models(preset, models, catalog).get(preset.start(overrides), "")
    price = prices_of(catalog).find(preset.prices, model)
    if price is None:
        return []
    rates = price.rates()
    plan = " by the token (a plan bills by quota)" if preset.billing == "plan" else ""
    text = f"{model} costs {rates['input']:g} USD in and {rates['output']:g} out per million tokens{plan}"
    return [f"{text} (as of {price.as_of})."]


def _strange_hosts(preset: Preset, catalog: Catalog) -> list[str]:
    from llmswitch.presets.hosts import strange_hosts  # only for a preset of the user's

    return strange_hosts(preset, catalog)


def _doubts(preset: Preset, models: Mapping[str, str], catalog: Catalog) -> list[str]:
    """Return why some ids may not be the provider's, which most are."""
    names = [model for model in dict.fromkeys(models.values()) if model]
    entries = {model: catalog.models.entry(model) for model in names}
    odd = [model for model, each in entries.items() if preset.prices not in each.get("providers", ()) or "gone" in each]
    if not odd:
        return []
    from llmswitch.presets.doubts import doubt  # only for an id that is not known there

    return [text for model in odd if (text := doubt(model, preset.prices or "", catalog.models))]
