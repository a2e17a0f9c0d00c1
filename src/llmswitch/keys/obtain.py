"""Where a switch gets its key: the sources in order, else the person at the terminal."""

from __future__ import annotations

from llmswitch.base.errors import KeyProblem
from llmswitch.keys import sources

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from llmswitch.base.secret import Secret
    from llmswitch.keys.names import KeyNames
    from llmswitch.keys.sources import Key, Keyring
    from llmswitch.presets.catalog import Catalog
    from llmswitch.presets.preset import Preset


class KeySource:
    """Finds each key once; `ask` asks the person for one (None where nobody can be asked), `tell` tells them.

    `keyring` opens the OS keyring where that is needed. `given` reads the key that was promised on standard input.
    """

    def __init__(
        self,
        catalog: Catalog,
        environ: Mapping[str, str],
        keyring: Callable[[], Keyring],
        names: Callable[[], KeyNames],
        ask: Callable[[str], str] | None,
        tell: Callable[[str], None],
        given: Callable[[str], str] | None,
    ) -> None:
        self._catalog, self._environ, self._keyring, self._names = catalog, environ, keyring, names
        self._ask, self._tell, self._given = ask, tell, given
        self._found: dict[str, Key] = {}

    def obtain(self, preset: Preset) -> Key:
        """Return the preset's key; KeyProblem, with the commands that help, where there is none."""
        name = preset.key or preset.name
        if name not in self._found:
            self._found[name] = self._obtain(name, preset)
        return self._found[name]

    def _obtain(self, name: str, preset: Preset) -> Key:
        if self._given:
            return self._unsaved(name, sources.checked(self._given(name), sources.STDIN), sources.STDIN)
        trouble: KeyProblem | None = None
        try:
            key = sources.find(name, preset.key_from, self._environ, self._keyring)
        except KeyProblem as error:
            key, trouble = None, error
        if key:
            return key
        if self._ask is None:
            raise sources.missing(name, trouble)
        self._tell(str(trouble.args[0]) if trouble else f"There is no {name} key yet; paste it here.")
        return self._typed(name, sources.checked(self._ask(name), sources.PROMPT))

    def _typed(self, name: str, secret: Secret) -> Key:
        from llmswitch.keys import saved  # only for a key that somebody typed

        keyring = self._keyring()
        try:
            for warning in saved.save(name, secret, self._catalog, keyring, self._names()):
                self._tell(f"warning: {warning}")
        except KeyProblem as error:
            self._tell(f"The key is used for this pin only, it was not saved: {error.args[0]}")
            return self._unsaved(name, secret, sources.PROMPT)
        self._tell(f"Saved the {name} key in {keyring.title} (read back and compared).")
        return sources.Key(secret, keyring.title)

    def _unsaved(self, name: str, secret: Secret, source: str) -> Key:
        from llmswitch.keys import saved  # only for a key that somebody gave

        for doubt in saved.doubts(name, secret, self._catalog):
            self._tell(f"warning: {doubt}")
        return sources.Key(secret, source)
