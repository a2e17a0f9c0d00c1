"""A preset on top of another."""

from __future__ import annotations

from llmswitch.presets.preset import slot_named

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

# What a preset with another base URL does not inherit: requests with its key would go to the old host.
_OF_THE_HOST = ("key_check", "models_url", "balance", "two_headers", "features")


def merged(parent: Mapping[str, object], child: Mapping[str, object]) -> dict[str, object]:
    """Return `parent` with `child` on top, field by field; `slots`, `windows`, `env` and `features` entry by entry."""
    moved = "base_url" in child and child["base_url"] != parent.get("base_url")
    not_mine = {"aliases", *(_OF_THE_HOST if moved else ())}
    result = {name: value for name, value in parent.items() if name not in not_mine} | dict(child)
    for field in ("slots", "windows", "env", "features"):
        below, above = parent.get(field), child.get(field)
        if isinstance(below, dict) and isinstance(above, dict):
            again = {_same(field, word) for word in above}
            result[field] = {word: below[word] for word in below if _same(field, word) not in again} | above
    return result


def _same(field: str, word: str) -> str:
    """Return what a word means: `small` on top replaces `haiku` below."""
    return (field == "slots" and slot_named(word)) or word
