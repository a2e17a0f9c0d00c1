"""Slots of one's own login go to Anthropic, or not into the file."""

from __future__ import annotations

from llmswitch.base.errors import Refused
from llmswitch.base.passable import Passable
from llmswitch.claude.variables import ANTHROPIC_HOST
from llmswitch.presets.catalog import Catalog
from llmswitch.presets.doubts import doubt
from llmswitch.presets.pin import Pin
from llmswitch.settings.checkout import Checkout
from llmswitch.settings.neighbours import deciding


def check(checkout: Checkout, pin: Pin, anyway: bool, catalog: Catalog) -> list[str]:
    """Return warnings about ids that are not Anthropic's, and where other settings name another backend.

    Raises Refused for that, without `anyway`.
    """
    try:
        refuse(*deciding(checkout, pin.members))
        notices = list[str]()
    except Refused as refused:
        if not anyway:
            raise
        notices = [f"warning: {refused.args[0]}"]
    models = catalog.models
    return notices + [
        f"warning: {why}" for model in pin.models.values() if model and (why := doubt(model, "anthropic", models))
    ]


def refuse(where: str, by: str) -> None:
    """Refuse slots that `by` (a file, or the shell) sends to the host `where`, unless that is Anthropic's own."""
    if where not in ("", ANTHROPIC_HOST):
        raise Passable(
            f"These slots are for your own login, and {by or 'the settings file'} sends requests to {where}.",
            hint=f"Take that out of {by or 'the settings file'}, or name a preset: llmswitch list.",
        )
