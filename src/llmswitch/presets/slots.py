"""Claude Code's model slots, their neutral tier names, and which model ends up in which slot.

Slots and their variables: Claude Code 2.1.329, https://code.claude.com/docs/en/model-config.
"""

from __future__ import annotations

from llmswitch.base.errors import UsageProblem
from llmswitch.claude.variables import SLOTS, VARIABLES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

TIERS = {"small": "haiku", "medium": "sonnet", "large": "opus"}
_ALIASES = {**TIERS, "sonnet_1m": "sonnet", "opus_1m": "opus"}
AUTO = "auto"


def slot_named(word: str) -> str | None:
    """Return the slot that a slot, tier or alias name means, in any case, or None."""
    name = word.lower()
    return name if name in VARIABLES else _ALIASES.get(name)


def start_slot(word: str, custom: Mapping[str, str] | None = None) -> str:
    """Return the slot a session may start on; `custom` has the preset's own names. UsageProblem for anything else."""
    slot = (custom or {}).get(word.lower()) or slot_named(word)
    if slot is None or slot == "subagent":
        names = ", ".join(["haiku", "sonnet", "opus", "fable", "small", "medium", *(custom or {})])
        raise UsageProblem(f"A session cannot start on {word!r}.", hint=f"Use {names} or large.")
    return slot


def from_environment(environ: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Return {slot: (model, variable)} for the overrides the user exported.

    Inside a Claude Code session (`CLAUDECODE`) the environment is the current pin, not a wish: there it is {}.
    """
    if environ.get("CLAUDECODE"):
        return {}
    found = {}
    for slot, variable in VARIABLES.items():
        for name in (f"LLMSWITCH_{slot.upper()}", variable):
            if model := environ.get(name, "").strip():
                found[slot] = (model, name)
    return found


def resolve(
    preset: str,
    slots: Mapping[str, str],
    default_model: str | None,
    overrides: Mapping[str, str],
    custom: Mapping[str, str] | None = None,
    speaks_claude: bool = False,
) -> dict[str, str]:
    """Return {slot: model id} for all five slots: overrides first, then the preset, then its default model.

    `""` in the subagent slot means "inherit", and in the others, which needs `speaks_claude`, the client's own
    model. The name of a slot as a value means that slot's model; a custom name is stronger than a tier's.
    Raises UsageProblem where a slot has no model.
    """
    models = {slot: slots.get(slot, default_model) for slot in SLOTS}
    models["fable"] = models["fable"] or models["opus"]
    named = targets(overrides, custom or {})
    models |= {slot: value for slot, value in overrides.items() if slot not in named}
    chosen = models | {slot: models[target] for slot, target in named.items()}
    return {slot: _model(preset, slot, chosen[slot], speaks_claude) for slot in SLOTS}


def targets(overrides: Mapping[str, str], custom: Mapping[str, str]) -> dict[str, str]:
    """Return {slot: the slot whose model it gets} for the overrides that name a slot and not a model."""
    named = {slot: custom.get(value.lower()) or slot_named(value) for slot, value in overrides.items()}
    return {slot: target for slot, target in named.items() if target}


def _model(preset: str, slot: str, value: str | None, speaks_claude: bool) -> str:
    if slot == "subagent" or (speaks_claude and value == AUTO):
        return "" if value is None or value == AUTO else value
    if not value:
        hint = f"Add --{slot} MODEL or --model MODEL."
        raise UsageProblem(f"Preset {preset} names no model for {slot}.", hint=hint)
    if value == AUTO:
        raise UsageProblem(
            f"{slot} cannot be {AUTO} here: Claude Code would send its own model name to {preset}.",
            hint=f"Name a model: --{slot} MODEL.",
        )
    return value
