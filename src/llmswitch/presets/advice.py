"""What a person should know about a preset's models before the first request: ids, ratings, windows, prices."""

from __future__ import annotations

from llmswitch.claude.variables import SLOTS, plain
from llmswitch.presets.preset import AUTO
from llmswitch.presets.prices import prices_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmswitch.presets.catalog import Catalog
    from llmswitch.presets.pin import Pin
    from llmswitch.presets.preset import Preset

WEAK = ("fair", "poor")  # ratings of tool use


def slot_models(preset: Preset, models: Mapping[str, str], catalog: Catalog) -> dict[str, str]:
    """Return {slot: id}, with Claude Code's own id where the slot is left to it."""
    own = catalog.models.own if preset.speaks_claude else {}
    named = {slot: model for slot, model in models.items() if model and model != AUTO}
    return {slot: id_ for slot in SLOTS[:4] if (id_ := named.get(slot) or own.get(slot, ""))}


def advice(preset: Preset, pin: Pin, overrides: Mapping[str, str], catalog: Catalog) -> list[str]:
    """Return warnings about the slots of a switch, and what its start slot costs."""
    if preset.is_claude:
        return []
    lines, models = [f"warning: {line}" for line in preset.warnings], pin.models
    if (
        overrides
        or not catalog.is_shipped(preset.source)
        or any(_is_odd(each, preset, catalog) for each in models.values())
    ):
        from llmswitch.presets import doubts  # only for ids, ratings or windows that are not as they should be

        lines += [f"warning: {line}" for line in doubts.about(preset, pin, overrides, catalog)]
    lines += _weak(models, overrides, catalog)
    # At another endpoint the preset's provider says nothing about prices.
    return lines if "base_url" in overrides else lines + _price(preset, models, overrides, catalog)


def _weak(models: Mapping[str, str], overrides: Mapping[str, str], catalog: Catalog) -> list[str]:
    """Return warnings about models that are weak with tools: those the user chose, or a preset's, where both are."""
    entries = {slot: catalog.models.entry(models[slot]) for slot in ("sonnet", "opus")}
    weak = [slot for slot, each in entries.items() if each.get("tool_use") in WEAK]
    weak = [slot for slot in weak if slot in overrides or len(weak) == len(entries)]
    same = len(weak) > len({models[slot] for slot in weak})
    said = {f"{' and '.join(weak)} are": weak[0]} if same else {f"{slot} is": slot for slot in weak}
    return [f"warning: {who} {models[slot]}, whose tool use is rated {entries[slot]['tool_use']}. "
            f"{entries[slot]['weakness']}" for who, slot in said.items()]  # fmt: skip


def _is_odd(model: str, preset: Preset, catalog: Catalog) -> bool:
    """Say whether there may be something to say about a model of a shipped preset."""
    entry = catalog.models.all.get(plain(model))
    if not model or preset.prices is None:
        return False
    return not entry or preset.prices not in entry["providers"] or "gone" in entry


def _price(preset: Preset, models: Mapping[str, str], overrides: Mapping[str, str], catalog: Catalog) -> list[str]:
    model = slot_models(preset, models, catalog).get(preset.start(overrides), "")
    price = prices_of(catalog).find(preset.prices, model)
    if price is None:
        return []
    rates = price.rates()
    plan = " by the token (a plan bills by quota)" if preset.billing == "plan" else ""
    text = f"{model} costs {rates['input']:g} USD in and {rates['output']:g} out per million tokens{plan}"
    return [f"{text} (as of {price.as_of})."]
