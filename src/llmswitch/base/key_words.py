"""What in a text may be a key: enough not to show it, which is more than is certain."""

from __future__ import annotations

import re

from llmswitch.base.secret import KNOWN_KEY, LONG_RUN, looks_like_key

# Long, and with a run of letters mixed with digits, which a branch's name or a date has not.
_LONG = r"(?=.*(?<![A-Za-z0-9])(?=[A-Za-z]*[0-9])(?=[0-9]*[A-Za-z])[A-Za-z0-9]{12,})[A-Za-z0-9_.=-]{32,}"


def known_keys(text: str) -> list[str]:
    """Return what in a text carries a provider's key prefix."""
    return [match[0] for match in re.finditer(KNOWN_KEY, text)]


def may_be_key(text: str) -> bool:
    """Say whether `text` could be a key: enough not to echo it in an error."""
    return looks_like_key(text) or (len(text) >= LONG_RUN and re.search(rf"\A{_LONG}\Z", text) is not None)
