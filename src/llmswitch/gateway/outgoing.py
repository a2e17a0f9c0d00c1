"""HTTP/1.1 to the upstreams: connections that are kept, one question at a time on each, an answer's bytes as they come.

On httptools, the parser of Node.js: aiohttp's client takes nine times as many instructions for a small request, more
than all the rest of the gateway. No redirect, no retry, no cookie, no ~/.netrc.
"""

from __future__ import annotations

import asyncio
import errno
import re
import select
import socket
import ssl
import time
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import cast
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies_environment, proxy_bypass

import httptools

CONNECT_SECONDS = 15.0
# Of one address, where a name has more: a network without IPv6 may swallow what is sent there.
ADDRESS_SECONDS = 3.0
# Between two bytes of an answer; a whole answer has no limit, since a model may think for long.
READ_SECONDS = 600.0
KEPT_SECONDS = 15.0
LARGEST_HEAD = 64 * 1024
# So much may wait for a client that reads slowly, before its upstream has to wait too.
MOST_WAITING = 256 * 1024
# What old servers do; nothing can be smuggled behind an answer, since a connection on which more comes is closed.
_LENIENT = {"lenient_headers": True, "lenient_optional_cr_before_lf": True, "lenient_spaces_after_chunk_size": True}
# No header may hold them (RFC 9110, section 5.5); servers and programs differ in what they make of one that does.
_CONTROL = re.compile(r"[\0-\x08\n-\x1f\x7f]")
_NO_PROXY = "HTTPS_PROXY must be http://HOST:PORT; the gateway has what was exported when it started"


class Unreachable(Exception):
    """An upstream cannot be asked, or breaks off before it answers; the text says why."""


class BrokenOff(Exception):
    """An answer ended before its end."""


@dataclass(frozen=True)
class Place:
    """Where a connection leads; `proxy` is the URL of what stands between."""

    host: str
    port: int
    tls: bool
    proxy: str | None = None

    @property
    def name(self) -> str:
        """Host and port as the header Host has them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.tls else 80) else f"{host}:{self.port}"


@lru_cache(maxsize=256)
def place_of(base_url: str) -> tuple[Place, str]:
    """Return where a base URL leads and its path; the proxy is what the environment named when it was first asked.

    This machine is never asked for through a proxy. Raises ValueError for what is no URL.
    """
    parts = urlsplit(base_url)
    tls = parts.scheme == "https"
    if not parts.hostname or parts.scheme not in ("http", "https"):
        raise ValueError
    port = parts.port or (443 if tls else 80)
    local = parts.hostname in ("localhost", "::1") or parts.hostname.startswith("127.")
    proxy = None if local or proxy_bypass(f"{parts.hostname}:{port}") else getproxies_environment().get(parts.scheme)
    return Place(parts.hostname, port, tls, proxy), parts.path


class Outgoing:
    """The connections to all upstreams."""

    def __init__(self) -> None:
        self._idle: dict[Place, list[_Connection]] = {}
        self._tls = ssl.create_default_context()
        self._tls.set_alpn_protocols(["http/1.1"])

    def close(self) -> None:
        """Close what is kept; answers under way go on."""
        for connection in [each for kept in self._idle.values() for each in kept]:
            connection.transport.close()

    async def post(self, place: Place, target: str, headers: Iterable[tuple[str, str]], body: bytes) -> Answer:
        """Send a request and return its answer once its head is there; whoever takes it has to `close` it.

        Raises Unreachable, TimeoutError, and ValueError for what no header may hold.
        """
        lines = [f"POST {target} HTTP/1.1", f"Host: {place.name}"]
        lines += [f"{name}: {text}" for name, text in headers]
        lines.append(f"Content-Length: {len(body)}\r\n\r\n")
        if any(map(_CONTROL.search, lines[:-1])):
            raise ValueError
        head = "\r\n".join(lines).encode("utf-8", "surrogateescape")
        connection = self._kept(place) or await self._open(place)
        return await connection.ask(head + body)

    def _kept(self, place: Place) -> _Connection | None:
        kept = self._idle.get(place, [])
        while kept:
            connection = kept.pop()
            if connection.used():
                return connection
        return None

    def keep(self, connection: _Connection) -> None:
        """Take a connection back that can be asked again."""
        self._idle.setdefault(connection.place, []).append(connection)

    def gone(self, connection: _Connection) -> None:
        """Forget a connection that was closed."""
        kept = self._idle.get(connection.place, [])
        if connection in kept:
            kept.remove(connection)

    async def _open(self, place: Place) -> _Connection:
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                return await (self._through(place, place.proxy) if place.proxy else self._straight(place))
        except TimeoutError:
            raise
        except OSError as trouble:
            raise Unreachable(_why(trouble)) from None

    async def _straight(self, place: Place) -> _Connection:
        """Connect to the first address of a host that takes it."""
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM)
        for number, (*_, address) in enumerate(found, 1):
            try:
                async with asyncio.timeout(None if number == len(found) else ADDRESS_SECONDS):
                    _, connection = await loop.create_connection(
                        lambda: _Connection(self, place), str(address[0]), place.port,
                        ssl=self._tls if place.tls else None, server_hostname=place.host if place.tls else None,
                    )  # fmt: skip
                    return connection
            except (OSError, TimeoutError) as trouble:
                if number == len(found) or isinstance(trouble, ssl.SSLError):
                    raise
        raise OSError("it has no address")

    async def _through(self, place: Place, proxy: str) -> _Connection:
        """Connect through an HTTP proxy, which sees the host's name and nothing that is said."""
        try:
            parts = urlsplit(proxy)
            tls = parts.scheme == "https"
            at = Place(parts.hostname or "", parts.port or (443 if tls else 80), tls)
        except ValueError:
            raise Unreachable(_NO_PROXY) from None
        if parts.scheme not in ("http", "https") or not at.host:
            raise Unreachable(_NO_PROXY)
        if not place.tls:
            raise Unreachable("without TLS, a proxy would see what is said")
        host = f"[{place.host}]" if ":" in place.host else place.host
        lines = [f"CONNECT {host}:{place.port} HTTP/1.1", f"Host: {host}:{place.port}"]
        if parts.username:
            user = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            lines.append(f"Proxy-Authorization: Basic {b64encode(user.encode()).decode()}")
        try:
            connection = await self._straight(at)
            connection.tunnels = True
            answer = await connection.ask("\r\n".join([*lines, "\r\n"]).encode())
        except TimeoutError:
            raise
        except (OSError, Unreachable) as trouble:
            raise Unreachable(f"the proxy {at.host}: {_why(trouble)}") from None
        if not 200 <= answer.status < 300:
            connection.transport.abort()
            raise Unreachable(f"the proxy {at.host} answered {answer.status}")
        await connection.start_tls(self._tls, place)
        return connection


def _why(trouble: Exception) -> str:
    """Return why a connection does not come about, in words about who is connected to."""
    if isinstance(trouble, Unreachable):
        return str(trouble)
    if isinstance(trouble, ssl.SSLCertVerificationError):
        return f"its certificate is not valid ({trouble.verify_message})"
    if isinstance(trouble, socket.gaierror):
        return "its name cannot be resolved"
    if isinstance(trouble, OSError) and trouble.errno in (errno.EMFILE, errno.ENFILE):
        return "no file descriptor is left here"
    said = getattr(trouble, "strerror", None) or str(trouble)
    if isinstance(trouble, ConnectionError) and not said:  # in the middle of a TLS handshake
        return "it closed the connection"
    return f"cannot connect ({said or type(trouble).__name__})"


class Answer:
    """An upstream's answer: its head, and its body as it comes, in pieces."""

    def __init__(self, connection: _Connection) -> None:
        self.status, self.reason = 0, ""
        self.headers: list[tuple[str, str]] = []
        self.named: dict[str, str] = {}  # by their names in small letters; of several with one name the first
        self._connection: _Connection | None = connection
        self._pieces: list[bytes] = []
        self._waiting = 0
        self._whole = False
        self._trouble: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None

    def header(self, name: str) -> str:
        """Return a header by its name in small letters, "" where there is none."""
        return self.named.get(name, "")

    @property
    def content_type(self) -> str:
        """The media type without its parameters."""
        return self.header("content-type").partition(";")[0].strip().lower()

    @property
    def length(self) -> int | None:
        """How long the body is, where the head says so."""
        text = self.header("content-length")
        return int(text) if text.isascii() and text.isdigit() else None

    @property
    def chunked(self) -> bool:
        """Whether the body says itself where it ends; any other coding ends with the connection (RFC 9112, 6.3)."""
        return self.header("transfer-encoding").rpartition(",")[2].strip().lower() == "chunked"

    def __aiter__(self) -> Answer:
        return self

    async def __anext__(self) -> bytes:
        while not self._pieces:
            if self._trouble:
                raise self._trouble
            if self._whole:
                raise StopAsyncIteration
            await self.wait()
        pieces, self._pieces = self._pieces, []
        self._go_on()
        self._waiting = 0
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _go_on(self) -> None:
        if self._waiting > MOST_WAITING and self._connection and not self._connection.transport.is_closing():
            self._connection.transport.resume_reading()

    async def begin(self) -> None:
        """Wait for the head."""
        while not self.status:
            if self._trouble:
                raise self._trouble
            await self.wait()

    async def wait(self) -> None:
        """Wait until something comes."""
        loop = asyncio.get_running_loop()
        self._waiter = loop.create_future()
        timer = loop.call_later(READ_SECONDS, self.fail, TimeoutError())
        try:
            await self._waiter
        finally:
            timer.cancel()
            self._waiter = None

    def take(self, pieces: list[bytes]) -> None:
        """Take a part of the body."""
        before = self._waiting
        self._pieces += pieces
        self._waiting += sum(map(len, pieces))
        if before <= MOST_WAITING < self._waiting and self._connection:
            self._connection.transport.pause_reading()
        self.wake()

    def end(self) -> None:
        """Take note that nothing more comes; the connection may have to answer others meanwhile."""
        self._go_on()
        self._whole, self._connection = True, None
        self.wake()

    def fail(self, trouble: Exception) -> None:
        """Take note that what there is cannot become whole."""
        self._trouble = self._trouble or trouble
        self.close()
        self.wake()

    def wake(self) -> None:
        """Let whoever waits look again."""
        if self._waiter and not self._waiter.done():
            self._waiter.set_result(None)

    def close(self) -> None:
        """Take nothing more: a connection on which more would come is of no use."""
        connection, self._connection = self._connection, None
        if connection:
            connection.answer = None
            connection.transport.abort()


class _Connection(asyncio.Protocol):
    """A connection to an upstream, and httptools' callbacks for what comes on it."""

    transport: asyncio.Transport

    def __init__(self, pool: Outgoing, place: Place) -> None:
        self._pool, self.place = pool, place
        self.answer: Answer | None = None
        self.tunnels = False  # a proxy was asked for a way: what it says neither keeps nor closes the connection
        self._timer: asyncio.TimerHandle | None = None

    def _reset(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._parser.set_dangerous_leniencies(**_LENIENT)
        self._reason = b""
        self._headers: list[tuple[str, str]] = []
        self._body: list[bytes] = []
        self._head_length = 0
        self._complete = self._more = self._keeps = False

    async def ask(self, data: bytes) -> Answer:
        """Send a request and return its answer once its head is there."""
        answer = self.answer = Answer(self)
        self.transport.write(data)
        self._reset()  # behind it, while the host is at work already
        try:
            await answer.begin()
        except BaseException:
            answer.close()
            raise
        return answer

    async def start_tls(self, context: ssl.SSLContext, place: Place) -> None:
        """Speak TLS from now on, with whom a proxy has connected us."""
        self.answer = None
        loop = asyncio.get_running_loop()
        made = await loop.start_tls(self.transport, self, context, server_hostname=place.host)
        assert made
        self.transport, self.place, self.tunnels = made, place, False

    def used(self) -> bool:
        """Take note that it is not idle any more; say whether it can be asked, and close it where it cannot.

        Its end may be known to the system only, or to nobody, where the machine slept: timers do not count that time.
        """
        if self.transport.is_closing():  # TLS says goodbye for a while before the connection is lost
            return False
        good = 0 <= time.time() - self._since < KEPT_SECONDS and not self._look.poll(0)
        if not good:
            self.transport.abort()
        return good

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport."""
        self.transport = cast("asyncio.Transport", transport)  # uvloop's are none by their class
        self._look = select.poll()
        self._look.register(transport.get_extra_info("socket").fileno(), select.POLLIN)

    def data_received(self, data: bytes) -> None:
        """Take what came; of a connection that was asked nothing it can be nothing good."""
        answer = self.answer
        if answer is None:
            self.transport.abort()
            return
        if not answer.status:
            self._head_length += len(data)
        if not self._fed(data):
            answer.fail(BrokenOff() if answer.status else Unreachable("what it sends is no HTTP"))
            return
        if not answer.status and self._head_length > LARGEST_HEAD:
            answer.fail(Unreachable("the head of its answer has no end"))
            return
        if self._body:
            body, self._body = self._body, []
            answer.take(body)
        if self._complete:
            self._done(answer)

    def _fed(self, data: bytes) -> bool:
        """Let the parser take what came; say whether it is HTTP, as far as the answer goes."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._more = True  # a 101: what follows is no HTTP
        except httptools.HttpParserError:
            self._more = True
            return self._complete  # what stands behind a whole answer takes nothing from it
        return True

    def _done(self, answer: Answer) -> None:
        self.answer = None
        answer.end()
        if self.tunnels:
            return
        if self._more or not self._keeps:
            self.transport.close()
            return
        self._since = time.time()
        self._pool.keep(self)
        if not self._timer:
            self._close_idle()

    def _close_idle(self) -> None:
        """Close it where it was not asked for so long; one timer for all its answers, since each costs."""
        left = KEPT_SECONDS if self.answer else self._since + KEPT_SECONDS - time.time()
        if left > 0:
            self._timer = asyncio.get_running_loop().call_later(min(left, KEPT_SECONDS), self._close_idle)
        else:
            self.transport.close()

    def connection_lost(self, trouble: Exception | None) -> None:
        """Say what that means for an answer: only one without a length ends so."""
        self._pool.gone(self)
        if self._timer:
            self._timer.cancel()
        answer, self.answer = self.answer, None
        if answer is None:
            return
        if not answer.status:
            answer.fail(Unreachable("it closed the connection"))
        elif trouble or answer.length is not None or answer.chunked:
            answer.fail(BrokenOff())
        else:
            answer.end()

    # httptools calls these.

    def on_message_begin(self) -> None:
        """Take note of what nobody asked for."""
        self._more = self._complete

    def on_status(self, text: bytes) -> None:
        """Take the words behind the status."""
        self._reason += text

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header, unless it holds what none may."""
        text = value.decode("utf-8", "surrogateescape")
        if not _CONTROL.search(text):
            self._headers.append((name.decode("latin-1"), text))

    def on_headers_complete(self) -> None:
        """Begin the answer, unless this is only a word ahead of it."""
        status = self._parser.get_status_code()
        if self.answer and not self.answer.status and (status >= 200 or status == 101):
            reason = self._reason.decode("latin-1")
            self.answer.reason = "" if _CONTROL.search(reason) else reason
            self.answer.headers = self._headers
            self.answer.named = {name.lower(): text for name, text in reversed(self._headers)}
            self.answer.status = status
            self.answer.wake()
        self._reason, self._headers = b"", []

    def on_body(self, data: bytes) -> None:
        """Take a part of the body."""
        if not self._more:
            self._body.append(data)

    def on_message_complete(self) -> None:
        """Take note of the end, or of the end of a word ahead."""
        self._complete = bool(self.answer and self.answer.status)
        self._keeps = self._parser.should_keep_alive()  # known here only
