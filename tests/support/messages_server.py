"""Loopback servers for the client under test: a fake Messages API, and a stand-in for the internet."""

import json
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from .programs import absent, require

Block = dict[str, Any]
Event = dict[str, Any]


@dataclass(frozen=True)
class Request:
    """One request as it arrived on the wire."""

    method: str
    path: str
    model: str | None
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def host(self) -> str:
        """The host asked for, without its port."""
        return self.headers.get("host", "").partition(":")[0]

    @property
    def api_key(self) -> str | None:
        """The x-api-key header."""
        return self.headers.get("x-api-key")

    @property
    def bearer(self) -> str | None:
        """The token of an `Authorization: Bearer` header."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token if scheme.lower() == "bearer" else None

    @property
    def is_message(self) -> bool:
        """Whether it asks for a message, under whatever path prefix."""
        return self.method == "POST" and urlsplit(self.path).path.endswith("/v1/messages")

    @property
    def is_count(self) -> bool:
        """Whether it asks for a token count."""
        return self.method == "POST" and urlsplit(self.path).path.endswith("/count_tokens")


Answer = Callable[[Request], list[Block]]


def say(text: str) -> Block:
    """Build a text block."""
    return {"type": "text", "text": text}


def use_tool(name: str, **arguments: Any) -> Block:
    """Build a block that makes the client run one of its tools."""
    return {"type": "tool_use", "id": "toolu_test", "name": name, "input": arguments}


class MessagesServer(ThreadingHTTPServer):
    """A fake provider: answers every message, records every request."""

    def __init__(self, answer: Answer | None = None, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.answer: Answer = answer or (lambda request: [say("hello")])
        self._lock = threading.Lock()
        self._requests: list[Request] = []
        # The default poll of 0.5 s would be paid at every shutdown.
        self._thread = threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True)

    @property
    def url(self) -> str:
        """The address, without a trailing slash."""
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def requests(self) -> list[Request]:
        """A copy of every request so far."""
        with self._lock:
            return list(self._requests)

    @property
    def messages(self) -> list[Request]:
        """Only the requests for a message."""
        return [request for request in self.requests if request.is_message]

    def record(self, request: Request) -> None:
        """Remember one request."""
        with self._lock:
            self._requests.append(request)

    def clear(self) -> None:
        """Forget every request so far."""
        with self._lock:
            self._requests.clear()

    def tunnel(self, host: str) -> ssl.SSLContext | None:
        """Return what to speak TLS with for a host, or None to refuse it."""
        return None

    def behave(self, handler: "Handler", request: Request) -> bool:
        """Answer a request in a way of one's own and return True; False leaves it to the server."""
        return False

    def stands_for(self, host: str) -> bool:
        """Say whether to answer a plain http request to a host, asked as a proxy."""
        return False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Pass over dropped connections, which a client that exits leaves behind."""
        if not isinstance(sys.exception(), ConnectionError | ssl.SSLError):
            super().handle_error(request, client_address)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()


class Internet(MessagesServer):
    """A proxy that stands for the internet: it answers for its hosts itself and refuses all others."""

    def __init__(self, hosts: Sequence[str], certificate: Path, answer: Answer | None = None) -> None:
        super().__init__(answer)
        self._hosts = frozenset(hosts)
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(certificate)

    def tunnel(self, host: str) -> ssl.SSLContext | None:
        """Answer for the named hosts only."""
        return self._tls if host in self._hosts else None

    def stands_for(self, host: str) -> bool:
        """Answer for the named hosts only."""
        return host in self._hosts


def make_certificate(path: Path, hosts: Sequence[str]) -> None:
    """Write a throwaway key and self-signed certificate for some hosts or IPv4 addresses into one file."""
    require(absent("openssl"))
    names = ",".join(f"{'IP' if host.replace('.', '').isdigit() else 'DNS'}:{host}" for host in hosts)
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    subject = ("-subj", "/CN=llmswitch-test", "-addext", f"subjectAltName={names}")
    command = ["openssl", "req", "-x509", "-days", "2", *curve, *subject, "-keyout", str(path), "-out", "-"]
    made = subprocess.run(command, check=True, capture_output=True, text=True)
    with path.open("a") as file:
        file.write(made.stdout)


class Handler(BaseHTTPRequestHandler):
    """Speaks the part of the Messages API the client uses, inside a tunnel or not."""

    server: MessagesServer
    raw: bytes
    protocol_version = "HTTP/1.1"

    def handle_request(self) -> None:
        """Record the request and answer it."""
        request = self.read_request()
        self.server.record(request)
        if request.path.startswith("http://") and not self.server.stands_for(request.host):
            self.refuse()
        elif self.server.behave(self, request):
            pass
        elif request.is_message:
            self.reply_message(request)
        elif request.is_count:
            self.reply_json(200, {"input_tokens": 42})
        else:
            self.reply_json(404, _error("not_found_error", f"no such path: {request.path}"))

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = handle_request  # noqa: N815

    def do_CONNECT(self) -> None:
        """Open a tunnel that ends here, or refuse."""
        request = self.read_request()
        self.server.record(request)
        if tls := self.server.tunnel(request.path.partition(":")[0]):  # HTTP/1.0 has no Host
            self.send_response(200)
            self.end_headers()
            self.connection = tls.wrap_socket(self.connection, server_side=True)
            self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", 0)
            self.close_connection = False
        else:
            self.refuse()

    def finish(self) -> None:
        """Close a tunnel too: the server knows only the socket beneath it."""
        super().finish()
        self.connection.close()

    def read_request(self) -> Request:
        """Read the body and put the request together."""
        self.raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = _parse(self.raw)
        # A repeated header keeps all its values: a second credential must not hide behind the first.
        headers = {name.lower(): ", ".join(self.headers.get_all(name, [])) for name in self.headers}
        return Request(self.command, self.path, body.get("model"), headers, body)

    def refuse(self) -> None:
        """Say that there is no way out."""
        self.close_connection = True
        self.reply_json(403, _error("permission_error", "no such host in this test"))

    def reply_message(self, request: Request) -> None:
        """Send the answer in the form the request wants."""
        message = message_of(request, self.server.answer(request))
        if not request.body.get("stream"):
            self.reply_json(200, message)
            return
        self.reply(200, "text/event-stream", b"".join(frames_of(message)))

    def reply_json(self, status: int, value: dict[str, Any]) -> None:
        """Send one JSON object."""
        self.reply(status, "application/json", json.dumps(value).encode())

    def reply(self, status: int, kind: str, payload: bytes) -> None:
        """Send one whole answer."""
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(payload)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the base class's
        """Log nothing."""


def _parse(raw: bytes) -> dict[str, Any]:
    """Read a body that may be empty or no JSON object."""
    try:
        value = json.loads(raw)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _error(kind: str, message: str) -> dict[str, Any]:
    """Build an error in the API's shape."""
    return {"type": "error", "error": {"type": kind, "message": message}}


def message_of(request: Request, blocks: list[Block]) -> dict[str, Any]:
    """Build a whole, unstreamed message."""
    wants_tool = any(block["type"] == "tool_use" for block in blocks)
    return {
        "id": "msg_test",
        "type": "message",
        "role": "assistant",
        "model": request.model,
        "content": blocks,
        "stop_reason": "tool_use" if wants_tool else "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 1, "output_tokens": 1},
    }


def frames_of(message: dict[str, Any]) -> list[bytes]:
    """Cut a message into the frames of a stream."""
    return [f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in _events(message)]


def _events(message: dict[str, Any]) -> list[Event]:
    """Cut a message into the events of a stream."""
    start = message | {"content": [], "stop_reason": None}
    stop = {"stop_reason": message["stop_reason"], "stop_sequence": None}
    return [
        {"type": "message_start", "message": start},
        *(event for index, block in enumerate(message["content"]) for event in _block_events(index, block)),
        {"type": "message_delta", "delta": stop, "usage": {"output_tokens": 1}},
        {"type": "message_stop"},
    ]


def _block_events(index: int, block: Block) -> list[Event]:
    """Cut one text or tool_use block into its events."""
    if block["type"] == "tool_use":
        empty = block | {"input": {}}
        delta = {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
    else:
        empty = block | {"text": ""}
        delta = {"type": "text_delta", "text": block["text"]}
    return [
        {"type": "content_block_start", "index": index, "content_block": empty},
        {"type": "content_block_delta", "index": index, "delta": delta},
        {"type": "content_block_stop", "index": index},
    ]
