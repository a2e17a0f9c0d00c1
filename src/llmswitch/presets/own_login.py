"""Slots of Claude Code's own backend: models for the login that is there, and nothing else of a pin."""

from __future__ import annotations

from collections.abc import Mapping

from llmswitch.base.errors import UsageProblem
from llmswitch.claude.variables import SLOTS, START_MODEL, VARIABLES
from llmswitch.presets.catalog import Catalog
from llmswitch.presets.mixed import split
from llmswitch.presets.preset import AUTO, Preset, targets

_OF_A_PIN = ("base_url", "also")


def members(preset: Preset, overrides: Mapping[str, str], catalog: Catalog) -> dict[str, str]:
    """Return the variables of the slots and of the start that are asked for: no URL, no credential, no blanks.

    The name of a slot as a value is that slot's model, Claude Code's own where none is asked for. Raises UsageProblem
    for what goes with another backend only.
    """
    if wrong := [name for name in _OF_A_PIN if name in overrides]:
        hint = "It takes a model for a slot (--haiku and so on), --model, --start and --ladder."
        raise UsageProblem(f"Preset {preset.name} takes no --{wrong[0].replace('_', '-')}.", hint=hint)
    asked, places = split({slot: overrides[slot] for slot in SLOTS if slot in overrides}, catalog)
    if places:
        raise UsageProblem(
            f"A slot of your own login cannot live elsewhere: {', '.join(places)}.",
            hint="The preset anthropic has an API key, and its slots can.",
        )
    named = targets(asked, preset.custom)
    models = {**catalog.models.own, **{slot: model for slot, model in asked.items() if slot not in named}}
    chosen = {slot: models.get(named.get(slot, slot), "") for slot in asked}
    found = {VARIABLES[slot]: model for slot, model in chosen.items() if model not in ("", AUTO)}
    return {**found, START_MODEL: preset.start(overrides)} if "start" in overrides else found
