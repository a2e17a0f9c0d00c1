"""A gateway that runs in a process of its own, upstreams that misbehave, and a plain client for both."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from llmswitch.gateway.client import LocalGateway
from llmswitch.keys.names import KeyNames
from llmswitch.presets.routes import Route, Routes

from .messages_server import Answer, Handler, MessagesServer, Request
from .tree import SOURCE

LIMIT = 20.0
_PORTS = iter(range(20000 + os.getpid() % 8000, 32000))
Behaviour = Callable[[Handler, Request], bool]


class Upstream(MessagesServer):
    """A fake provider that records raw bodies too, and behaves as the test says."""

    def __init__(self, answer: Answer | None = None, behaviour: Behaviour | None = None, port: int = 0) -> None:
        super().__init__(answer, port)
        self.behaviour = behaviour
        self.raw: list[bytes] = []

    def behave(self, handler: Handler, request: Request) -> bool:
        """Do what the test says."""
        self.raw.append(handler.raw)
        return self.behaviour is not None and self.behaviour(handler, request)


def replying(status: int, body: object, headers: Mapping[str, str] | None = None, times: int = 10**6) -> Behaviour:
    """Return a behaviour that answers with this the first `times` times."""
    left = [times]

    def behave(handler: Handler, request: Request) -> bool:
        left[0] -= 1
        if left[0] < 0:
            return False
        payload = body if isinstance(body, bytes) else json.dumps(body).encode()
        handler.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(payload)))
        handler.end_headers()
        handler.wfile.write(payload)
        return True

    return behave


def error(kind: str, message: str) -> dict[str, object]:
    """Return an error body of the Messages API."""
    return {"type": "error", "error": {"type": kind, "message": message}}


def start_stream(handler: Handler, headers: Mapping[str, str] | None = None) -> None:
    """Begin a chunked answer."""
    handler.send_response(200)
    for name, value in {"Content-Type": "text/event-stream", **(headers or {})}.items():
        handler.send_header(name, value)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()


def send_chunk(handler: Handler, data: bytes) -> None:
    """Send one chunk; the empty one ends the answer."""
    handler.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
    handler.wfile.flush()


def free_port() -> int:
    """Return a port nobody uses, each time another, below those that the system gives out by itself."""
    for port in _PORTS:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("no free port")


class Reply:
    """A whole answer as it came over the wire."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.body = response.read()

    @property
    def message(self) -> str:
        """The text of an error."""
        text: str = json.loads(self.body)["error"]["message"]
        return text


class RunningGateway:
    """`llmswitch gateway run` in a process of its own, with keys from variables only it has; `with` ends it."""

    def __init__(self, home: Path, keys: Mapping[str, str] | None = None, environ: Mapping[str, str] | None = None):
        self.home, self.port = home, free_port()
        home.mkdir(parents=True, exist_ok=True)
        (home / "config.json5").write_text(json.dumps({"gateway_port": self.port}))
        variables = {f"LLMSWITCH_KEY_{name.upper()}": key for name, key in (keys or {}).items()}
        base = {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8", "PYTHONPATH": SOURCE}
        fail = {"PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
        self.environ = {**base, **fail, "LLMSWITCH_HOME": str(home), **variables, **(environ or {})}
        state = home / "state"
        self.local = LocalGateway(str(state / "gateway"), self.environ, lambda: KeyNames(str(state)), lambda: self.port)
        self.log = home / "gateway.log"

    def __enter__(self) -> Self:
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "llmswitch", "gateway", "run"], env=self.environ, stdout=log, stderr=log
            )
        deadline = time.monotonic() + LIMIT
        while self.local.status() is None:
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.02)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, trouble: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(LIMIT)

    @property
    def pid(self) -> int:
        """The process that serves."""
        status = self.local.status()
        assert status
        return int(str(status["pid"]))

    def routes(self, **models: Route) -> Pin:
        """Give it routes and return how to ask it."""
        routes = Routes("mixed", models)
        self.local.files.save(routes)
        return Pin(self, routes.id, self.local.token(routes.id))


class Pin:
    """What a worktree's settings say about the gateway: path and token."""

    def __init__(self, gateway: RunningGateway, name: str, token: str) -> None:
        self.gateway, self.name, self.token = gateway, name, token
        self.path = f"/w/{name}/v1/messages"

    def connect(self) -> http.client.HTTPConnection:
        """Return a new connection."""
        return http.client.HTTPConnection("127.0.0.1", self.gateway.port, timeout=LIMIT)

    def headers(self, **more: str) -> dict[str, str]:
        """Return the headers Claude Code sends with a key helper, with changes."""
        token = {"x-api-key": self.token, "Authorization": f"Bearer {self.token}"}
        return {**token, "Content-Type": "application/json", "anthropic-version": "2023-06-01", **more}

    def post(
        self, body: object, path: str | None = None, headers: Mapping[str, str] | None = None, method: str = "POST"
    ) -> Reply:
        """Ask and return the whole answer."""
        payload = body if isinstance(body, bytes) else json.dumps(body).encode()
        with closing(self.connect()) as connection:
            connection.request(method, path or self.path, payload, dict(self.headers() if headers is None else headers))
            with closing(connection.getresponse()) as response:
                return Reply(response)


def route(upstream: MessagesServer | str, slot: str = "haiku", model: str | None = None, **fields: Any) -> Route:
    """Return a route to an upstream; its key is called as its slot."""
    url = upstream if isinstance(upstream, str) else upstream.url
    settings = {"key": slot, "auth": "bearer", "protocol": "anthropic", "preset": None, **fields}
    return Route(slot, model or f"{slot}-model", url, **settings)
