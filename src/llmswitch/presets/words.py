"""What a name means that is neither a command nor a preset: another name of one, a word of other tools, a typo."""

from __future__ import annotations

import os
from difflib import get_close_matches

from llmswitch.base.errors import PresetProblem, UsageProblem
from llmswitch.presets.files import SUFFIX, read_object
from llmswitch.presets.listing import names, stems
from llmswitch.presets.preset import is_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from llmswitch.presets.catalog import Catalog
    from llmswitch.presets.preset import Preset

_BACK = "To go back to Claude Code's own backend: llmswitch claude"
_SWITCH = "To switch: llmswitch {rest}"
_HERE = "What is in use here: llmswitch status"
_LIST = "The presets: llmswitch list"
_COST = "What a session costs: llmswitch cost {rest}"
_RUN = "To start Claude Code with a preset: llmswitch run {rest}"
_KEY = "To save a key: llmswitch save-key {rest}"
# What people type who come from other tools → what they mean. A preset of that name is stronger.
MEANT = {
    **dict.fromkeys(("off", "reset", "unset", "default", "none", "clear", "disable", "stop", "logout"), _BACK),
    "login": f"{_BACK}, which uses your own login. {_KEY.format(rest='NAME')}",
    **dict.fromkeys(("remove", "rm", "delete"), f"{_BACK}. To delete a saved key: llmswitch keys delete NAME"),
    **dict.fromkeys(("switch", "set", "select", "to", "activate", "enable"), _SWITCH),
    **dict.fromkeys(("current", "active", "which", "whoami", "info", "now"), _HERE),
    **dict.fromkeys(("ls", "presets-list", "providers"), _LIST),
    **dict.fromkeys(("back", "previous", "prev", "undo"), "To go back to what was here before: llmswitch -"),
    **dict.fromkeys(("key", "set-key", "add-key", "auth", "token"), _KEY),
    **dict.fromkeys(("new", "add", "create"), "To make a preset of your own: llmswitch presets new NAME"),
    **dict.fromkeys(("price", "prices", "pricing", "costs"), _COST),
    **dict.fromkeys(("exec", "start", "launch", "code"), _RUN),
    **dict.fromkeys(("init", "setup", "install"),
                    "Nothing has to be set up. To begin: llmswitch save-key openrouter; then: llmswitch openrouter"),
    **dict.fromkeys(("check", "test", "diagnose"), "To look for what is wrong: llmswitch doctor"),
    "version": "The version: llmswitch --version",
}  # fmt: skip
# What stands in a reply where nothing follows the word.
_PLACES = {_SWITCH: "PRESET", _KEY: "NAME", _RUN: "PRESET"}


def preset_named(alias: str, catalog: Catalog) -> str | None:
    """Return the preset whose other name this is, in any case; the user's own come before the shipped ones."""
    return next((name for name, others in _aliases(catalog) if alias.lower() in others), None)


def aliases(preset: str, catalog: Catalog) -> list[str]:
    """Return the other names that lead to a preset: none that a preset, a command or an earlier one has."""
    taken = {*names(catalog), *catalog.reserved}
    found = [other for name, others in _aliases(catalog) if name == preset for other in others]
    return [other for other in dict.fromkeys(found) if other not in taken and preset_named(other, catalog) == preset]


def by_preset(catalog: Catalog) -> dict[str, list[str]]:
    """Return {preset: other names that files give it}, of all presets at once."""
    found: dict[str, list[str]] = {}
    for name, others in _aliases(catalog):
        found.setdefault(name, []).extend(others)
    return found


def _aliases(catalog: Catalog) -> Iterator[tuple[str, list[str]]]:
    """Yield each preset with the other names that its own file gives it, not those of what it extends."""
    for folder in (catalog.own_folder, catalog.shipped_folder):
        for name in sorted(stems(folder)):
            try:
                found = read_object(os.path.join(folder, name + SUFFIX)).get("aliases")
            except PresetProblem:  # one wrong file must not hide the others' names
                continue
            yield name, [other.lower() for other in found if isinstance(other, str)] if isinstance(found, list) else []


def load(name: str, path: str | None, catalog: Catalog) -> Preset:
    """Return the preset that has this other name, or one in a `path` that has a command's (`use` reaches it).

    Raises UsageProblem for a stranger, PresetProblem for a file whose name is none.
    """
    if path and is_name(name):
        return catalog.housed(name, path)
    if path:
        raise PresetProblem(f"{path}: {name!r} is no name for a preset.")
    if (meant := preset_named(name, catalog)) is None:
        raise stranger([name], catalog)
    return catalog.load(meant)


def stranger(words: Sequence[str], catalog: Catalog) -> UsageProblem:
    """Return the error about a first word that is no preset, with the command that was meant."""
    word, rest = words[0], " ".join(word for word in words[1:] if word.isprintable() and " " not in word)
    if meant := MEANT.get(word.lower()):
        text = meant.format(rest=rest or _PLACES.get(meant, "")).rstrip()
        return UsageProblem(f"{word!r} is neither a command nor a preset.", hint=text)
    others = [alias for _, found in _aliases(catalog) for alias in found]
    near = get_close_matches(word.lower(), [*names(catalog), *catalog.reserved, *others], n=1)
    question = f" Did you mean {near[0]}?" if near else ""
    return UsageProblem(f"There is no preset {word!r}.{question}", hint="See `llmswitch list`.")
