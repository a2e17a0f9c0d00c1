"""The words for Claude Code's model slots: neutral tier names, aliases, and what the user exported for one."""

from __future__ import annotations

from llmswitch.claude.variables import INSIDE, VARIABLES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

TIERS = {"small": "haiku", "medium": "sonnet", "large": "opus"}
_ALIASES = {**TIERS, "sonnet_1m": "sonnet", "opus_1m": "opus"}
AUTO = "auto"  # a model that is left to Claude Code


def slot_named(word: str) -> str | None:
    """Return the slot that a slot, tier or alias name means, in any case, or None."""
    name = word.lower()
    return name if name in VARIABLES else _ALIASES.get(name)


def targets(overrides: Mapping[str, str], custom: Mapping[str, str]) -> dict[str, str]:
    """Return {slot: the slot whose model it gets} for the overrides that name a slot and not a model.

    `custom` are a preset's own names of slots, which are stronger.
    """
    named = {slot: custom.get(value.lower()) or slot_named(value) for slot, value in overrides.items()}
    return {slot: target for slot, target in named.items() if target}


def from_environment(environ: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Return {slot: (model, variable)} for the overrides the user exported.

    Inside a Claude Code session the environment is the current pin, not a wish: there it is {}.
    """
    if environ.get(INSIDE):
        return {}
    found = {}
    for slot, variable in VARIABLES.items():
        for name in (f"LLMSWITCH_{slot.upper()}", variable):
            if model := environ.get(name, "").strip():
                found[slot] = (model, name)
    return found
