"""Salted hashes of the keys that are, or were, in the OS keyring: an older one in a file is known without asking."""

from __future__ import annotations

import os

from llmswitch.base import files
from llmswitch.base.errors import LlmswitchError
from llmswitch.base.fastjson import dumps, loads
from llmswitch.base.opened import bytes_of
from llmswitch.base.secret import digest
from llmswitch.keys.titles import TITLES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from llmswitch.base.secret import Secret

MOST = 50  # hashes kept of a name; the oldest go first
CURRENT, OLDER, DELETED = "current", "older", "deleted"


class KeyHashes:
    """`key-hashes.json` in the user's state folder: {key name: salt, hashes (the newest last), deleted}. No key.

    Lost, an older key is not known for one any more; everything else works.
    """

    def __init__(self, state_folder: str) -> None:
        self._path = os.path.join(state_folder, "key-hashes.json")

    def state(self, name: str, text: str) -> str | None:
        """Return what a key in a file is of the keys of that name: current, older, deleted; None: none of them."""
        entry = self._load().get(name)
        salt, hashes = _parts(entry)
        found = digest(text, salt)
        if found not in hashes:
            return None
        return DELETED if _is_deleted(entry) else CURRENT if found == hashes[-1] else OLDER

    def is_deleted(self, name: str) -> bool:
        """Say whether `keys delete` took that key away, and none was saved since."""
        return _is_deleted(self._load().get(name))

    def names(self) -> list[str]:
        """Return the names of which a key is known."""
        return sorted(self._load())

    def add(self, name: str, secret: Secret) -> None:
        """Note the key that is now in the keyring under that name; a note that cannot be written is no failure."""

        def added(entry: object) -> object:
            salt, hashes = _parts(entry)
            salt = salt or os.urandom(16).hex()
            found = digest(secret.reveal(), salt)
            return {"salt": salt, "hashes": [*(each for each in hashes if each != found), found][-MOST:]}

        if self.state(name, secret.reveal()) != CURRENT:
            self._change(name, added)

    def delete(self, name: str) -> None:
        """Note that the key was deleted; its hashes stay, since files may still hold it."""

        def deleted(entry: object) -> object:
            salt, hashes = _parts(entry)
            return {"salt": salt, "hashes": hashes, "deleted": True} if hashes else None

        self._change(name, deleted)

    def _change(self, name: str, edit: Callable[[object], object]) -> None:
        try:
            files.make_folder(os.path.dirname(self._path), 0o700)
            with files.Lock(self._path + ".lock", self._path):
                known = self._load()
                known[name] = edit(known.get(name))
                kept = {each: entry for each, entry in known.items() if entry}
                files.replace(os.path.realpath(self._path), dumps(kept).encode(), 0o600)
        except (OSError, LlmswitchError):
            pass

    def _load(self) -> dict[str, object]:
        try:
            found = loads(bytes_of(self._path).decode())
        except (OSError, ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}


def saved_name(noted: Mapping[str, str], key: str | None) -> str | None:
    """Return the name of the key that a switch took out of the OS keyring, None where it took none there.

    `noted` is what its record says of the key, `key` the name that its preset uses: 0.1 noted only the keyring's title.
    """
    if not noted or "saved" in noted:
        return noted.get("saved") or None
    source = noted.get("source", "")
    return key if source in TITLES.values() or "eyring" in source else None


def _parts(entry: object) -> tuple[str, list[str]]:
    """Return salt and hashes; somebody may have edited the file."""
    data = entry if isinstance(entry, dict) else {}
    salt, hashes = data.get("salt"), data.get("hashes")
    found = [each for each in hashes if isinstance(each, str)] if isinstance(hashes, list) else []
    return (salt, found) if isinstance(salt, str) and salt else ("", [])


def _is_deleted(entry: object) -> bool:
    return isinstance(entry, dict) and entry.get("deleted") is True
