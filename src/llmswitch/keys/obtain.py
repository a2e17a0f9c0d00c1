"""Where a switch gets its key: the sources in order, else the person at the terminal; and foreign credentials."""

from __future__ import annotations

from llmswitch.base.errors import KeyProblem, UsageProblem
from llmswitch.base.secret import may_be_key
from llmswitch.base.urls import host_of, is_loopback
from llmswitch.claude.variables import ANTHROPIC_HOST, BASE_URL
from llmswitch.keys import sources as keys
from llmswitch.presets.fields import is_name
from llmswitch.settings import foreign

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from llmswitch.base.secret import Secret
    from llmswitch.keys.names import KeyNames
    from llmswitch.presets.catalog import Catalog
    from llmswitch.presets.preset import Preset
    from llmswitch.settings.checkout import Target


class KeySource:
    """Finds each key once; `ask` asks the person for one (None where nobody can be asked), `tell` tells them.

    `given` reads the key that was promised on standard input, `helper` makes the command that prints a preset's key.
    """

    def __init__(
        self,
        catalog: Catalog,
        environ: Mapping[str, str],
        keyring: keys.Keyring,
        names: KeyNames,
        ask: Callable[[str], str] | None,
        tell: Callable[[str], None],
        given: Callable[[str], str] | None,
        helper: Callable[[Preset], str],
    ) -> None:
        self.helper = helper
        self._catalog, self._environ, self._keyring, self._names = catalog, environ, keyring, names
        self._ask, self._tell, self._given = ask, tell, given
        self._found: dict[str, keys.Key] = {}
        self._adopted: dict[str, Secret] = {}

    def obtain(self, preset: Preset) -> keys.Key:
        """Return the preset's key; KeyProblem, with the commands that help, where there is none."""
        name = preset.key or preset.name
        if name not in self._found:
            self._found[name] = self._obtain(name, preset)
        return self._found[name]

    def _obtain(self, name: str, preset: Preset) -> keys.Key:
        if self._given:
            return self._unsaved(name, keys.checked(self._given(name), keys.STDIN), keys.STDIN)
        trouble: KeyProblem | None = None
        try:
            key = keys.find(name, preset.key_from, self._environ, self._keyring)
        except KeyProblem as error:
            key, trouble = None, error
        if key:
            return key
        if self._ask is None:
            raise keys.missing(name, trouble)
        return self._asked(name, trouble)

    def _asked(self, name: str, trouble: KeyProblem | None) -> keys.Key:
        assert self._ask is not None
        self._tell(str(trouble.args[0]) if trouble else f"There is no {name} key yet; paste it here.")
        from llmswitch.commands.keys import save_key

        secret = keys.checked(self._ask(name), keys.PROMPT)
        try:
            for warning in save_key(name, secret, self._catalog, self._keyring, self._names):
                self._tell(f"warning: {warning}")
        except KeyProblem as error:
            self._tell(f"The key is used for this pin only, it was not saved: {error.args[0]}")
            return self._unsaved(name, secret, keys.PROMPT)
        self._tell(f"Saved the {name} key in {self._keyring.title} (read back and compared).")
        return keys.Key(secret, self._keyring.title)

    def _unsaved(self, name: str, secret: Secret, source: str) -> keys.Key:
        from llmswitch.commands.keys import doubts

        for doubt in doubts(name, secret, self._catalog):
            self._tell(f"warning: {doubt}")
        return keys.Key(secret, source)

    def adopt(self, target: Target, name: str | None, ask_name: Callable[[str], str] | None) -> list[Secret]:
        """Note credentials in the file that are not ours, to save under `name` or as the person says; return them.

        Without a name and with nobody to ask there are none, and the switch itself will refuse. Nothing is saved
        before `save_adopted`. Raises UsageProblem for a name that will not do.
        """
        if not (name or ask_name):
            return []
        settings, found = target.file.settings(), []
        for variable, secret in foreign.credentials(target, settings).items():
            if word := name or (ask_name(variable) if ask_name else None):
                self._check_name(word, secret, settings.values().get(BASE_URL, "") if settings else "")
                self._adopted[word] = secret
                found.append(secret)
        return found

    def _check_name(self, name: str, secret: Secret, url: str) -> None:
        if not is_name(name) or may_be_key(name):
            raise UsageProblem("That is not a name for a key.")
        from llmswitch.commands.keys import users

        host = host_of(url) if url else ANTHROPIC_HOST
        hosts = {preset.host for preset in users(name, self._catalog)}
        if hosts and host not in hosts and not is_loopback(url):
            where = ", ".join(sorted(hosts))
            raise UsageProblem(
                f"The credential in the file is for {host}, and the key {name} is sent to {where}.",
                hint="Choose another name.",
            )
        held = self._adopted.get(name) or self._keyring.get(name)
        if held and held != secret:
            raise UsageProblem(f"There is another {name} key already.", hint="Choose another name.")

    def save_adopted(self, dry_run: bool) -> str:
        """Save what was noted, and return what to say of it if something fails later."""
        from llmswitch.commands.keys import save_key

        for name, secret in self._adopted.items():
            if dry_run:
                self._tell(f"The credential would be saved as {name} in {self._keyring.title}.")
                continue
            for warning in save_key(name, secret, self._catalog, self._keyring, self._names):
                self._tell(f"warning: {warning}")
            self._tell(f"Saved the credential as {name} in {self._keyring.title} (read back and compared).")
        return f"Only the credential was saved, as {', '.join(self._adopted)}." if self._adopted else ""
