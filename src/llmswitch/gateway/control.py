"""What this user's other llmswitch processes may ask a running gateway, on a socket that only this user can open."""

from __future__ import annotations

import json
import os
import re
import time

from llmswitch import __version__
from llmswitch.gateway.counts import Counts
from llmswitch.gateway.guard import Guard
from llmswitch.gateway.incoming import Request, Response, error
from llmswitch.gateway.route_files import RouteFiles
from llmswitch.gateway.vault import Vault

_TOKEN = re.compile(r"/token/([0-9a-f]{16})(?:/([0-9a-f]{16}))?")


class Control:
    """Answers `/status`, `/token/ID` (`/PLACE`), `/renew/KEY` and `/lock`, in JSON."""

    def __init__(self, guard: Guard, vault: Vault, files: RouteFiles, port: int, counts: Counts) -> None:
        self._guard, self._vault, self._files, self._port, self._counts = guard, vault, files, port, counts
        self._started, self._parent = time.time(), os.getppid()

    async def handle(self, request: Request) -> Response:
        """Answer one request."""
        answer = self._answer(request.path)
        if answer is None:
            return error(404, "not_found_error", "This is not known here.")
        return Response(200, [("Content-Type", "application/json")], json.dumps(answer).encode())

    def _answer(self, path: str) -> dict[str, object] | None:
        if path == "/status":
            return self._status()
        if path == "/lock":
            return {"dropped": self._vault.lock()}
        if path.startswith("/renew/"):
            return {"dropped": self._vault.renew(path.removeprefix("/renew/"))}
        if token := _TOKEN.fullmatch(path):
            return {"token": self._guard.token(token[1], token[2] or "")}
        return None

    def _status(self) -> dict[str, object]:
        keeper = self._parent if os.getppid() == self._parent else None
        about = {"pid": os.getpid(), "port": self._port, "version": __version__, "started": self._started}
        about |= {"keeper": keeper, "active": self._counts.active, "pins": self._counts.data()}
        return {**about, "keys": self._vault.names, "routes": self._files.names()}
