"""A settings file that is not quite JSON, mended: comments and trailing commas taken out, every other byte kept."""

from __future__ import annotations

import re

from llmswitch.settings.settings import Settings
from llmswitch.settings.text import SpliceError

# A string, a comment with the space before it, a comma; nothing else in a JSON text can hold the last two.
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[ \t]*(?://[^\r\n]*|/\*.*?\*/)|,', re.DOTALL)
_BEFORE_CLOSE = re.compile(r"\s*[}\]]")


def mended(text: str) -> str | None:
    """Return the text as Claude Code accepts it, None where nothing, or more than comments and commas, is wrong."""
    bare = _TOKEN.sub(lambda match: match[0] if match[0][0] in '",' else " " * match[0].endswith("*/"), text)
    tight = _TOKEN.sub(lambda match: "" if _is_last(match, bare) else match[0], bare)
    try:
        Settings(tight)
    except SpliceError:
        return None
    return None if tight == text else tight


def _is_last(match: re.Match[str], text: str) -> bool:
    """Say whether this is a comma before a closing bracket."""
    return match[0] == "," and _BEFORE_CLOSE.match(text, match.end()) is not None
