"""HTTP/1.1 from the clients: one request at a time on each connection, and an answer's bytes as they come.

On httptools, the parser of Node.js, as the way to the upstreams is. A small request on uvloop takes 29 µs here, 60 in
uvicorn 0.54 on the same parser and 84 in aiohttp 3.14, a quarter of all that the gateway did for it.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable
from http.client import responses
from typing import NamedTuple, cast

import httptools

from llmswitch.gateway import wire
from llmswitch.gateway.supervise import QUEUE

LARGEST, LARGEST_HEAD = 64 * 1024 * 1024, 64 * 1024
# Of a connection that says nothing or half a head; for a body; and for the rest of one that is refused before its end,
# since who still sends may lose an answer behind which the connection is closed.
IDLE_SECONDS, BODY_SECONDS, REST_SECONDS = 75.0, 120.0, 10.0
SHUTDOWN_SECONDS = 20.0


class Rejected(Exception):
    """The request is refused with this answer, which never quotes it."""

    def __init__(self, status: int, kind: str, message: str, retry: bool = True) -> None:
        super().__init__(message)
        self.response = error(status, kind, message, retry)


class Response(NamedTuple):
    """A whole answer, or the head of one whose body is sent in pieces."""

    status: int
    headers: wire.Headers
    body: bytes = b""
    reason: str = ""


def error(status: int, kind: str, message: str, retry: bool = True) -> Response:
    """Return an error in the shape of the Messages API; with `retry` False the client does not ask again."""
    headers = [("Content-Type", "application/json"), *([] if retry else [("x-should-retry", "false")])]
    return Response(status, headers, wire.error(kind, message))


class Incoming:
    """The connections of all clients; each request is given to `handle`, which is cancelled where its client goes."""

    def __init__(self, handle: Callable[[Request], Awaitable[Response]], most: int) -> None:
        """Of more than `most` connections at once, the newest are closed."""
        self.handle, self._most = handle, most
        self.ending = False
        self._clients: set[Client] = set()
        self._empty = asyncio.Event()

    async def listen(self, listening: socket.socket) -> None:
        """Take connections from now on."""
        loop = asyncio.get_running_loop()
        make = loop.create_unix_server if listening.family == socket.AF_UNIX else loop.create_server
        self._server = await make(lambda: Client(self), sock=listening, backlog=QUEUE)

    async def close(self) -> None:
        """Take no connection and no request any more, and give the answers that have begun some time to end."""
        self.ending = True
        self._server.close()
        for client in [each for each in self._clients if each.task is None]:
            client.transport.close()
        try:
            async with asyncio.timeout(SHUTDOWN_SECONDS):
                while self._clients:
                    self._empty.clear()
                    await self._empty.wait()
        except TimeoutError:
            for client in self._clients:
                client.transport.abort()

    def add(self, client: Client) -> bool:
        """Take note of a connection; say whether there is room for it."""
        self._clients.add(client)
        return len(self._clients) <= self._most and not self.ending

    def discard(self, client: Client) -> None:
        """Forget a connection."""
        self._clients.discard(client)
        if not self._clients:
            self._empty.set()


class Request:
    """What a client asks; `headers` are as it wrote them, `named` has them by their names in small letters.

    Of several with one name, `named` has the first.
    """

    def __init__(self, client: Client, method: str, target: str, headers: wire.Headers) -> None:
        self.client, self.method, self.headers = client, method, headers
        self.named = {name.lower(): text for name, text in reversed(headers)}
        self.path, _, self.query = target.partition("?")
        self.whole = False  # it came to its end
        self._parts: list[bytes] = []
        self._left = LARGEST
        self._trouble: Rejected | None = None
        self._waiter: asyncio.Future[None] | None = None

    async def body(self) -> bytes:
        """Return the body, once; raises Rejected where it is too long, does not come to its end, or is no HTTP."""
        if not (self.whole or self._trouble):
            await self._rest()
        if self._trouble:
            raise self._trouble
        parts, self._parts = self._parts, []  # it need not be in memory twice
        return b"".join(parts)

    async def _rest(self) -> None:
        if int(self.named.get("content-length", "").lstrip("0") or 0) > LARGEST:
            raise _too_large()
        if self.named.get("expect", "").lower() == "100-continue":
            self.client.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(BODY_SECONDS):  # wait_for of Python 3.11 can lose that the client has gone
                await self._waiter
        except TimeoutError:
            text = "The request did not come to its end."
            raise Rejected(408, "invalid_request_error", text, retry=False) from None

    def add(self, data: bytes) -> None:
        """Take a part of the body."""
        if self.whole or self._trouble:
            return
        self._left -= len(data)
        self._parts.append(data)
        if self._left < 0:
            self.fail(_too_large())

    def end(self) -> None:
        """Take note that it came to its end."""
        self.whole = True
        self._wake()

    def fail(self, trouble: Rejected) -> None:
        """Take note that the body is of no use."""
        self._trouble = trouble
        self._parts.clear()
        self._wake()

    def _wake(self) -> None:
        if self._waiter and not self._waiter.done():
            self._waiter.set_result(None)


def _too_large() -> Rejected:
    return Rejected(413, "request_too_large", f"The request is larger than {LARGEST // 1024**2} MiB.")


class Client(asyncio.Protocol):
    """A connection of a client: what comes on it, by httptools' callbacks, and what is sent.

    It waits for a request (no `request`), has one answered, of which more may still come (a `task` does that), or drops
    the rest of one that was answered before its end (a `request`, and no `task`), and is closed then.
    """

    transport: asyncio.Transport

    def __init__(self, incoming: Incoming) -> None:
        self._incoming = incoming
        self._parser = httptools.HttpRequestParser(self)
        self._loop = asyncio.get_running_loop()
        self._since = self._loop.time()  # of its last answer
        self._last = False  # no request follows this one
        self._full: asyncio.Future[None] | None = None  # while the client reads more slowly than we send
        self.task: asyncio.Task[None] | None = None
        self._next()

    def _next(self) -> None:
        """Wait for a request."""
        self.request: Request | None = None
        self._target = b""
        self._headers: wire.Headers = []
        self._room = LARGEST_HEAD  # for what is no body
        self._modern = False  # HTTP/1.1
        self.begun = self._ended = False  # an answer in pieces
        self._sized = self._chunked = False  # how an answer says where it ends

    # What is sent.

    def begin(self, head: Response) -> None:
        """Send the head of an answer whose body comes in pieces."""
        self.begun = True
        self._start(head, None)

    async def send(self, data: bytes) -> None:
        """Send a piece of the body, and wait for a client that reads slowly; ConnectionResetError where it has gone."""
        if self.transport.is_closing():
            raise ConnectionResetError
        self.transport.write(b"%x\r\n%b\r\n" % (len(data), data) if self._chunked else data)
        if self._full:
            await self._full

    def end(self) -> None:
        """End an answer in pieces."""
        self._ended = True
        if self._chunked:
            self.transport.write(b"0\r\n\r\n")

    def cut(self) -> None:
        """Break off an answer in pieces, so that the client knows that it is not whole."""
        if self._chunked or self._sized:
            self.transport.close()
            return
        # The end of the connection would be the end of the answer (HTTP/1.0): only a reset looks otherwise.
        option = (socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.get_extra_info("socket").setsockopt(*option)
        self.transport.abort()

    def _start(self, head: Response, body: bytes | None) -> None:
        """Send a head, with its whole body where there is one; else it says as its headers do where the body ends, by
        chunks, or for HTTP/1.0 not at all."""
        lines = [f"HTTP/1.1 {head.status} {head.reason or responses.get(head.status, '')}"]
        lines += [f"{name}: {text}" for name, text in head.headers]
        self._sized = any(len(name) == 14 and name.lower() == "content-length" for name, _ in head.headers)
        if body is not None and not self._sized:
            lines.append(f"Content-Length: {len(body)}")
        elif self._modern and not self._sized:
            self._chunked = True
            lines.append("Transfer-Encoding: chunked")
        if not (self.request and self.request.whole) or self._incoming.ending:
            self._last = True
        if self._last:
            lines.append("Connection: close")
        made = ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "surrogateescape")
        no_body = self.request and self.request.method == "HEAD"
        self.transport.write(made if body is None or no_body else made + body)

    # What asyncio tells.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection, unless there is no room for it."""
        self.transport = cast("asyncio.Transport", transport)  # uvloop's are none by their class
        self._timer = self._loop.call_later(IDLE_SECONDS, self._close_idle)
        if not self._incoming.add(self):
            self.transport.abort()

    def connection_lost(self, trouble: Exception | None) -> None:
        """End what is done for a client that has gone."""
        self._timer.cancel()
        self._incoming.discard(self)
        task, self.task = self.task, None
        if task:
            task.cancel()
        self.request = None  # both know us, and would stay in memory until Python looks for circles

    def pause_writing(self) -> None:
        """Let an answer wait for a client that reads slowly."""
        self._full = self._loop.create_future()

    def resume_writing(self) -> None:
        """Let it go on."""
        full, self._full = self._full, None
        if full and not full.done():
            full.set_result(None)

    def data_received(self, data: bytes) -> None:
        """Take what came; what stands behind a request is dropped, and its connection closed when it is answered."""
        if self.request and self.request.whole:
            self._last = True
            return
        self._room -= len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._last = True  # what follows is no HTTP
        except httptools.HttpParserError:
            self._refuse(Rejected(400, "invalid_request_error", "The request is no HTTP."))
            return
        if self._room < 0:
            self._refuse(Rejected(431, "invalid_request_error", "The headers of the request are too large."))

    def _refuse(self, trouble: Rejected) -> None:
        """Refuse what comes; behind a whole request it is only dropped."""
        self._last = True
        if self.request is None:
            self._start(trouble.response, trouble.response.body)
            self.transport.close()
        elif self.task is None:
            self.transport.close()
        elif not self.request.whole:
            self.request.fail(trouble)

    async def _answer(self, request: Request) -> None:
        try:
            response = await self._incoming.handle(request)
        except Exception as trouble:
            self.transport.abort()
            if not isinstance(trouble, ConnectionError):
                self._loop.call_exception_handler({"message": "a request failed", "exception": trouble})
            return
        if not self.begun:
            self._start(response, response.body)
        elif not self._ended:
            self.cut()
        self.task, self._since = None, self._loop.time()
        if not request.whole:
            self._loop.call_later(REST_SECONDS, self.transport.close)
        elif self._last or self._incoming.ending:
            self.transport.close()
        else:
            self._next()

    def _close_idle(self) -> None:
        """Close it where it has not asked for long; one timer for all requests, since each costs."""
        busy = self.task or self.transport.get_write_buffer_size()
        left = IDLE_SECONDS if busy else self._since + IDLE_SECONDS - self._loop.time()
        if left > 0:
            self._timer = self._loop.call_later(left, self._close_idle)
        else:
            self.transport.abort()

    # What httptools finds.

    def on_url(self, target: bytes) -> None:
        """Take a part of the target, or note of a request behind a request."""
        self._target += target
        self._last = self._last or self.request is not None

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; one behind a body is none, since the guard has not seen it."""
        if self.request is None:
            self._headers.append((name.decode("latin-1"), value.decode("utf-8", "surrogateescape").rstrip(" \t")))

    def on_headers_complete(self) -> None:
        """Begin to answer."""
        if self.request:
            return
        method, target = self._parser.get_method().decode(), self._target.decode("utf-8", "surrogateescape")
        self._modern = self._parser.get_http_version() == "1.1"
        self._last = method == "HEAD" or not (self._modern and self._parser.should_keep_alive())
        self.request = Request(self, method, target, self._headers)
        if self._parser.should_upgrade():  # the parser takes its body for another protocol
            self.request.fail(Rejected(400, "invalid_request_error", "This gateway speaks HTTP/1.1 only: no Upgrade."))
        self.task = self._loop.create_task(self._answer(self.request))

    def on_body(self, data: bytes) -> None:
        """Take a part of the body, unless the answer is there already."""
        self._room += 9 * len(data)  # itself, and at most "1 CR LF … CR LF" around each byte, with some more
        if self.request and self.task:
            self.request.add(data)

    def on_message_complete(self) -> None:
        """Take note of the end."""
        if self.request:
            self.request.end()
            if not self.task:
                self.transport.close()
