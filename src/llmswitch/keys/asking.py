"""A key that somebody gives for a switch: piped in for this pin, or typed where no source has one."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from llmswitch.base.errors import KeyProblem
from llmswitch.keys import saved
from llmswitch.keys.elsewhere import offers
from llmswitch.keys.names import KeyNames, Keyring
from llmswitch.keys.sources import PROMPT, STDIN, Key, KeySource, checked, missing
from llmswitch.presets.catalog import Catalog
from llmswitch.presets.preset import Preset
from llmswitch.settings.checkout import Checkout


class AskingSource(KeySource):
    """Takes a key from a person too; `ask` asks for one (None where nobody can be asked), `tell` tells them.

    `given` reads the key that was promised on standard input.
    """

    def __init__(
        self,
        catalog: Catalog,
        environ: Mapping[str, str],
        keyring: Callable[[], Keyring],
        names: Callable[[], KeyNames],
        tell: Callable[[str], None],
        ask: Callable[[str], str] | None,
        given: Callable[[str], str] | None,
    ) -> None:
        super().__init__(environ, keyring, names)
        self._catalog, self._tell, self._ask, self._given = catalog, tell, ask, given

    def _obtain(self, name: str, preset: Preset, checkout: Checkout | None) -> Key:
        if not self._given:
            return super()._obtain(name, preset, checkout)
        secret = checked(self._given(name), STDIN)
        for doubt in saved.doubts(name, secret, self._catalog):
            self._tell(f"warning: {doubt}")
        return Key(secret, STDIN)

    def _without(self, name: str, trouble: KeyProblem | None, preset: str) -> Key:
        if self._ask is None:
            raise missing(name, self._environ, trouble, preset)
        self._tell(str(trouble.args[0]) if trouble else f"There is no {name} key yet.")
        for command in offers(name, self._environ):
            self._tell(f"It may be here already: {command}")
        secret = checked(self._ask(name), PROMPT)
        where = saved.save_or_use(name, secret, self._catalog, self._keyring(), self._names(), self._tell)
        return Key(secret, where or PROMPT, saved=bool(where))
