"""A key that stands in a settings file and nowhere else, since somebody typed it or piped it in."""

from __future__ import annotations

from collections.abc import Collection

from llmswitch.base.secret import Secret
from llmswitch.base.urls import host_of
from llmswitch.claude.variables import BASE_URL, CREDENTIALS
from llmswitch.presets.preset import Preset
from llmswitch.settings.checkout import Checkout


def typed_before(checkout: Checkout, preset: Preset, unsaved: Collection[str]) -> tuple[Secret, str] | None:
    """Return the key of the pin that is here already and its source, where it was typed for this preset and host.

    `unsaved` are the sources that cannot be asked again.
    """
    record = checkout.state.current
    settings = checkout.file.settings()
    values = settings.values() if settings else {}
    text, source = values.get(CREDENTIALS[preset.auth], ""), record.key.get("source", "")
    same = record.preset == preset.name and host_of(values.get(BASE_URL, "")) == preset.host
    if not text or not same or source not in unsaved or not record.has_key(Secret(text)):
        return None
    return Secret(text), source
