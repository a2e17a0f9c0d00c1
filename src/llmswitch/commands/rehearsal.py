"""What a dry run, which reads no key, has in the place of one."""

from __future__ import annotations

from llmswitch.base.secret import Secret
from llmswitch.claude.variables import CREDENTIALS
from llmswitch.presets.catalog import Catalog
from llmswitch.presets.preset import Preset
from llmswitch.settings.checkout import Checkout

UNSEEN = "not read"  # too short to show an end when it is masked


def unseen(preset: Preset, checkout: Checkout, catalog: Catalog) -> str:
    """Return the preset's key where the file holds the one that we wrote, so that it is no change; else UNSEEN."""
    record, settings = checkout.state.current, checkout.file.settings()
    text = settings.values().get(CREDENTIALS[preset.auth], "") if settings else ""
    before = catalog.as_it_stands(record.preset) if record.preset and text else None
    same = before is not None and before.key == preset.key and record.has_key(Secret(text))
    return text if same else UNSEEN
