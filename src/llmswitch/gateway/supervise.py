"""The gateway as two processes: this one holds the port, the tokens' secret and exported keys, and serves nothing.

The other one, `llmswitch gateway serve`, answers; where it is killed it is started again within a second, from what is
installed by then. Meanwhile connections wait in the port's queue: no open session sees one refused, and every token
stays as it was. Only the standard library, and little of it: this process is in memory as long as the gateway is.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time

from llmswitch.base.errors import LlmswitchError
from llmswitch.base.secret import no_core_dumps
from llmswitch.base.shell import own_command
from llmswitch.gateway.port import HOST, holder
from llmswitch.keys.sources import variable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import FrameType

# Names the descriptor of the port for the process that serves, and says that standard input has what is secret.
PORT_FD, FROM_STDIN = "LLMSWITCH_GATEWAY_FD", "LLMSWITCH_GATEWAY_STDIN"
TOKEN_BYTES = 32
QUEUE = 1024
SOON, SHORT, PAUSE = 20.0, 2.0, 0.5
# Where it could serve before, its package may just be replaced; a slow machine takes so long for that.
PATIENCE = 120.0
_FIRST_PASSED = 3  # of systemd's sockets: sd_listen_fds(3)


def run(port: int, environ: Mapping[str, str]) -> int:
    """Hold the port and keep a process running that serves it, until SIGTERM or Ctrl-C; return the exit code.

    Raises LlmswitchError where the port cannot be had.
    """
    keys = {name: text for name, text in environ.items() if name.startswith(variable(""))}
    clean = {name: text for name, text in environ.items() if name not in keys}
    if keys and FROM_STDIN not in environ:
        _again(clean, keys)
    if clean.pop(FROM_STDIN, None):
        keys = json.loads(sys.stdin.read() or "{}")
    os.umask(0o077)
    no_core_dumps(for_good=True)
    secret = {"secret": secrets.token_hex(TOKEN_BYTES), "keys": keys}
    with _passed(clean) or _bind(port) as listening:
        return Keeper(listening, clean, json.dumps(secret).encode() + b"\n").keep()


def feed(keys: Mapping[str, str]) -> bytes:
    """Return what the standard input of a process with FROM_STDIN has to hold."""
    return json.dumps(dict(keys)).encode()


def _again(clean: Mapping[str, str], keys: Mapping[str, str]) -> None:
    """Take this process's place with an environment that holds no key: another program could read it in /proc."""
    read, write = os.pipe()
    os.write(write, feed(keys))
    os.close(write)
    os.dup2(read, 0)
    command = own_command()
    os.execvpe(command[0], [*command, "gateway", "run"], {**clean, FROM_STDIN: "1"})  # noqa: S606  # llmswitch itself


class Keeper:
    """Keeps one serving process running."""

    def __init__(self, listening: socket.socket, environ: Mapping[str, str], secret: bytes) -> None:
        self._listening, self._secret = listening, secret
        self._environ = {**environ, PORT_FD: str(listening.fileno())}
        self._process: subprocess.Popen[bytes] | None = None
        self._ending = False

    def keep(self) -> int:
        """Start it, and again where it is gone, until a signal ends both; return the exit code."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._end)
        until = 0.0
        while not self._ending:
            begun = time.monotonic()
            code = self._once()
            now = time.monotonic()
            if code == 0 or self._ending:
                return 0
            if code < 0 or now - begun > SOON:
                until = now + PATIENCE
            elif now > until:
                return code  # it could not begin, said why, and would do so again
            time.sleep(PAUSE if now - begun < SHORT else 0)
        return 0

    def _once(self) -> int:
        try:
            started = subprocess.Popen(  # noqa: S603  # llmswitch itself
                [*own_command(), "gateway", "serve"],
                stdin=subprocess.PIPE, env=self._environ, cwd="/", pass_fds=[self._listening.fileno()],
            )  # fmt: skip
        except OSError as error:  # what is installed is being replaced
            print(f"llmswitch: cannot start what answers: {error.strerror}.", file=sys.stderr)
            return 1
        with started as process:
            self._process = process
            assert process.stdin
            try:
                process.stdin.write(self._secret)
                process.stdin.flush()  # it stays open: its end tells the other process that this one is gone
            except BrokenPipeError:
                pass
            if self._ending:
                process.terminate()
            return process.wait()

    def _end(self, number: int, frame: FrameType | None) -> None:
        self._ending = True
        self._listening.close()  # from now on nobody shall wait there
        if self._process:
            self._process.terminate()


def _passed(environ: dict[str, str]) -> socket.socket | None:
    """Return the port that systemd holds for us, None where it passed none."""
    ours = environ.pop("LISTEN_PID", "") == str(os.getpid())
    count = environ.pop("LISTEN_FDS", "")
    environ.pop("LISTEN_FDNAMES", None)
    return socket.socket(fileno=_FIRST_PASSED) if ours and count == "1" else None


def _bind(port: int) -> socket.socket:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
        listening.listen(QUEUE)
    except OSError as error:
        listening.close()
        user = holder(port)
        whose = "" if user is None else " by another program of yours" if user == os.getuid() else f" by user {user}"
        raise LlmswitchError(
            f"Port {port} cannot be used ({error.strerror}){whose and ': it is held' + whose}.",
            hint='Choose another in config.json5, for example {"gateway_port": 28888}, and switch again.',
        ) from None
    return listening
