"""The routes on disk: one file a pin, without any key, which the gateway reads again when it changes."""

from __future__ import annotations

import os

from llmswitch.base import files
from llmswitch.base.errors import LlmswitchError
from llmswitch.base.fastjson import dumps, loads
from llmswitch.base.opened import bytes_of
from llmswitch.base.urls import is_id
from llmswitch.presets.routes import Routes, from_data


class RouteFiles:
    """A folder with `<id>.json` for each pin that has routes; the id is made from what is in the file."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._read: dict[str, tuple[tuple[int, int], Routes]] = {}

    def load(self, name: str) -> Routes | None:
        """Return the routes of that id as they are now, None where there are none or they cannot be read."""
        if not is_id(name):
            return None
        path = self._path(name)
        try:
            status = os.stat(path)
            stamp = (status.st_mtime_ns, status.st_ino)
            if name not in self._read or self._read[name][0] != stamp:
                self._read[name] = (stamp, from_data(loads(bytes_of(path).decode())))
        except (OSError, ValueError, RecursionError):
            self._read.pop(name, None)
            return None
        return self._read[name][1]

    def save(self, routes: Routes) -> None:
        """Write the routes; LlmswitchError where that cannot be done."""
        path = self._path(routes.id)
        try:
            os.makedirs(self._folder, mode=0o700, exist_ok=True)
            files.replace(os.path.realpath(path), dumps(routes.data()).encode(), 0o600)
        except OSError as error:
            raise LlmswitchError(f"{path}: cannot write it: {error.strerror}.") from None

    def names(self) -> list[str]:
        """Return the ids that have routes."""
        try:
            files = os.listdir(self._folder)
        except OSError:
            return []
        return sorted(name.removesuffix(".json") for name in files if is_id(name.removesuffix(".json")))

    def _path(self, name: str) -> str:
        return f"{self._folder}/{name}.json"
