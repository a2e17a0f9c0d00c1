"""What there is to a pin's key in rare cases: a dry run, a helper that prints it, an exported one that is odd."""

from __future__ import annotations

from llmswitch.base.errors import KeyProblem
from llmswitch.base.secret import Secret
from llmswitch.base.urls import host_of
from llmswitch.claude.variables import CREDENTIALS
from llmswitch.keys.sources import UNSAVED, Key
from llmswitch.presets import owners
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


def exported(key: Key, private: bool, base_url: str, catalog: Catalog) -> list[str]:
    """Return what to know of an exported key; `private` says whether it goes into the file."""
    lines = owners.misplaced(key.source, key.secret.reveal(), host_of(base_url), catalog)
    return lines if private else [*lines, f"Claude Code can ask for the key only where {key.source} is exported."]


def check_saved(key: Key, preset: Preset) -> None:
    """Raise KeyProblem for a key that no helper could print."""
    if key.source in UNSAVED:
        raise KeyProblem(
            f"A helper cannot print a key that is saved nowhere; this one came from {key.source}.",
            hint=f"Save it: llmswitch save-key {preset.key}; then type this again, without a key.",
        )
