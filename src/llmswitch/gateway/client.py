"""The gateway of this user, as other llmswitch processes see it: its routes on disk, and the process, if one runs.

With the standard library only, since this is on the way to every session's first request.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import time

from llmswitch import __version__
from llmswitch.base.errors import LlmswitchError
from llmswitch.base.fastjson import loads
from llmswitch.base.files import Lock
from llmswitch.gateway.route_files import RouteFiles
from llmswitch.keys.sources import variable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from llmswitch.keys.names import KeyNames

ANSWER_SECONDS = 2.0
RESTART_SECONDS = 3.0  # in which a keeper has its process again
START_SECONDS = 15.0
STOP_SECONDS = 30.0
_PAUSE = 0.02


class LocalGateway:
    """The gateway whose files lie in `folder`; a process it starts gets `environ`, `names` knows the saved keys."""

    def __init__(
        self, folder: str, environ: Mapping[str, str], names: Callable[[], KeyNames], port: Callable[[], int]
    ) -> None:
        """`port` tells the port that it has, or would have."""
        self._folder, self._environ, self._names, self._port = folder, environ, names, port
        self._silent = 0  # the process that took our connection and said nothing
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

    def lock(self) -> int | None:
        """Let a running gateway drop all keys and return how many there were; None where none runs."""
        answer = self._ask("/lock")
        return None if answer is None else int(str(answer["dropped"]))

    def start(self) -> bool:
        """Start a gateway in the background unless one runs, and wait until it answers; say whether one was started.

        One of another version is replaced where it has nothing to do. Raises LlmswitchError with what the gateway
        said where it does not come up, and where the port is another's: Claude Code would talk to that.
        """
        if _is_current(self.status()):
            return False
        with Lock(os.path.join(self._folder, "start.lock"), "The gateway"):
            trouble = self.trouble()
            if trouble:
                raise LlmswitchError(trouble[0], hint=trouble[1])
            status = self.status()
            if _is_current(status):
                return False
            if status:
                self.stop()
            self._start()
            return True

    def look(self) -> tuple[dict[str, object] | None, tuple[str, str] | None]:
        """Return what the gateway says of itself, or what `trouble` says where it says nothing."""
        if status := self.status():
            return status, None
        trouble = self.trouble()
        return (None if trouble else self.status()), trouble

    def trouble(self) -> tuple[str, str] | None:
        """Return why no gateway answers though something is there, and what to type; None where nothing is."""
        end = time.monotonic() + RESTART_SECONDS
        while self.status() is None:
            if self._silent:
                return _silent(self._silent)
            from llmswitch.gateway.port import holder  # none answers: that is rare

            port = self._port()
            user = holder(port)
            if user is None:
                return None
            if user != os.getuid() or time.monotonic() > end:
                whose = "another program of yours" if user == os.getuid() else f"user {user}"
                text = f"Port {port} is held by {whose}; it would get what is meant for the gateway."
                return text, f'End it, or choose another port in config.json5: {{"gateway_port": {port + 1}}}'
            time.sleep(_PAUSE)  # a keeper that starts its process again
        return None

    def stop(self) -> bool:
        """End the gateway and wait until it is gone, running answers included; say whether one was running."""
        status = self.status()
        if status is None:
            return False
        pid = int(str(status.get("keeper") or status["pid"]))
        os.kill(pid, signal.SIGTERM)
        end = time.monotonic() + STOP_SECONDS
        while _runs(pid):
            if time.monotonic() > end:
                raise LlmswitchError(f"The gateway (process {pid}) does not end.", hint=f"To end it now: kill -9 {pid}")
            time.sleep(_PAUSE)
        return True

    def _start(self) -> None:
        import subprocess  # only where none runs, as all of this

        from llmswitch.base.shell import own_command
        from llmswitch.gateway.supervise import FROM_STDIN, feed

        keys = {name: text for name, text in self._environ.items() if name.startswith(variable(""))}
        clean = {name: text for name, text in self._environ.items() if name not in keys}
        log = os.path.join(self._folder, "log")
        with open(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            process = subprocess.Popen(  # noqa: S603  # llmswitch itself
                [*own_command(), "gateway", "run"],
                stdin=subprocess.PIPE, stdout=file, stderr=file, cwd="/", env={**clean, FROM_STDIN: "1"},
                start_new_session=True,
            )  # fmt: skip
        assert process.stdin
        with process.stdin as pipe:
            pipe.write(feed(keys))
        end = time.monotonic() + START_SECONDS
        while not self.status():
            if process.poll() is not None or time.monotonic() > end:
                raise LlmswitchError(f"The gateway did not start: {_last_line(log)}", changed="")
            time.sleep(_PAUSE)
        process.returncode = 0  # it goes on without us; Popen would warn that it does

    def _ask(self, what: str) -> dict[str, object] | None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(ANSWER_SECONDS)
            self._silent = 0
            try:
                connection.connect(self.socket)
                connection.sendall(f"GET {what} HTTP/1.0\r\nHost: gateway\r\n\r\n".encode())
                with connection.makefile("rb") as stream:
                    head, _, body = stream.read().partition(b"\r\n\r\n")
            except TimeoutError:
                self._silent = _other_end(connection)
                return None
            except OSError:
                return None
        answer = loads(body.decode()) if b" 200 " in head.partition(b"\r\n")[0] else None
        return answer if isinstance(answer, dict) else None


def _last_line(path: str) -> str:
    with open(path, encoding="utf-8", errors="replace") as file:
        lines = file.read().strip().splitlines()
    return lines[-1].removeprefix("llmswitch: ") if lines else "it said nothing."


def _is_current(status: Mapping[str, object] | None) -> bool:
    """Say whether a gateway runs that need not be replaced: of this version, or with answers under way."""
    return status is not None and (status.get("version") == __version__ or bool(status.get("active")))


def _other_end(connection: socket.socket) -> int:
    """Return the process that listens at the other end of a socket, 0 where that is not known."""
    try:
        data = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    except (AttributeError, OSError):
        return 0
    return int.from_bytes(data[:4], sys.byteorder)


def _silent(pid: int) -> tuple[str, str]:
    if _state(pid) in (b"T", b"t"):
        return f"The gateway (process {pid}) is stopped, by SIGSTOP or Ctrl-Z.", f"kill -CONT {pid}"
    return f"The gateway (process {pid}) does not answer.", f"To end it, and have it started again: kill -9 {pid}"


def _state(pid: int) -> bytes:
    """Return the state letter of a process, "" where it cannot be read."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[0]
    except (OSError, IndexError):
        return b""


def _runs(pid: int) -> bool:
    """Say whether a process runs; one that ended stays in the table where nobody reaps it, as in many containers."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return _state(pid) not in (b"Z", b"X")
