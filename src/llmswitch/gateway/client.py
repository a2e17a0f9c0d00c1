"""The gateway of this user, as other llmswitch processes see it: its routes on disk, and the process, if one runs.

With the standard library only, since this is on the way to every session's first request.
"""

from __future__ import annotations

import os
import signal
import socket
import time

from llmswitch.base.errors import LlmswitchError
from llmswitch.base.fastjson import loads
from llmswitch.base.files import Lock
from llmswitch.gateway.route_files import RouteFiles
from llmswitch.keys.sources import variable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from llmswitch.keys.names import KeyNames

ANSWER_SECONDS = 5.0
START_SECONDS = 15.0
STOP_SECONDS = 30.0
_PAUSE = 0.02


class LocalGateway:
    """The gateway whose files lie in `folder`; a process it starts gets `environ`, `names` knows the saved keys."""

    def __init__(self, folder: str, environ: Mapping[str, str], names: Callable[[], KeyNames]) -> None:
        self._folder, self._environ, self._names = folder, environ, names
        self.socket = os.path.join(folder, "control")
        self.files = RouteFiles(os.path.join(folder, "routes"))

    def key_known(self, name: str) -> bool:
        """Say whether a key is exported or was saved with llmswitch; no keyring is asked."""
        return bool(self._environ.get(variable(name))) or name in self._names().load()

    def helper(self, name: str) -> str:
        """Return the shell command that prints the token for the routes of that id, for apiKeyHelper."""
        from llmswitch.base.shell import helper  # imports re; only where a helper is written

        return helper("gateway", "token", name)

    def status(self) -> dict[str, object] | None:
        """Return what the running gateway says of itself, None where none runs."""
        return self._ask("/status")

    def token(self, name: str) -> str:
        """Return the token for the routes of that id; LlmswitchError where no gateway runs."""
        answer = self._ask(f"/token/{name}")
        if not answer or not isinstance(answer.get("token"), str):
            raise LlmswitchError("The gateway does not run.", hint="Start it: llmswitch gateway start")
        return str(answer["token"])

    def renew(self, name: str) -> bool:
        """Let a running gateway drop a key, so that it takes the saved one for its next request; False: none does."""
        return self._ask(f"/renew/{name}") is not None

    def start(self) -> bool:
        """Start a gateway in the background unless one runs, and wait until it answers; say whether one was started.

        Raises LlmswitchError with what the gateway said where it does not come up.
        """
        if self.status():
            return False
        with Lock(os.path.join(self._folder, "start.lock"), "The gateway"):
            if self.status():
                return False
            self._start()
            return True

    def stop(self) -> bool:
        """End the gateway and wait until it is gone, running answers included; say whether one was running."""
        status = self.status()
        if status is None:
            return False
        pid = int(str(status["pid"]))
        os.kill(pid, signal.SIGTERM)
        end = time.monotonic() + STOP_SECONDS
        while _runs(pid):
            if time.monotonic() > end:
                raise LlmswitchError(f"The gateway (process {pid}) does not end.", hint=f"To end it now: kill -9 {pid}")
            time.sleep(_PAUSE)
        return True

    def _start(self) -> None:
        import subprocess  # only where none runs

        from llmswitch.base.shell import own_command

        log = os.path.join(self._folder, "log")
        with open(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            process = subprocess.Popen(  # noqa: S603  # llmswitch itself
                [*own_command(), "gateway", "run"],
                stdin=subprocess.DEVNULL, stdout=file, stderr=file, cwd="/", env=dict(self._environ),
                start_new_session=True,
            )  # fmt: skip
        end = time.monotonic() + START_SECONDS
        while not self.status():
            if process.poll() is not None or time.monotonic() > end:
                raise LlmswitchError(f"The gateway did not start: {_last_line(log)}", changed="")
            time.sleep(_PAUSE)
        process.returncode = 0  # it goes on without us; Popen would warn that it does

    def _ask(self, what: str) -> dict[str, object] | None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(ANSWER_SECONDS)
            try:
                connection.connect(self.socket)
                connection.sendall(f"GET {what} HTTP/1.0\r\nHost: gateway\r\n\r\n".encode())
                with connection.makefile("rb") as stream:
                    head, _, body = stream.read().partition(b"\r\n\r\n")
            except OSError:
                return None
        answer = loads(body.decode()) if b" 200 " in head.partition(b"\r\n")[0] else None
        return answer if isinstance(answer, dict) else None


def _last_line(path: str) -> str:
    with open(path, encoding="utf-8", errors="replace") as file:
        lines = file.read().strip().splitlines()
    return lines[-1].removeprefix("llmswitch: ") if lines else "it said nothing."


def _runs(pid: int) -> bool:
    """Say whether a process runs; one that ended stays in the table where nobody reaps it, as in many containers."""
    try:
        os.kill(pid, 0)
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[0] not in (b"Z", b"X")
    except ProcessLookupError:
        return False
    except (OSError, IndexError):  # no /proc; or it ended just now, which the next look says
        return True
