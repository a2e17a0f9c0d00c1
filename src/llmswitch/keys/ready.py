"""What to do where a key is refused or gives out: the provider's page, and presets that could take over."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from llmswitch.base.errors import LlmswitchError
from llmswitch.base.typed import switching
from llmswitch.keys.sources import variable
from llmswitch.presets.balance import balance_of
from llmswitch.presets.catalog import Catalog
from llmswitch.presets.listing import load_all
from llmswitch.presets.pin import pin
from llmswitch.presets.preset import Preset

MOST = 3  # as many as fit into a message


def ways_on(
    status: int, preset: Preset | None, catalog: Catalog, environ: Mapping[str, str], saved: Collection[str]
) -> str:
    """Return what to type after a 401, 402 or 429 of a preset's provider; `saved` are the names of saved keys."""
    key, page = (preset.key, preset.key_url) if preset else (None, "")
    ways = [f"Look at your account {f'at {page}' if page else 'there'}, or try again later."]
    if status == 401:
        ways = [f"Save one that it takes: llmswitch save-key {key or 'NAME'}{f' (keys: {page})' if page else ''}."]
    elif preset and balance_of(preset):
        ways.append(f"What is left: llmswitch balance {preset.name}.")
    if others := ready(key, catalog, environ, saved):
        ways.append(f"Or switch: {'; or '.join(switching(name) for name in others)}.")
    return " ".join(ways)


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
