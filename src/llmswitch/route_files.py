"""The routes on disk: one file a pin, without any key, which the gateway reads again when it changes."""

from __future__ import annotations

import json
import os
import re

from llmswitch import atomic
from llmswitch.errors import LlmswitchError
from llmswitch.journal import digest
from llmswitch.routes import Routes, from_data

_ID = re.compile(r"[0-9a-f]{32}")


class RouteFiles:
    """`gateway/routes` in the user's state folder: `<id>.json` for each worktree, or overlay, that has routes."""

    def __init__(self, state_folder: str) -> None:
        self._folder = os.path.join(state_folder, "gateway", "routes")
        self._read: dict[str, tuple[tuple[int, int], Routes]] = {}

    def load(self, name: str) -> Routes | None:
        """Return the routes of that id as they are now, None where there are none or they cannot be read."""
        if not _ID.fullmatch(name):
            return None
        path = self._path(name)
        try:
            status = os.stat(path)
            stamp = (status.st_mtime_ns, status.st_ino)
            if name not in self._read or self._read[name][0] != stamp:
                with open(path, "rb") as file:
                    self._read[name] = (stamp, from_data(json.load(file)))
        except (OSError, ValueError, RecursionError):
            self._read.pop(name, None)
            return None
        return self._read[name][1]

    def save(self, name: str, routes: Routes) -> None:
        """Write the routes of that id; LlmswitchError where that cannot be done."""
        try:
            os.makedirs(self._folder, mode=0o700, exist_ok=True)
            atomic.replace(self._path(name), json.dumps(routes.data(), indent=1).encode(), 0o600)
        except OSError as error:
            raise LlmswitchError(f"{self._path(name)}: cannot write it: {error.strerror}.") from None

    def remove(self, name: str) -> None:
        """Forget the routes of that id, where there are any."""
        try:
            os.unlink(self._path(name))
        except OSError:
            pass

    def names(self) -> list[str]:
        """Return the ids that have routes."""
        try:
            files = os.listdir(self._folder)
        except OSError:
            return []
        return sorted(name.removesuffix(".json") for name in files if _ID.fullmatch(name.removesuffix(".json")))

    def _path(self, name: str) -> str:
        return os.path.join(self._folder, name + ".json")


def route_id(root: str, overlay: str = "") -> str:
    """Return the id of a worktree's routes, or of those of a `run` with another preset there."""
    return digest(f"{root}\n{overlay}" if overlay else root)
