"""Which key a word means: a key's own name, a preset's, or another name of a preset."""

from __future__ import annotations

from llmswitch.base.errors import UsageProblem
from llmswitch.base.key_words import may_be_key
from llmswitch.keys.saved import DEFAULT, key_of, users
from llmswitch.presets.catalog import Catalog
from llmswitch.presets.listing import load_all, names
from llmswitch.presets.preset import is_name
from llmswitch.presets.words import preset_named


def key_name(word: str | None, catalog: Catalog, current: str | None) -> str:
    """Return the key that `word` (a key or a preset) means; without one, that of the preset in use, or openrouter.

    A word that is both means the key: a preset of that name may use another one.
    Raises UsageProblem for a preset without a key or a word that is no name.
    """
    if word is None:
        return next((preset.key for preset in load_all(catalog)[0] if preset.key and preset.name == current), DEFAULT)
    if not is_name(word) or may_be_key(word):
        raise UsageProblem("That is not the name of a key or a preset.", hint="See `llmswitch keys`.")
    if word in names(catalog):
        return word if users(word, catalog) else key_of(catalog.load(word))
    return key_of(catalog.load(word)) if _is_alias(word, catalog) else word


def _is_alias(word: str, catalog: Catalog) -> bool:
    """Say whether a word is another name of a preset, and not a key that is used under it."""
    return not users(word, catalog) and preset_named(word, catalog) is not None
