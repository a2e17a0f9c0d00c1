"""Where the slots of a mixed preset live: found by the model where a slot does not say, and checked where it does."""

from __future__ import annotations

from collections.abc import Callable

from llmswitch.base.errors import PresetProblem
from llmswitch.presets.check import wrong_preset
from llmswitch.presets.models import Models
from llmswitch.presets.own_slots import Elsewhere
from llmswitch.presets.preset import AUTO, PROTOCOLS, Preset

_UNUSABLE = ", which cannot be used: "


def housed(preset: Preset, models: Models, load: Callable[[str], Preset | None]) -> Preset:
    """Return the preset with a place for each slot; one that says nothing lives where its model's provider is.

    `load` returns a preset as it stands, or None. With an endpoint of its own only `auto`, Claude Code's own model,
    needs another place, and only where every other slot has one. Raises PresetProblem, naming the choices, where
    there is not exactly one, and where a slot names a preset that cannot serve it.
    """
    homeless = {slot: model for slot, model in preset.slots.items() if slot not in preset.elsewhere and model}
    if preset.base_url and (set(homeless.values()) != {AUTO} or preset.default_model):
        homeless = {}
    found = {
        slot: Elsewhere(_home(preset, slot, model, models), None, None, PROTOCOLS[0])
        for slot, model in homeless.items()
    }
    whole = Preset(preset.name, preset.fields, preset.source, found) if found else preset
    for slot, place in whole.elsewhere.items():
        if place.preset and (why := _why_not(preset.name, place.preset, load)):
            problem = wrong_preset(preset.source, [(f"slots.{slot}.preset", why)])
            problem.root = why.partition(_UNUSABLE)[2]
            raise problem
    return whole


def _home(preset: Preset, slot: str, model: str, models: Models) -> str:
    found = _presets_for(model, models)
    if len(found) == 1:
        return found[0]
    who = f"{' and '.join(found)} serve it" if found else "nobody is known to serve it"
    why = f'is {model}, and {who}: say which with {{"model": "{model}", "preset": "NAME"}}'
    raise wrong_preset(preset.source, [(f"slots.{slot}", why)])


def _why_not(mixed: str, name: str, load: Callable[[str], Preset | None]) -> str:
    if name == mixed:
        return f"is {name}, which is this preset itself"
    try:
        place = load(name)
    except PresetProblem as problem:
        return f"is {name}{_UNUSABLE}{problem.args[0]}"
    if place is None:
        return f"is {name}, which is not there"
    if place.is_claude:
        return f"is {name}: a login stays with Claude Code; name the preset anthropic, which has an API key"
    return "" if place.base_url else f"is {name}, which has no endpoint of its own"


def _presets_for(model: str, models: Models) -> list[str]:
    """Return the presets whose provider serves a model: by what is known of it, else by the form of its id."""
    if model == AUTO:
        return ["anthropic"]
    if providers := models.entry(model).get("providers"):
        return [models.homes[provider] for provider in providers if provider in models.homes]
    if "/" in model:
        return models.families.get("/", [])
    return next((presets for start, presets in models.families.items() if model.startswith(start)), [])
