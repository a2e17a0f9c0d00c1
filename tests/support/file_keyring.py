"""A keyring in a file of the throwaway home, for runs that save, change and delete keys."""

from __future__ import annotations

import json
import os
from pathlib import Path

from keyring.backend import KeyringBackend


class Keyring(KeyringBackend):
    """Each key in one file of JSON."""

    priority = 1

    def get_password(self, service: str, username: str) -> str | None:
        """Return a key, None where there is none."""
        return self._all().get(service)

    def set_password(self, service: str, username: str, password: str) -> None:
        """Keep a key."""
        self._keep({**self._all(), service: password})

    def delete_password(self, service: str, username: str) -> None:
        """Let a key go."""
        self._keep({name: text for name, text in self._all().items() if name != service})

    @property
    def _file(self) -> Path:
        return Path(os.environ["HOME"], "keyring.json")

    def _all(self) -> dict[str, str]:
        found: dict[str, str] = json.loads(self._file.read_text()) if self._file.exists() else {}
        return found

    def _keep(self, keys: dict[str, str]) -> None:
        self._file.write_text(json.dumps(keys))
