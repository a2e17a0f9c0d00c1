"""`llmswitch print-key` as Claude Code's key helper: no key for a base URL that somebody changed."""

from __future__ import annotations

from llmswitch.base.errors import Refused
from llmswitch.base.typed import switching
from llmswitch.base.urls import host_of
from llmswitch.claude.effective import effective
from llmswitch.claude.variables import BASE_URL, HELPER
from llmswitch.presets.preset import Preset
from llmswitch.settings.checkout import Checkout


def check(checkout: Checkout, preset: Preset) -> None:
    """Refuse where this very call is the helper of a session here, and its key would go to a strange host.

    The files are read for that: Claude Code hides its ANTHROPIC variables from its helper (2.1.332).
    """
    values = effective(checkout.layers)
    url = values[BASE_URL].text if BASE_URL in values else ""
    helper = values[HELPER].text if HELPER in values else ""
    if not url or not helper.endswith(f"print-key --preset {preset.name}"):
        return
    records = [checkout.state.current, *([checkout.main.state.current] if checkout.main else [])]
    known = {preset.host, *(host_of(record.pin.get(BASE_URL, "")) for record in records)}
    if host_of(url) not in known:
        where = host_of(url) or "a base URL that is none"
        raise Refused(
            f"The key of {preset.name} is not given out: {values[BASE_URL].layer.path} sends it to {where}.",
            hint=f"Put the pin back: {switching(preset.name)} --key-helper",
        )
