"""Credentials in a settings file that are not ours, saved in the keyring before a switch takes them out."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from llmswitch.base.errors import UsageProblem
from llmswitch.base.key_words import may_be_key
from llmswitch.base.secret import Secret
from llmswitch.base.urls import host_of, is_loopback
from llmswitch.claude.credentials import LOGIN_TOKEN
from llmswitch.claude.variables import ANTHROPIC_HOST, BASE_URL
from llmswitch.keys import saved
from llmswitch.keys.names import KeyNames, Keyring
from llmswitch.presets.catalog import Catalog
from llmswitch.presets.preset import is_name
from llmswitch.settings import foreign
from llmswitch.settings.checkout import Checkout


class Adoption:
    """Credentials to save, by the name each gets; nothing is saved before `save`. `tell` tells the person."""

    def __init__(
        self,
        catalog: Catalog,
        keyring: Callable[[], Keyring],
        names: Callable[[], KeyNames],
        tell: Callable[[str], None],
    ) -> None:
        self._catalog, self._keyring, self._names, self._tell = catalog, keyring, names, tell
        self._secrets: dict[str, Secret] = {}

    def take(self, checkouts: Sequence[Checkout], name: str | None, ask: Callable[[str], str] | None) -> list[Secret]:
        """Note the foreign credentials of these files, under `name` or as the person says, and return them.

        Without a name and with nobody to ask there are none, and the switch itself will refuse. Raises UsageProblem
        for a name that will not do.
        """
        found = []
        for checkout in checkouts if name or ask else ():
            settings = checkout.file.settings()
            url = settings.values().get(BASE_URL, "") if settings else ""
            for variable, secret in foreign.credentials(checkout, settings).items():
                if word := name or (ask(variable) if ask else None):
                    self._check_name(word, secret, url)
                    self._secrets[word] = secret
                    found.append(secret)
        return found

    def _check_name(self, name: str, secret: Secret, url: str) -> None:
        if not is_name(name) or may_be_key(name):
            raise UsageProblem("That is not a name for a key.")
        host = host_of(url) if url else ANTHROPIC_HOST
        hosts = {preset.host for preset in saved.users(name, self._catalog)}
        if hosts and host not in hosts and not is_loopback(url):
            where = ", ".join(sorted(hosts))
            raise UsageProblem(
                f"The credential in the file is for {host}, and the key {name} is sent to {where}.",
                hint="Choose another name.",
            )
        if hosts and secret.reveal().startswith(LOGIN_TOKEN):
            raise UsageProblem(
                f"The credential in the file is a token of your own login, and the key {name} is a provider's.",
                hint="Choose another name, or let it go with --discard-key.",
            )
        held = self._secrets.get(name) or self._keyring().get(name)
        if held and held != secret:
            raise UsageProblem(f"There is another {name} key already.", hint="Choose another name.")

    def save(self, dry_run: bool) -> str:
        """Save what was noted, and return what to say of it if something fails later."""
        for name, secret in self._secrets.items():
            if dry_run:
                self._tell(f"The credential would be saved as {name} in {self._keyring().title}.")
                continue
            for warning in saved.save(name, secret, self._catalog, self._keyring(), self._names()):
                self._tell(f"warning: {warning}")
            self._tell(f"Saved the credential as {name} in {self._keyring().title} (read back and compared).")
        return f"Only the credential was saved, as {', '.join(self._secrets)}." if self._secrets else ""
