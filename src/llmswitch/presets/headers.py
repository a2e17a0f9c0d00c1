"""Whether a host takes a key in both credential headers, in which Claude Code sends what a key helper prints."""

from __future__ import annotations

from llmswitch.presets.preset import Preset

WORDS = {True: "taken", False: "not taken", None: "unknown"}


def two_headers(preset: Preset) -> bool | None:
    """Say whether a preset's host takes both headers, None where its file does not say so: nobody knows.

    True where the guide of the provider, or of Claude Code for it, sends both; False where they are reported refused.
    """
    said = preset.fields.get("two_headers")
    return said if isinstance(said, bool) else None


def refusal(preset: Preset) -> str:
    """Return why a helper may not work at a preset's host, "" where nothing speaks against it."""
    if two_headers(preset) is not False:
        return ""
    return f"{preset.host} is reported to refuse a key in both headers, as a helper's goes out"


def unknown(preset: Preset) -> str:
    """Return that nobody knows whether a helper works at a preset's host, "" where that is known."""
    if two_headers(preset) is not None:
        return ""
    return (
        f"Whether {preset.host} takes a key in both headers, as a helper's goes out, is not known; "
        "try it: llmswitch doctor --probe"
    )
