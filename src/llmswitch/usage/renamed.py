"""Which of two ids that differ are the same model all the same: what providers add to an id or leave out of it."""

from __future__ import annotations

import re
from functools import cache

# A pattern → what it is for, with an example. What matches goes before two ids are compared.
HARMLESS = {
    r":(free|exacto|nitro|floor|online|beta|thinking|extended)$": "a router's variant: x/y:free comes back as x/y",
    r"[-@](20\d{2}-?\d{2}-?\d{2})(?=$|[-:])": "a day: claude-sonnet-4-5-20250929, gpt-5@2025-08-07",
    r"-(0[1-9]|1[0-2])([0-2]\d|3[01])$": "a day without its year: kimi-k2-0905",
    r"-v\d+:\d+$": "a version of Bedrock's: us.anthropic.claude-sonnet-4-6-v1:0",
    r"-(latest|preview)$": "a moving name: mistral-large-latest",
}
_PATTERNS = [re.compile(pattern) for pattern in HARMLESS]


@cache
def undated(model: str) -> str:
    """Return a model's id without what providers add to it."""
    name = model
    for pattern in _PATTERNS:
        name = pattern.sub("", name)
    return name


@cache
def is_same(asked: str, answered: str) -> bool:
    """Say whether an answer's model is what was asked, by another name at most; a maker's name in front is none."""
    one, other = undated(asked).lower(), undated(answered).lower()
    if one == other or not asked:
        return True
    if "/" in one and "/" in other:
        return False
    return _version(one.rpartition("/")[2]) == _version(other.rpartition("/")[2])


def _version(name: str) -> str:
    return name.replace(".", "-")
