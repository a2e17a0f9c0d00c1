"""Where the slots of a mixed preset live: found by the model where a slot does not say, and checked where it does."""

from __future__ import annotations

from llmswitch.errors import PresetProblem
from llmswitch.preset import wrong_preset
from llmswitch.slot_map import PROTOCOLS, Elsewhere
from llmswitch.slots import AUTO

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from llmswitch.models import Models
    from llmswitch.preset import Preset


def find(preset: Preset, models: Models) -> None:
    """Give each slot that says nothing of its place the preset whose provider serves its model.

    With an endpoint of its own only `auto`, Claude Code's own model, needs another place, and only where every other
    slot has one. Raises PresetProblem, naming the choices, where there is not exactly one.
    """
    homeless = {slot: model for slot, model in preset.slots.items() if slot not in preset.elsewhere and model}
    if preset.base_url and (set(homeless.values()) != {AUTO} or preset.default_model):
        return
    for slot, model in homeless.items():
        preset.elsewhere[slot] = Elsewhere(_home(preset, slot, model, models), None, None, PROTOCOLS[0])


def _home(preset: Preset, slot: str, model: str, models: Models) -> str:
    found = models.presets_for(model)
    if len(found) == 1:
        return found[0]
    who = f"{' and '.join(found)} serve it" if found else "nobody is known to serve it"
    why = f'is {model}, and {who}: say which with {{"model": "{model}", "preset": "NAME"}}'
    raise wrong_preset(preset.source, [(f"slots.{slot}", why)])


def check(preset: Preset, load: Callable[[str], Preset | None]) -> None:
    """Raise PresetProblem where a slot names a preset that cannot serve it; `load` returns one, or None."""
    for slot, place in preset.elsewhere.items():
        if place.preset and (why := _why_not(preset.name, place.preset, load)):
            raise wrong_preset(preset.source, [(f"slots.{slot}.preset", why)])


def _why_not(mixed: str, name: str, load: Callable[[str], Preset | None]) -> str:
    if name == mixed:
        return f"is {name}, which is this preset itself"
    try:
        place = load(name)
    except PresetProblem as problem:
        return f"is {name}, which cannot be used: {problem.args[0]}"
    if place is None:
        return f"is {name}, which is not there"
    if place.is_claude:
        return f"is {name}: a login stays with Claude Code; name the preset anthropic, which has an API key"
    return "" if place.base_url else f"is {name}, which has no endpoint of its own"
