"""Slots of a preset that say more than a model's id: where they live, a name of their own, or another slot."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from llmswitch.presets.preset import Preset

_USUAL = "anthropic"  # the protocol of a place that names none


class Elsewhere:
    """Where a slot lives that is not at its preset's own endpoint: another preset, or a URL with a key's name.

    With `preset` the other three are None and "anthropic", and that preset says them.
    """

    __slots__ = ("base_url", "key", "preset", "protocol")

    def __init__(self, preset: str | None, base_url: str | None, key: str | None, protocol: str) -> None:
        self.preset, self.base_url, self.key, self.protocol = preset, base_url, key, protocol


def read(preset: Preset, slots: Mapping[str, Any], slot_named: Callable[[str], str | None]) -> None:
    """Read a preset's slots into it; `slot_named` knows the words for slots that every preset has."""
    for word, value in slots.items():
        slot = slot_named(word) or word
        if isinstance(value, str):
            preset.slots[slot] = value.strip()
            continue
        preset.slots[slot] = value["model"].strip()
        if value.get("preset") or value.get("base_url"):
            url = (value.get("base_url") or "").rstrip("/") or None
            protocol = value.get("protocol") or _USUAL
            preset.elsewhere[slot] = Elsewhere(value.get("preset"), url, value.get("key"), protocol)
        preset.windows |= {preset.slots[slot]: value["window"]} if value.get("window") else {}
        if name := (value.get("name") or "").strip().lower():
            other = slot_named(name)
            if other not in (None, slot):
                preset.warnings.append(f"The name {name!r} means {slot} here, and no longer {other}.")
            preset.custom[name] = slot
    named = [slot for slot, model in preset.slots.items() if preset.slot_named(model)]
    for slot in named:  # one after the other: a place of the slot on the way counts too
        target, preset.slots[slot] = _followed(preset, slot)
        if target in preset.elsewhere:
            preset.elsewhere[slot] = preset.elsewhere[target]


def _followed(preset: Preset, slot: str) -> tuple[str, str]:
    """Return the slot that a slot's model names in the end, and the model there."""
    seen = [slot]
    while (target := preset.slot_named(preset.slots.get(seen[-1], ""))) and target not in seen:
        seen.append(target)
    return seen[-1], preset.slots.get(seen[-1], preset.default_model or "")
