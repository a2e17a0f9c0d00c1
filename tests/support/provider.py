"""A provider on loopback that misbehaves on purpose, and keeps every request with its headers."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self

Answer = Callable[["Exchange"], None]


class Exchange(BaseHTTPRequestHandler):
    """One request; an answer calls `send`, or does to the connection what it likes."""

    server: Provider
    protocol_version = "HTTP/1.1"

    def handle_request(self) -> None:
        """Keep the request and let the provider's answer to its path go."""
        raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.body: dict[str, Any] = json.loads(raw) if raw else {}
        self.server.requests.append(self)
        path = self.path.partition("?")[0]
        self.close_connection = True
        self.server.answers.get(path, self.server.answer)(self)

    do_GET = do_POST = do_HEAD = do_CONNECT = handle_request  # noqa: N815

    def send(self, status: int, body: Any = "", kind: str = "application/json", **headers: str) -> None:
        """Send one whole answer; what is no text is sent as JSON."""
        data = (body if isinstance(body, str) else json.dumps(body)).encode()
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(data)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    @property
    def credentials(self) -> dict[str, str]:
        """The headers that carry, or could carry, a credential."""
        names = ("authorization", "x-api-key", "proxy-authorization", "cookie", "x-trap")
        return {name: self.headers[name] for name in names if self.headers[name]}

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the base class's
        """Log nothing."""


def message(exchange: Exchange) -> None:
    """Answer with a message, as a stream."""
    start = {"type": "message_start", "message": {"type": "message", "role": "assistant", "content": []}}
    exchange.send(200, f"event: message_start\ndata: {json.dumps(start)}\n\n", "text/event-stream")


def error(status: int, text: str, kind: str = "error", **headers: str) -> Answer:
    """Return the answer with an error as the Messages API words it."""
    body = {"type": "error", "error": {"type": kind, "message": text}}
    return lambda exchange: exchange.send(status, body, **headers)


class Provider(ThreadingHTTPServer):
    """`answer` goes to every request, `answers` to those of a path; `certificate` makes it speak TLS."""

    daemon_threads = True

    def __init__(self, answer: Answer = message, certificate: Path | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Exchange)
        self.answer, self.answers = answer, dict[str, Answer]()
        self.requests: list[Exchange] = []
        self.scheme = "https" if certificate else "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self.socket = context.wrap_socket(self.socket, server_side=True)
        self._thread = threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True)

    @property
    def url(self) -> str:
        """The address, without a trailing slash."""
        return f"{self.scheme}://127.0.0.1:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Pass over what a client that goes away leaves behind."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()
