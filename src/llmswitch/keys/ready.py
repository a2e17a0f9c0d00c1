"""Presets that could take over: their key is known, and it is another one than that which gave out."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from llmswitch.base.errors import LlmswitchError
from llmswitch.keys.sources import variable
from llmswitch.presets.catalog import Catalog
from llmswitch.presets.listing import load_all
from llmswitch.presets.pin import pin

MOST = 3  # as many as fit into a message


def ready(key: str | None, catalog: Catalog, environ: Mapping[str, str], saved: Collection[str]) -> list[str]:
    """Return the first presets with another key that is saved or exported, and with a model for every slot.

    Nothing switches by itself: another provider never sees what was not meant for it.
    """
    found: dict[str, str] = {}
    for preset in load_all(catalog)[0]:
        if not preset.key or preset.key == key or preset.key in found or preset.is_mixed:
            continue
        if not (preset.key in saved or environ.get(variable(preset.key))):
            continue
        try:
            pin(preset, {}, catalog)
        except LlmswitchError:
            continue
        found[preset.key] = preset.name
    return list(found.values())[:MOST]
