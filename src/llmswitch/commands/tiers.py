"""Exported variables that would give one slot an endpoint or a key of its own, which is a line of a preset here."""

from __future__ import annotations

from llmswitch.presets.preset import TIERS, slot_named

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

STARTS, ENDS = ("LLMSWITCH_", "AFK_MODEL_"), {"_BASE_URL": "base_url", "_API_KEY": "key"}
_VALUES = {"base_url": "https://…", "key": "NAME"}


def remarks(environ: Mapping[str, str]) -> list[str]:
    """Return, for each such variable, the line of a preset that does what it is meant to do; no value is shown."""
    return [line for name in sorted(environ) if environ[name] and (line := _remark(name))]


def _remark(name: str) -> str:
    start = next((start for start in STARTS if name.startswith(start)), "")
    end = next((end for end in ENDS if name.endswith(end)), "")
    slot = slot_named(name[len(start) : -len(end)]) if start and end else None
    if slot is None:
        return ""
    tier = next((tier for tier, named in TIERS.items() if named == slot), slot)
    fields = {"base_url": _VALUES["base_url"], ENDS[end]: _VALUES[ENDS[end]]}
    said = ", ".join(f'{field}: "{value}"' for field, value in fields.items())
    save = "; the key itself: llmswitch save-key NAME" if end == "_API_KEY" else ""
    return (
        f"{name} is not read. In a preset of your own (llmswitch presets new NAME) this does it: "
        f'slots: {{ {tier}: {{ model: "ID", {said} }} }}{save}.'
    )
