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


class Refused(Exception):
    """The request is refused with this HTTP status; the message never quotes the request."""

    def __init__(self, status: int, kind: str, message: str) -> None:
        super().__init__(message)
        self.status, self.kind = status, kind


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
        self._connections: set[Client] = set()
        self._empty = asyncio.Event()

    async def listen(self, listening: socket.socket) -> None:
        """Take connections from now on."""
        loop = asyncio.get_running_loop()
        make = loop.create_unix_server if listening.family == socket.AF_UNIX else loop.create_server
        self._server = await make(lambda: Client(self), sock=listening, backlog=QUEUE)

    async def close(self) -> None:
        """Take no request any more, and give the answers that have begun some time to end."""
        self.ending = True
        self._server.close()
        for connection in [each for each in self._connections if each.task is None]:
            connection.transport.close()
        try:
            async with asyncio.timeout(SHUTDOWN_SECONDS):
                while self._connections:
                    self._empty.clear()
                    await self._empty.wait()
        except TimeoutError:
            for connection in self._connections:
                connection.transport.abort()

    def came(self, connection: Client) -> bool:
        """Take note of a connection; say whether there is room for it."""
        self._connections.add(connection)
        return len(self._connections) <= self._most and not self.ending

    def gone(self, connection: Client) -> None:
        """Forget a connection."""
        self._connections.discard(connection)
        if not self._connections:
            self._empty.set()


class Request:
    """What a client asks; header names are as the client wrote them."""

    def __init__(self, client: Client, method: str, target: str, headers: wire.Headers) -> None:
        self.client, self.method, self.headers = client, method, headers
        self.path, _, self.query = target.partition("?")
        self.whole = False  # it came to its end
        self._parts: list[bytes] = []
        self._left = LARGEST
        self._trouble: Refused | None = None
        self._waiter: asyncio.Future[None] | None = None

    @property
    def named(self) -> dict[str, str]:
        """The headers by their names in small letters; of several with one name the first."""
        return {name.lower(): text for name, text in reversed(self.headers)}

    async def body(self) -> bytes:
        """Return the body; raises Refused where it is too long, does not come to its end, or is no HTTP."""
        if not (self.whole or self._trouble):
            await self._rest()
        if self._trouble:
            raise self._trouble
        return b"".join(self._parts)

    async def _rest(self) -> None:
        head = self.named
        if int(head.get("content-length", 0)) > LARGEST:
            raise _too_large()
        if head.get("expect", "").lower() == "100-continue":
            self.client.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await asyncio.wait_for(self._waiter, BODY_SECONDS)
        except TimeoutError:
            raise Refused(408, "invalid_request_error", "The request did not come to its end.") from None

    def add(self, data: bytes) -> None:
        """Take a part of the body."""
        if self.whole or self._trouble:
            return
        self._left -= len(data)
        self._parts.append(data)
        if self._left < 0:
            self.end(_too_large())

    def end(self, trouble: Refused | None = None) -> None:
        """Take note that no more of it is wanted, or comes."""
        if trouble is None:
            self.whole = True
        elif not self.whole:
            self._trouble = trouble
            self._parts.clear()
        if self._waiter and not self._waiter.done():
            self._waiter.set_result(None)


def _too_large() -> Refused:
    return Refused(413, "request_too_large", f"The request is larger than {LARGEST // 1024**2} MiB.")


class Client(asyncio.Protocol):
    """A connection of a client: what comes on it, by httptools' callbacks, and what is sent."""

    transport: asyncio.Transport

    def __init__(self, incoming: Incoming) -> None:
        self._incoming = incoming
        self._parser = httptools.HttpRequestParser(self)
        self._loop = asyncio.get_running_loop()
        self._last = False  # no request can follow this one
        self._full: asyncio.Future[None] | None = None  # while the client reads more slowly than we send
        self.task: asyncio.Task[None] | None = None  # while a request is answered

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection, unless there is no room for it."""
        self.transport = cast("asyncio.Transport", transport)  # uvloop's are none by their class
        self._next()
        self._since = self._loop.time()
        self._timer = self._loop.call_later(IDLE_SECONDS, self._look)
        if not self._incoming.came(self):
            self.transport.abort()

    def connection_lost(self, trouble: Exception | None) -> None:
        """End what is done for a client that has gone."""
        self._timer.cancel()
        self._incoming.gone(self)
        if self.task:
            self.task.cancel()

    def _next(self) -> None:
        """Wait for a request."""
        self.request: Request | None = None
        self._target, self._head_length = b"", 0
        self._headers: wire.Headers = []
        self.begun = self._ended = False  # of an answer in pieces
        self._modern = False  # HTTP/1.1

    def _look(self) -> None:
        """Close a connection that was idle for long, or does not take its last answer; one timer for all requests,
        since each costs."""
        left = IDLE_SECONDS if self.task else self._since + IDLE_SECONDS - self._loop.time()
        if left > 0:
            self._timer = self._loop.call_later(left, self._look)
        else:
            self.transport.abort()

    def data_received(self, data: bytes) -> None:
        """Take what came; what stands behind a request is dropped, and its connection closed when it is answered."""
        if self.request and self.request.whole:
            self._last = True
            return
        self._head_length += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._last = True  # what follows is no HTTP
        except httptools.HttpParserError:
            self._refuse(Refused(400, "invalid_request_error", "The request is no HTTP."))
        if self.request is None and self._head_length > LARGEST_HEAD:
            self._refuse(Refused(431, "invalid_request_error", "The head of the request is too large."))

    def _refuse(self, trouble: Refused) -> None:
        self._last = True
        if self.request:
            self.request.end(trouble)
        elif not self.transport.is_closing():
            response = error(trouble.status, trouble.kind, str(trouble))
            self.transport.write(self._head(response, len(response.body)) + response.body)
            self.transport.close()

    async def _answer(self, request: Request) -> None:
        try:
            response = await self._incoming.handle(request)
        except ConnectionError:
            self.transport.abort()
            return
        if not self.begun:
            head = self._head(response, len(response.body))
            self.transport.write(head if request.method == "HEAD" else head + response.body)
        elif not self._ended:
            self.cut()
        self.task, self._since = None, self._loop.time()
        if not request.whole:
            self._loop.call_later(REST_SECONDS, self.transport.close)
        elif self._last or self._incoming.ending:
            self.transport.close()
        else:
            self._next()

    def begin(self, head: Response) -> None:
        """Send the head of an answer whose body comes in pieces."""
        self.begun = True
        self.transport.write(self._head(head))

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

    def _head(self, response: Response, length: int | None = None) -> bytes:
        """Return a head that says where the body ends: `length` further, or as its headers say, or by chunks."""
        lines = [f"HTTP/1.1 {response.status} {response.reason or responses.get(response.status, '')}"]
        lines += [f"{name}: {text}" for name, text in response.headers]
        self._sized = any(len(name) == 14 and name.lower() == "content-length" for name, _ in response.headers)
        if length is not None and not self._sized:
            self._sized = True
            lines.append(f"Content-Length: {length}")
        self._chunked = self._modern and not self._sized
        if self._chunked:
            lines.append("Transfer-Encoding: chunked")
        whole = self.request is not None and self.request.whole
        self._last = self._last or not whole or self._incoming.ending
        if self._last:
            lines.append("Connection: close")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "surrogateescape")

    def pause_writing(self) -> None:
        """Let an answer wait for a client that reads slowly."""
        self._full = self._loop.create_future()

    def resume_writing(self) -> None:
        """Let it go on."""
        full, self._full = self._full, None
        if full and not full.done():
            full.set_result(None)

    # httptools calls these.

    def on_url(self, target: bytes) -> None:
        """Take a part of the target, or note of a request behind a request."""
        self._target += target
        self._last = self._last or self.request is not None

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; it can also stand behind a body, where it says nothing that counts."""
        self._headers.append((name.decode("latin-1"), value.decode("utf-8", "surrogateescape")))

    def on_headers_complete(self) -> None:
        """Begin to answer."""
        if self.request:
            return
        headers, self._headers = self._headers, []
        method, target = self._parser.get_method().decode(), self._target.decode("utf-8", "surrogateescape")
        self._modern = self._parser.get_http_version() == "1.1"
        self._last = method == "HEAD" or not (self._modern and self._parser.should_keep_alive())
        self.request = Request(self, method, target, headers)
        self.task = self._loop.create_task(self._answer(self.request))

    def on_body(self, data: bytes) -> None:
        """Take a part of the body, unless the answer is there already."""
        if self.request and self.task:
            self.request.add(data)

    def on_message_complete(self) -> None:
        """Take note of the end."""
        if self.request:
            self.request.end()
            if not self.task:
                self.transport.close()
