"""The gateway of this user, as other llmswitch processes see it: its routes on disk, and the process, if one runs.

With the standard library only, since this is on the way to every session's first request.
"""

from __future__ import annotations

import os
import socket
import sys

from llmswitch import __version__
from llmswitch.base.errors import LlmswitchError
from llmswitch.base.fastjson import loads
from llmswitch.base.secret import digest
from llmswitch.base.urls import ID_DIGITS
from llmswitch.gateway.route_files import RouteFiles
from llmswitch.keys.sources import variable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from llmswitch.keys.names import KeyNames

ANSWER_SECONDS = 2.0


class LocalGateway:
    """The gateway whose files lie in `folder`; a process it starts gets `environ`, `names` knows the saved keys."""

    def __init__(
        self, folder: str, environ: Mapping[str, str], names: Callable[[], KeyNames], port: Callable[[], int]
    ) -> None:
        """`port` tells the port that it has, or would have."""
        self.folder, self.environ, self._names, self.port = folder, environ, names, port
        self.silent = 0  # the process that took our connection and said nothing
        self.socket = os.path.join(folder, "control")
        self.files = RouteFiles(os.path.join(folder, "routes"))

    def key_known(self, name: str) -> bool:
        """Say whether a key is exported or was saved with llmswitch; no keyring is asked."""
        return bool(self.environ.get(variable(name))) or name in self._names().load()

    def status(self) -> dict[str, object] | None:
        """Return what the running gateway says of itself, None where none runs."""
        return self._ask("/status")

    def token(self, name: str, root: str = "") -> str:
        """Return the token for the routes of that id, for a worktree where one is named.

        Raises LlmswitchError where no gateway runs.
        """
        answer = self._ask(f"/token/{name}{root and '/' + place_id(root)}")
        if not answer or not isinstance(answer.get("token"), str):
            raise LlmswitchError("The gateway does not run.", hint="Start it: llmswitch gateway start")
        return str(answer["token"])

    def renew(self, name: str) -> bool:
        """Let a running gateway drop a key, so that it takes the saved one for its next request; False: none does."""
        return self._ask(f"/renew/{name}") is not None

    def lock(self) -> int | None:
        """Let a running gateway drop all keys and return how many there were; None where none runs."""
        answer = self._ask("/lock")
        return None if answer is None else int(str(answer["dropped"]))

    def start(self) -> bool:
        """Start a gateway in the background unless one runs, and wait until it answers; say whether one was started.

        One of another version is replaced where it has nothing to do. Raises LlmswitchError with what the gateway
        said where it does not come up, and where the port is another's: Claude Code would talk to that.
        """
        if self.is_current(self.status()):
            return False
        return bool(_starting().start(self))

    def look(self) -> tuple[dict[str, object] | None, tuple[str, str] | None]:
        """Return what the gateway says of itself, or what `trouble` says where it says nothing."""
        if status := self.status():
            return status, None
        trouble: tuple[str, str] | None = _starting().trouble(self)
        return (None if trouble else self.status()), trouble

    @staticmethod
    def is_current(status: Mapping[str, object] | None) -> bool:
        """Say whether a gateway runs that need not be replaced: of this version, or with answers under way."""
        return status is not None and (status.get("version") == __version__ or bool(status.get("active")))

    def trouble(self) -> tuple[str, str] | None:
        """Return why no gateway answers though something is there, and what to type; None where nothing is."""
        found: tuple[str, str] | None = None if self.status() else _starting().trouble(self)
        return found

    def stop(self) -> bool:
        """End the gateway and wait until it is gone, running answers included; say whether one was running."""
        return bool(_starting().stop(self))

    def _ask(self, what: str) -> dict[str, object] | None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(ANSWER_SECONDS)
            self.silent = 0
            try:
                connection.connect(self.socket)
                connection.sendall(f"GET {what} HTTP/1.0\r\nHost: gateway\r\n\r\n".encode())
                with connection.makefile("rb") as stream:
                    head, _, body = stream.read().partition(b"\r\n\r\n")
            except OSError:
                head = body = b""
            if not head:
                self.silent = _other_end(connection)
        answer = loads(body.decode()) if b" 200 " in head.partition(b"\r\n")[0] else None
        return answer if isinstance(answer, dict) else None


def _starting() -> Any:
    from llmswitch.gateway import starting  # none answers, or it shall end: that is rare

    return starting


def _other_end(connection: socket.socket) -> int:
    """Return the process that listens at the other end of a socket, 0 where that is not known."""
    try:
        data = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    except (AttributeError, OSError):
        return 0
    return int.from_bytes(data[:4], sys.byteorder)


def place_id(root: str) -> str:
    """Return what stands for a worktree at the gateway, which learns no path."""
    return digest(root)[:ID_DIGITS]
