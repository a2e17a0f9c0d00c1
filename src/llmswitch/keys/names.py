"""The names of the keys that were saved, since a keyring cannot list its entries, and what took them. Never a key."""

from __future__ import annotations

import os
from typing import Protocol

from llmswitch.base import files
from llmswitch.base.fastjson import dumps, loads
from llmswitch.base.opened import bytes_of
from llmswitch.base.secret import Secret
from llmswitch.keys.hashes import KeyHashes


class Keyring(Protocol):
    """What a store of keys can do; OsKeyring is the real one."""

    @property
    def title(self) -> str: ...  # noqa: D102
    @property
    def kind(self) -> str: ...  # noqa: D102
    def get(self, name: str) -> Secret | None: ...  # noqa: D102
    def set(self, name: str, secret: Secret) -> Secret | None: ...  # noqa: D102
    def delete(self, name: str) -> bool: ...  # noqa: D102


class KeyNames:
    """`keys.json` in the user's state folder: {key name: keyring's class}. Losing it loses nothing else."""

    def __init__(self, state_folder: str) -> None:
        self._path = os.path.join(state_folder, "keys.json")
        self.hashes = KeyHashes(state_folder)

    def load(self) -> dict[str, str]:
        """Return the saved names, {} where nothing is known."""
        try:
            data = loads(bytes_of(self._path).decode())
        except (OSError, ValueError, RecursionError):
            return {}
        return {str(name): str(where) for name, where in data.items()} if isinstance(data, dict) else {}

    def add(self, name: str, keyring: str) -> None:
        """Note that a keyring holds this key; a note that cannot be written is no failure."""
        self._save({**self.load(), name: keyring})

    def remove(self, name: str) -> None:
        """Forget a key's name."""
        self._save({other: where for other, where in self.load().items() if other != name})

    def _save(self, names: dict[str, str]) -> None:
        try:
            files.make_folder(os.path.dirname(self._path), 0o700)
            path = os.path.realpath(self._path)  # users keep such folders elsewhere, behind a link
            files.replace(path, dumps(names).encode(), 0o600)
        except OSError:
            pass
