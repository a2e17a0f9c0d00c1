"""Keys that are saved: which presets use one, saving it, and doubts whether it is the one that was meant."""

from __future__ import annotations

from llmswitch.base.errors import KeyProblem, UsageProblem
from llmswitch.presets import owners
from llmswitch.presets.listing import load_all

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from llmswitch.base.secret import Secret
    from llmswitch.keys.names import KeyNames, Keyring
    from llmswitch.presets.catalog import Catalog
    from llmswitch.presets.preset import Preset


DEFAULT = "openrouter"  # the key that is meant where no word says which


def key_of(preset: Preset) -> str:
    """Return the name of a preset's key; UsageProblem where it needs none."""
    if preset.key is None:
        raise UsageProblem(f"Preset {preset.name} needs no key.", hint="Name a key: llmswitch save-key openrouter")
    return preset.key


def users(name: str, catalog: Catalog) -> list[Preset]:
    """Return the presets that use a key."""
    return [preset for preset in load_all(catalog)[0] if preset.key == name]


def by_reference(presets: list[Preset]) -> list[list[Preset]]:
    """Return presets of one key in groups that take it from the same place: two places are two keys."""
    groups: list[list[Preset]] = []
    for preset in presets:
        group = next((group for group in groups if group[0].key_from == preset.key_from), None)
        groups.append([preset]) if group is None else group.append(preset)
    return groups


def save(name: str, secret: Secret, catalog: Catalog, keyring: Keyring, names: KeyNames) -> list[str]:
    """Save a key in the OS keyring, read it back, and return warnings; KeyProblem where it did not stay.

    The one it takes the place of stays known by its hash: pins may still hold it.
    """
    before = keyring.set(name, secret)
    for each in (before, secret):
        if each:
            names.hashes.add(name, each)
    names.add(name, keyring.kind)
    return doubts(name, secret, catalog)


def stranger(name: str, secret: Secret, catalog: Catalog) -> str:
    """Return what tells that a key is another provider's by what it begins with, "" where nothing does.

    `sk-` alone tells nothing: many providers' keys begin so.
    """
    found = owners.owners(secret.reveal(), catalog)
    if not found or name in {each.key for each in found} or not users(name, catalog):
        return ""
    begins = found[0].key_prefix
    return f"This looks like a key of {owners.named(found)}, which begins with {begins}, and not of {name}."


def doubts(name: str, secret: Secret, catalog: Catalog) -> list[str]:
    """Return why a key that somebody gave may not be the one that was meant."""
    presets = users(name, catalog)
    prefixes = {preset.key_prefix for preset in presets if preset.key_prefix}
    warnings = [found] if (found := stranger(name, secret, catalog)) else []
    if not warnings and prefixes and not secret.reveal().startswith(tuple(prefixes)):
        expected = " or ".join(sorted(prefixes))
        warnings.append(f"A key of {name} usually starts with {expected}; this one does not. Is it the right one?")
    if not presets:
        warnings.append(f"No preset uses a key called {name}.")
    return warnings


def save_or_use(
    name: str, secret: Secret, catalog: Catalog, keyring: Keyring, names: KeyNames, tell: Callable[[str], None]
) -> str:
    """Save a key that somebody typed and return the keyring's name; "" where none takes it: it is for this pin only."""
    try:
        for warning in save(name, secret, catalog, keyring, names):
            tell(f"warning: {warning}")
    except KeyProblem as error:
        tell(f"The key is used for this pin only, it was not saved: {error.args[0]}")
        for doubt in doubts(name, secret, catalog):
            tell(f"warning: {doubt}")
        return ""
    tell(f"Saved the {name} key in {keyring.title} (read back and compared).")
    return keyring.title
