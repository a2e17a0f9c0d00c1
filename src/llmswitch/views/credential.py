"""A credential that is no pin's own, in words."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

_WORDS = {
    "login": "your own login, sent as Authorization: Bearer",
    "missing": "none: there is no login",
    "oauth": "{masked} of CLAUDE_CODE_OAUTH_TOKEN, your own login, sent as Authorization: Bearer",
    "header": "{masked} in ANTHROPIC_CUSTOM_HEADERS",
    "cloud": "{source}",
}


def words(credential: Mapping[str, object]) -> str:
    """Return what is sent, and how."""
    return _WORDS[str(credential["kind"])].format_map(credential)
