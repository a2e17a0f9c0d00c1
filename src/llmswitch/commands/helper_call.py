"""`llmswitch print-key` as Claude Code's key helper: no key for a base URL that somebody changed."""

from __future__ import annotations

from llmswitch.base.errors import Refused
from llmswitch.base.opened import bytes_of
from llmswitch.base.secret import digest
from llmswitch.base.urls import host_of
from llmswitch.claude.effective import effective
from llmswitch.claude.variables import BASE_URL, HELPER
from llmswitch.presets.preset import Preset
from llmswitch.settings.checkout import Checkout

# The end of a helper in the settings of `llmswitch run`, before they have their name, which is made from their text.
UNNAMED = "--overlay -"


def named(text: str, name: str) -> str:
    """Return the settings of `llmswitch run` with their own name in the helper's words."""
    return text.replace(f' {UNNAMED}"', f' --overlay {name}"')


def check(checkout: Checkout, preset: Preset, overlay: str | None) -> None:
    """Refuse where this very call is the helper of a session here, and its key would go to a strange host.

    The files are read for that: Claude Code hides its ANTHROPIC variables from its helper (2.1.332). `overlay` is the
    path of the settings that `llmswitch run` started the session with.
    """
    values = effective(checkout.layers)
    if overlay:
        _check_overlay(overlay, preset)
        if BASE_URL not in values or values[BASE_URL].origin != "managed":
            return  # the overlay's counts
    url = values[BASE_URL].text if BASE_URL in values else ""
    helper = values[HELPER].text if HELPER in values else ""
    if not url or not (overlay or helper.endswith(f"print-key --preset {preset.name}")):
        return
    hint = "Ask who administers this machine." if overlay else put_back(checkout, preset)
    check_host(checkout, preset, url, values[BASE_URL].layer.path, hint)


def put_back(checkout: Checkout, preset: Preset) -> str:
    """Return what to do about a helper's pin with another host: the same switch again, with what was chosen in it."""
    from llmswitch.base.shell import spelled  # brings re; only for a pin that was changed

    record = checkout.state.current
    overrides = record.overrides if record.preset == preset.name else {}
    return f"Put the pin back: {spelled(preset.name, overrides, key_helper=True)}"


def check_host(checkout: Checkout, preset: Preset, url: str, path: str, hint: str) -> None:
    """Refuse to give a key to a host that is neither its preset's nor the one recorded at the switch."""
    records = [checkout.state.current, *([checkout.main.state.current] if checkout.main else [])]
    known = {preset.host, *(host_of(record.pin.get(BASE_URL, "")) for record in records)}
    if host_of(url) not in known:
        where = host_of(url) or "a base URL that is none"
        raise Refused(f"The key of {preset.name} is not given out: {path} sends it to {where}.", hint=hint)


def _check_overlay(path: str, preset: Preset) -> None:
    """Refuse where the settings of a start are no longer what was written; Claude Code follows a change in them."""
    try:
        text = bytes_of(path).decode()
    except FileNotFoundError:
        return  # in memory alone, where nobody changes them
    except (OSError, ValueError):
        text = ""
    name = path.rpartition("/")[2].removesuffix(".json")
    if digest(text.replace(f' --overlay {name}"', f' {UNNAMED}"')) != name.rpartition("-")[2]:
        raise Refused(
            f"The key of {preset.name} is not given out: {path} was changed after the session started.",
            hint="End the session and start it anew: llmswitch run",
        )
