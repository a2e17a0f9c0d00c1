"""Where a key comes from: the first source that has it wins, and its name is told.

Order: standard input for this pin · LLMSWITCH_KEY_<NAME> · the preset's own reference · the OS keyring. No plain text.
"""

from __future__ import annotations

from llmswitch.base.errors import KeyProblem
from llmswitch.base.secret import Secret

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from llmswitch.keys.names import KeyNames, Keyring
    from llmswitch.presets.preset import Preset
    from llmswitch.settings.checkout import Checkout


STDIN, PROMPT = "standard input", "the prompt"
# Sources that cannot be asked again.
UNSAVED = (STDIN, PROMPT)


class Key:
    """A key and the name of the place it came from, and whether that is the environment, or the OS keyring."""

    __slots__ = ("exported", "saved", "secret", "source")

    def __init__(self, secret: Secret, source: str, exported: bool = False, saved: bool = False) -> None:
        self.secret, self.source, self.exported, self.saved = secret, source, exported, saved


def variable(name: str) -> str:
    """Return the environment variable that can hold a key."""
    return "LLMSWITCH_KEY_" + "".join(char if char.isascii() and char.isalnum() else "_" for char in name.upper())


def find(
    name: str, reference: Mapping[str, object] | None, environ: Mapping[str, str], keyring: Callable[[], Keyring]
) -> Key | None:
    """Return the key of that name, None where no source has it; KeyProblem where a source fails.

    `keyring` opens the OS keyring, which is the last source.
    """
    if text := environ.get(variable(name)):
        return Key(checked(text, variable(name)), variable(name), exported=True)
    if reference and (key := _referenced(reference, environ)):
        return key
    opened = keyring()
    secret = opened.get(name)
    return Key(checked(secret.reveal(), opened.title), opened.title, saved=True) if secret else None


def missing(name: str, environ: Mapping[str, str], trouble: KeyProblem | None = None, preset: str = "") -> KeyProblem:
    """Return the error for a key that no source has (or that `trouble` keeps away), with the ways on."""
    hint = _elsewhere().ways(name, variable(name), environ, trouble.hint if trouble else "", preset)
    return KeyProblem(trouble.args[0] if trouble else f"There is no {name} key.", hint=hint)


def _elsewhere() -> Any:
    from llmswitch.keys import elsewhere  # only where no source has a key

    return elsewhere


def checked(text: str, source: str) -> Secret:
    """Return the key in `text`; KeyProblem names the source where it is not one."""
    try:
        return clean_key(text)
    except ValueError as error:
        raise KeyProblem(f"The key from {source} cannot be used: {error}.") from None


def _referenced(reference: Mapping[str, object], environ: Mapping[str, str]) -> Key | None:
    if isinstance(name := reference.get("env"), str):
        return Key(checked(environ[name], name), name, exported=True) if environ.get(name) else None
    parts = reference.get("command")
    command = [str(part) for part in parts] if isinstance(parts, list) else []
    from llmswitch.keys.command import output  # few presets take their key from a command

    return Key(checked(output(command), command[0]), f"the command {command[0]}")


class KeySource:
    """Finds each key once, without asking anybody; `keyring` opens the OS keyring where that is needed."""

    def __init__(
        self, environ: Mapping[str, str], keyring: Callable[[], Keyring], names: Callable[[], KeyNames]
    ) -> None:
        self._environ, self._keyring, self._names = environ, keyring, names
        self._found: dict[str, Key] = {}

    def obtain(self, preset: Preset, checkout: Checkout | None = None) -> Key:
        """Return the preset's key, at last that of the pin in `checkout`; KeyProblem, with the ways on, for none."""
        name = preset.key or preset.name
        if name not in self._found:
            self._found[name] = self._obtain(name, preset, checkout)
        return self._found[name]

    def _obtain(self, name: str, preset: Preset, checkout: Checkout | None) -> Key:
        trouble: KeyProblem | None = None
        try:
            key = find(name, preset.key_from, self._environ, self._keyring)
        except KeyProblem as error:
            key, trouble = None, error
        if key and key.saved:  # known by its hash from now on, so that it is recognised when it is an older one
            self._names().hashes.add(name, key.secret)
        if not key and checkout:
            key = Key(*found) if (found := _elsewhere().typed_before(checkout, preset, UNSAVED)) else None
        return key or self._without(name, trouble, preset.name if checkout else "")

    def _without(self, name: str, trouble: KeyProblem | None, preset: str) -> Key:
        raise missing(name, self._environ, trouble, preset)


def clean_key(text: str) -> Secret:
    """Return the key in what the user pasted: surrounding space, one "Bearer " and quotes removed.

    Raises ValueError with the reason (never the text) for an empty key or one no header can carry.
    """
    key = text.strip()
    word, *rest = key.split(None, 1) or [""]
    if word.lower() == "bearer":
        key = "".join(rest)
    if len(key) > 1 and key[0] == key[-1] and key[0] in "'\"":
        key = key[1:-1].strip()
    if not key:
        raise ValueError("the key is empty")
    if not key.isascii() or not key.isprintable() or " " in key:
        raise ValueError("the key holds a space, a control character or a letter outside ASCII")
    return Secret(key)
