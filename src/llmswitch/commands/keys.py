"""`save-key`, `keys`, `keys delete` and `print-key`: the keys in the OS keyring and in the environment."""

from __future__ import annotations

from llmswitch.base.errors import LlmswitchError, UsageProblem
from llmswitch.keys import sources
from llmswitch.keys.saved import DEFAULT, by_reference, key_of, users
from llmswitch.presets.listing import load_all
from llmswitch.presets.preset import is_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from llmswitch.base.secret import Secret
    from llmswitch.keys.names import KeyNames, Keyring
    from llmswitch.presets.catalog import Catalog
    from llmswitch.presets.preset import Preset


class KeyRow:
    """One key in the list: where it is, or what stands in the way; never its value."""

    def __init__(self, name: str, source: str | None, presets: list[str], problem: str = "") -> None:
        self.name, self.source, self.presets, self.problem = name, source, presets, problem

    def data(self) -> dict[str, object]:
        """Return it as JSON data."""
        return {"name": self.name, "source": self.source, "presets": self.presets, "problem": self.problem or None}


def list_keys(
    catalog: Catalog, environ: Mapping[str, str], keyring: Callable[[], Keyring], names: KeyNames
) -> list[KeyRow]:
    """Return the keys that were saved or exported, or that the user's presets use, with where each would come from.

    The shipped presets use dozens more, which a keyring would have to be asked for one by one.
    """
    saved = {DEFAULT, *names.load()}
    used = {
        preset.key
        for preset in load_all(catalog)[0]
        if preset.key and (not catalog.is_shipped(preset.source) or environ.get(sources.variable(preset.key)))
    }
    return [
        _row(name, presets, environ, keyring)
        for name in sorted(saved | used)
        for presets in by_reference(users(name, catalog)) or [[]]
    ]


def _row(name: str, presets: list[Preset], environ: Mapping[str, str], keyring: Callable[[], Keyring]) -> KeyRow:
    used_by = [preset.name for preset in presets]
    try:
        key = sources.find(name, presets[0].key_from if presets else None, environ, keyring)
    except LlmswitchError as error:
        return KeyRow(name, None, used_by, str(error.args[0]))
    return KeyRow(name, key.source if key else None, used_by)


def key_page(name: str, catalog: Catalog) -> str | None:
    """Return the provider's page where a key is made and revoked, None where no preset says it."""
    return next((preset.key_url for preset in users(name, catalog) if preset.key_url), None)


def delete_key(name: str, keyring: Callable[[], Keyring], names: KeyNames) -> bool:
    """Delete a key from the OS keyring and say whether it was there."""
    opened = keyring()
    if secret := opened.get(name):  # copies of it may stand in files: known by its hash, they can be named
        names.hashes.add(name, secret)
    deleted = opened.delete(name)
    names.remove(name)
    names.hashes.delete(name)
    return deleted


def print_key(
    name: str | None,
    preset: str | None,
    catalog: Catalog,
    environ: Mapping[str, str],
    keyring: Callable[[], Keyring],
) -> Secret:
    """Return the key that `name` means, or that `preset` uses, from the first source that has it. It never asks.

    Raises KeyProblem where no source has it, UsageProblem where presets take a key of that name from several places.
    """
    if (name is None) == (preset is None):
        raise UsageProblem("Name either a key or, with --preset, a preset.")
    if name is not None and (text := _exported(name, catalog, environ)):
        return sources.checked(text, sources.variable(name))
    chosen = None if preset is None else catalog.load(preset)
    if chosen:
        name = key_of(chosen)
    else:
        from llmswitch.commands.key_name import key_name  # imports re; `print-key --preset` needs none

        name = key_name(name, catalog, None)
    groups = [[chosen]] if chosen else by_reference(users(name, catalog))
    if len(groups) > 1:
        names = " or ".join(group[0].name for group in groups)
        raise UsageProblem(f"Presets take the {name} key from different places.", hint=f"Name one: --preset {names}.")
    key = sources.find(name, groups[0][0].key_from if groups else None, environ, keyring)
    if key is None:
        raise sources.missing(name, environ)
    return key.secret


def _exported(name: str, catalog: Catalog, environ: Mapping[str, str]) -> str | None:
    """Return the key that is exported under this name, the first source of all, without a look at all presets."""
    try:
        preset = catalog.as_it_stands(name) if is_name(name) else None
    except LlmswitchError:
        return None
    return environ.get(sources.variable(name)) if preset and preset.key == name else None
