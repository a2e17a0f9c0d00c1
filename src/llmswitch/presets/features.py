"""What a backend can do besides answering in text: a document says so, or it is unknown."""

from __future__ import annotations

from llmswitch.claude.variables import ANTHROPIC_HOST
from llmswitch.presets.preset import Preset

FEATURES = {"web_search": "web search", "images": "images", "token_counting": "token counting", "pdf": "PDF files"}
# Measured on Claude Code 2.1.332; no variable takes WebSearch away.
_WITHOUT = (
    'Where web search fails, `"permissions": {"deny": ["WebSearch"]}` in a settings file takes the tool away; '
    "CLAUDE_CODE_DISABLE_WEB_FETCH=1 takes the one away that reads pages."
)


def features(preset: Preset) -> dict[str, bool | None]:
    """Return {feature: whether the backend has it}, None where no document says so."""
    said = dict(preset.fields.get("features") or {})
    if preset.protocol == "openai":
        said.setdefault("pdf", False)  # the gateway leaves a note in its place
    own = preset.is_claude or preset.host == ANTHROPIC_HOST
    return {name: True if own else said.get(name) for name in FEATURES}


def notes(preset: Preset) -> list[str]:
    """Return what a person should know of that, as sentences."""
    known = features(preset)
    lacking = [FEATURES[name] for name, has in known.items() if has is False]
    unknown = [FEATURES[name] for name, has in known.items() if has is None]
    lines = [f"Not here: {', '.join(lacking)}."] if lacking else []
    lines += [f"Unknown, since no document that was read says it: {', '.join(unknown)}."] if unknown else []
    return [*lines, _WITHOUT] if known["web_search"] is not True else lines
