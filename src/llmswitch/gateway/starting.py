"""The gateway's process from outside: starting it, ending it, and why it does not answer."""

from __future__ import annotations

import os
import signal
import subprocess
import time

from llmswitch.base.errors import LlmswitchError
from llmswitch.base.files import Lock
from llmswitch.base.shell import own_command
from llmswitch.gateway.port import holder, keeper
from llmswitch.gateway.supervise import FROM_STDIN, feed
from llmswitch.keys.sources import variable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from llmswitch.gateway.client import LocalGateway

RESTART_SECONDS = 3.0  # in which a keeper has its process again
START_SECONDS = 15.0
STOP_SECONDS = 30.0
_PAUSE = 0.02


def start(gateway: LocalGateway) -> bool:
    """Start a gateway in the background unless one came meanwhile, and say whether one was started.

    Raises what LocalGateway.start does.
    """
    with Lock(os.path.join(gateway.folder, "start.lock"), "The gateway"):
        found = gateway.trouble()
        if found:
            raise LlmswitchError(found[0], hint=found[1])
        status = gateway.status()
        if gateway.is_current(status):
            return False
        if status:
            stop(gateway)
        _spawned(gateway)
        return True


def trouble(gateway: LocalGateway) -> tuple[str, str] | None:
    """Return why a gateway did not answer just now though something is there, and what to type; None for nothing."""
    end, asked = time.monotonic() + RESTART_SECONDS, False
    while not (asked and gateway.status()):
        asked = True
        if gateway.silent and _state(gateway.silent) not in (b"", b"Z", b"X"):  # it did not end just now
            found = _silent(gateway.silent)
            if found or time.monotonic() > end:
                return found or _slow(gateway.silent)
            time.sleep(_PAUSE)
            continue
        port = gateway.port()
        user = holder(port)
        if user is None:
            return None
        if user == os.getuid() and time.monotonic() > end and (pid := keeper(port)):
            if time.monotonic() < end + START_SECONDS:
                time.sleep(_PAUSE)
                continue  # a machine that is very busy
            return f"The gateway (process {pid}) does not come up again.", f"To end it: kill {pid}"
        if user != os.getuid() or time.monotonic() > end:
            whose = "another program of yours" if user == os.getuid() else f"user {user}"
            text = f"Port {port} is held by {whose}; it would get what is meant for the gateway."
            other = f'{{"gateway_port": {port % 60_000 + 1024}}}'
            return text, f"End it; or choose another port in config.json5, as {other}, and switch again."
        time.sleep(_PAUSE)  # a keeper that starts its process again
    return None


def stop(gateway: LocalGateway) -> bool:
    """End the gateway and wait until it is gone, running answers included; say whether one was running."""
    status = gateway.status()
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


def _spawned(gateway: LocalGateway) -> None:
    keys = {name: text for name, text in gateway.environ.items() if name.startswith(variable(""))}
    clean = {name: text for name, text in gateway.environ.items() if name not in keys}
    log = os.path.join(gateway.folder, "log")
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
    while not gateway.status():
        if process.poll() is not None or time.monotonic() > end:
            raise LlmswitchError(f"The gateway did not start: {_last_line(log)}", changed="")
        time.sleep(_PAUSE)
    process.returncode = 0  # it goes on without us; Popen would warn that it does


def _last_line(path: str) -> str:
    with open(path, encoding="utf-8", errors="replace") as file:
        lines = file.read().strip().splitlines()
    return lines[-1].removeprefix("llmswitch: ") if lines else "it said nothing."


def _silent(pid: int) -> tuple[str, str] | None:
    """Return why a process cannot answer, None where it only did not."""
    if _state(pid) in (b"T", b"t"):
        return f"The gateway (process {pid}) is stopped, by SIGSTOP or Ctrl-Z.", f"kill -CONT {pid}"
    if _is_full(pid):
        text = f"The gateway (process {pid}) has no file descriptor left: too many connections are open."
        return text, f"Wait until some have ended, or end it; it is started again: kill -9 {pid}"
    return None


def _slow(pid: int) -> tuple[str, str]:
    return f"The gateway (process {pid}) does not answer.", f"To end it, and have it started again: kill -9 {pid}"


def _is_full(pid: int) -> bool:
    """Say whether a process has as many descriptors open as it may have."""
    try:
        with open(f"/proc/{pid}/limits", encoding="ascii") as file:
            most = next(int(line.split()[3]) for line in file if line.startswith("Max open files"))
        return len(os.listdir(f"/proc/{pid}/fd")) >= most - 1  # our own attempt may have taken one, and left it
    except (OSError, ValueError, StopIteration):
        return False


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
