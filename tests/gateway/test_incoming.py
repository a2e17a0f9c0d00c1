"""Connections of clients: what is a request, what is refused, and that an answer that broke off never looks whole."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import itertools
import socket
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvloop
from hypothesis import given
from hypothesis import strategies as st

from llmswitch.gateway import incoming
from llmswitch.gateway.incoming import LARGEST_HEAD, Incoming, Rejected, Request, Response, error

Handle = Callable[[Request], Awaitable[Response]]
HOST = b"Host: a\r\n"
SIZED = b"POST /p?q=1 HTTP/1.1\r\n" + HOST + b"X-A: b\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = (
    b"POST /p?q=1 HTTP/1.1\r\n" + HOST + b"X-A: b\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"
)
LAST = b"GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
LOOPS = (asyncio.new_event_loop, uvloop.new_event_loop)


async def echo(request: Request) -> Response:
    """Answer with what was asked."""
    try:
        body = await request.body()
    except Rejected as refused:
        return refused.response
    said = f"{request.method} {request.path} {request.query} {request.named.get('x-a', '')} ".encode(
        "utf-8", "surrogateescape"
    )
    return Response(200, [("X-Echo", "yes")], said + body)


async def refuse(request: Request) -> Response:
    """Answer nobody, and read nothing."""
    return error(401, "authentication_error", "no")


@asynccontextmanager
async def serving(handle: Handle = echo, may_fail: str | None = None) -> AsyncIterator[tuple[Incoming, int]]:
    """Serve on loopback; nothing goes wrong unseen, but for what may."""
    wrong: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: wrong.append(context))
    clients = Incoming(handle, 100)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        await clients.listen(listening)
        try:
            yield clients, listening.getsockname()[1]
        finally:
            await asyncio.wait_for(clients.close(), 20)
    assert [repr(each.get("exception")) for each in wrong] == ([] if may_fail is None else [may_fail])


async def said(port: int, *pieces: bytes) -> bytes:
    """Send pieces, one after the other, and return what comes until the connection is closed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    with contextlib.suppress(ConnectionError):
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
    received = b""
    with contextlib.suppress(ConnectionError):
        while data := await asyncio.wait_for(reader.read(65536), 20):
            received += data
    writer.close()
    return received


def bodies(raw: bytes) -> list[bytes]:
    """Return the bodies of answers that say their length."""
    found = []
    while raw:
        head, _, raw = raw.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        found.append(raw[:length])
        raw = raw[length:]
    return found


def run(
    main: Callable[[], Coroutine[None, None, None]], loop: Callable[[], asyncio.AbstractEventLoop] = LOOPS[1]
) -> None:
    """Run on the loop that the gateway has, or another."""
    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(main())


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("raw", [SIZED, CHUNKED])
def test_a_request_may_come_byte_by_byte_and_its_connection_is_kept(
    raw: bytes, loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    """Three requests, one connection."""

    async def main() -> None:
        async with serving() as (_, port):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            for _ in range(3):
                for at in range(len(raw)):
                    writer.write(raw[at : at + 1])
                    await writer.drain()
                    await asyncio.sleep(0)
                head = await reader.readuntil(b"\r\n\r\n")
                assert head.startswith(b"HTTP/1.1 200 OK\r\nX-Echo: yes\r\nContent-Length: ")
                assert b"close" not in head
                assert await reader.readexactly(len(b"POST /p q=1 b hello")) == b"POST /p q=1 b hello"
            writer.close()

    run(main, loop)


@given(st.lists(st.integers(1, len(CHUNKED)), max_size=6), st.sampled_from([SIZED, CHUNKED]))
def test_a_request_is_the_same_wherever_it_is_cut(places: list[int], raw: bytes) -> None:
    """In as many pieces as there are cuts."""
    cuts = [0, *sorted(places), len(raw)]
    pieces = [raw[begin:end] for begin, end in itertools.pairwise(cuts)]

    async def main() -> None:
        async with serving() as (_, port):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0)
            await reader.readuntil(b"\r\n\r\n")
            assert await reader.readexactly(19) == b"POST /p q=1 b hello"
            writer.close()

    run(main)


@given(st.binary(max_size=200), st.integers(0, len(CHUNKED)), st.sampled_from([SIZED, CHUNKED, b""]))
def test_what_is_no_http_is_refused_or_waited_for_and_breaks_nothing(noise: bytes, at: int, raw: bytes) -> None:
    """Noise alone, in the middle of a request, and behind one; the next client is served."""

    async def main() -> None:
        async with serving() as (_, port):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(raw[:at] + noise + raw[at:])
            writer.write_eof()
            received = b""
            with contextlib.suppress(ConnectionError):
                received = await asyncio.wait_for(reader.read(), 20)
            assert received == b"" or received.startswith((b"HTTP/1.1 200 ", b"HTTP/1.1 400 "))
            writer.close()
            assert bodies(await said(port, LAST)) == [b"GET /last   "]

    run(main)


@pytest.mark.parametrize(
    "raw",
    [
        b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: +5\r\n\r\nhello",
        b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: identity, chunked, x\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\n" + HOST + b"X-A: b\r\n folded: c\r\n\r\n",
        b"POST / HTTP/1.1\r\n" + HOST + b"X-A : b\r\n\r\n",
        b"POST / HTTP/1.1\nHost: a\n\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\0",
    ],
)
def test_what_two_programs_could_read_differently_is_refused(raw: bytes) -> None:
    """Two lengths, a length beside chunks, a folded header: where a request ends must be sure."""
    asked = []

    async def handle(request: Request) -> Response:
        asked.append(await request.body())
        return Response(200, [])

    async def main() -> None:
        async with serving(handle) as (_, port):
            assert (await said(port, raw)).startswith(b"HTTP/1.1 400 Bad Request\r\n")

    run(main)
    assert asked == []


def test_a_broken_body_is_refused() -> None:
    """Whoever waits for it is told."""

    async def main() -> None:
        async with serving() as (_, port):
            raw = await said(port, CHUNKED[:-20], b"zz\r\n")
            assert raw.startswith(b"HTTP/1.1 400 ")
            assert b"The request is no HTTP." in raw

    run(main)


def test_a_head_without_an_end_is_refused() -> None:
    """Instead of filling the memory."""

    async def main() -> None:
        async with serving() as (_, port):
            raw = await said(
                port, b"POST / HTTP/1.1\r\n", *[b"X: " + b"x" * 16384 + b"\r\n"] * (LARGEST_HEAD // 16384 + 1)
            )
            assert raw.startswith(b"HTTP/1.1 431 Request Header Fields Too Large\r\n") or not raw  # it need not read on

    run(main)


@pytest.mark.parametrize("loop", LOOPS)
def test_who_is_refused_while_he_still_sends_has_his_answer(loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    """The rest is taken and dropped: a connection that is closed over it is reset, and the answer lost."""

    async def main() -> None:
        async with serving(refuse) as (_, port):
            head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % 2**24
            raw = await said(port, head, *[b"x" * 65536] * 256)
            assert raw.startswith(b"HTTP/1.1 401 Unauthorized\r\n")
            assert b"\r\nConnection: close\r\n" in raw

    run(main, loop)


def test_the_rest_of_a_refused_body_is_not_waited_for_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection is closed after a while."""
    monkeypatch.setattr(incoming, "REST_SECONDS", 0.1)

    async def main() -> None:
        async with serving(refuse) as (_, port):
            raw = await said(port, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhel")
            assert raw.startswith(b"HTTP/1.1 401 ")

    run(main)


def test_a_body_that_does_not_come_to_its_end_is_not_waited_for_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """And is said to be one; it is not asked for again."""
    monkeypatch.setattr(incoming, "BODY_SECONDS", 0.1)
    monkeypatch.setattr(incoming, "REST_SECONDS", 0.1)

    async def main() -> None:
        async with serving() as (_, port):
            raw = await said(port, SIZED[:-1])
            assert raw.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
            assert b"\r\nx-should-retry: false\r\n" in raw

    run(main)


def test_who_wants_to_know_whether_to_send_his_body_is_told() -> None:
    """As curl does with a long one; one that is too long is refused at once."""

    async def main() -> None:
        async with serving() as (_, port):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(SIZED.replace(b"X-A", b"Expect: 100-continue\r\nX-A")[:-5])
            assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
            writer.write(b"hello")
            assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"
            writer.close()
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 99999999999\r\n\r\n")
            assert (await reader.readline()).startswith(b"HTTP/1.1 413 ")  # its words differ between Pythons
            writer.close()

    run(main)


@pytest.mark.parametrize("behind", [SIZED, b"stray", b"\0"])
@pytest.mark.parametrize("apart", [False, True])
def test_what_stands_behind_a_request_is_no_part_of_any(behind: bytes, apart: bool) -> None:
    """One request is answered, and its connection closed: a client that asks two at once asks the second one again."""
    asked, go = [], asyncio.Event()

    async def handle(request: Request) -> Response:
        asked.append(request.path)
        await go.wait()
        return await echo(request)

    async def main() -> None:
        async with serving(handle) as (_, port):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(CHUNKED if apart else CHUNKED + behind)
            while not asked:
                await asyncio.sleep(0)
            if apart:
                writer.write(behind)
                await asyncio.sleep(0.01)  # it is there before the answer; nothing tells that from here
            go.set()
            raw = await asyncio.wait_for(reader.read(), 20)
            assert bodies(raw) == [b"POST /p q=1 b hello"]
            writer.close()

    run(main)
    assert asked == ["/p"]


@pytest.mark.parametrize("trailer", [b"X: " + b"x" * 1000 + b"\r\n", b"x" * 1003])
@pytest.mark.parametrize("refused", [False, True])
def test_headers_behind_a_body_have_an_end(trailer: bytes, refused: bool) -> None:
    """Many short ones, one without an end, and behind an answer too: memory is for who has a token."""

    async def main() -> None:
        async with serving(refuse if refused else echo) as (_, port):
            raw = await asyncio.wait_for(said(port, CHUNKED[:-2], *[trailer] * (LARGEST_HEAD // 500)), 5)
            assert raw.startswith(b"HTTP/1.1 401 " if refused else b"HTTP/1.1 431 ") or not raw

    run(main)


def test_tiny_chunks_are_no_headers() -> None:
    """What frames them is several times as long as they are."""
    body = b"x" * LARGEST_HEAD * 2
    raw = b"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"

    async def length(request: Request) -> Response:
        return Response(200, [], str(len(await request.body())).encode())

    async def main() -> None:
        async with serving(length) as (_, port):
            assert bodies(await said(port, raw, b"0001\r\nx\r\n" * len(body), b"0\r\n\r\n")) == [b"%d" % len(body)]

    run(main)


def test_headers_behind_a_body_are_none() -> None:
    """A trailer could not be told from what the guard has looked at."""
    trailed = CHUNKED[:-2] + b"X-A: other\r\nX-B: c\r\n\r\n"
    headers: list[tuple[str, str]] = []

    async def handle(request: Request) -> Response:
        await request.body()
        headers.extend(request.headers)
        return Response(200, [])

    async def main() -> None:
        async with serving(handle) as (_, port):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(trailed)
            assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"
            writer.close()

    run(main)
    assert headers == [("Host", "a"), ("X-A", "b"), ("Transfer-Encoding", "chunked")]


async def streamed(request: Request) -> Response:
    """Answer in pieces, whole or not, with or without a length."""
    client, head = request.client, Response(200, [("Content-Length", "10")] if "sized" in request.query else [])
    client.begin(head)
    await client.send(b"hello")
    if "cut" in request.query:
        client.cut()
    elif "forget" not in request.query:
        await client.send(b"world")
        client.end()
    return head


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
@pytest.mark.parametrize("how", [b"whole", b"cut", b"forget"])
@pytest.mark.parametrize("length", [b"", b"sized"])
def test_an_answer_in_pieces_that_is_not_whole_never_looks_so(
    loop: Callable[[], asyncio.AbstractEventLoop], version: bytes, how: bytes, length: bytes
) -> None:
    """By chunks, by length; and where only the end of the connection is its end, by a reset."""

    async def main() -> None:
        async with serving(streamed) as (_, port):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET /?%b%b HTTP/%b\r\nHost: a\r\nConnection: close\r\n\r\n" % (how, length, version))
            reset = False
            raw = b""
            try:
                while data := await asyncio.wait_for(reader.read(65536), 20):
                    raw += data
            except ConnectionResetError:
                reset = True
            head, _, body = raw.partition(b"\r\n\r\n")
            if length:
                whole = body == b"helloworld"
            elif version == b"1.1":
                assert b"Transfer-Encoding: chunked" in head
                whole = body == b"5\r\nhello\r\n5\r\nworld\r\n0\r\n\r\n"
            else:
                assert b"chunked" not in head
                whole = body == b"helloworld" and not reset
                assert whole or reset
            assert whole is (how == b"whole")
            writer.close()

    run(main, loop)


def test_the_head_of_an_answer_comes_before_its_first_piece() -> None:
    """And each piece at once; head and reason are the upstream's."""
    more = asyncio.Event()

    async def handle(request: Request) -> Response:
        head = Response(200, [("X-A", "b")], reason="Fine")
        request.client.begin(head)
        await more.wait()
        await request.client.send(b"hello")
        request.client.end()
        return head

    async def main() -> None:
        async with serving(handle) as (_, port):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(SIZED)
            head = await reader.readuntil(b"\r\n\r\n")
            assert head == b"HTTP/1.1 200 Fine\r\nX-A: b\r\nTransfer-Encoding: chunked\r\n\r\n"
            more.set()
            assert await reader.readuntil(b"0\r\n\r\n") == b"5\r\nhello\r\n0\r\n\r\n"
            writer.close()

    run(main)


def test_an_old_client_is_answered() -> None:
    """And its connection closed."""

    async def main() -> None:
        async with serving() as (_, port):
            answer = await said(port, b"GET /a HTTP/1.0\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
            assert b"\r\nConnection: close\r\n" in answer

    run(main)


@pytest.mark.parametrize("raw", [SIZED, CHUNKED])
def test_who_wants_to_speak_another_protocol_is_told(raw: bytes) -> None:
    """The parser would take the body for that, and the request look as if it had none."""

    async def main() -> None:
        async with serving() as (_, port):
            answer = await said(port, raw.replace(b"X-A", b"Connection: Upgrade\r\nUpgrade: h2c\r\nX-A"))
            assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
            assert b"speaks HTTP/1.1 only" in answer

    run(main)


def test_who_asks_for_a_head_gets_no_body() -> None:
    """With the length it would have."""

    async def main() -> None:
        async with serving() as (_, port):
            raw = await said(port, b"HEAD /a HTTP/1.1\r\nHost: a\r\n\r\n")
            assert raw.endswith(b"\r\nContent-Length: 10\r\nConnection: close\r\n\r\n")

    run(main)


@pytest.mark.parametrize("loop", LOOPS)
def test_an_answer_waits_for_a_client_that_reads_slowly(loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    """Little of it is in memory, and all of it arrives."""
    piece, pieces, sent = b"x" * 65536, 400, 0

    async def handle(request: Request) -> Response:
        nonlocal sent
        head = Response(200, [("Content-Length", str(len(piece) * pieces))])
        request.client.begin(head)
        for _ in range(pieces):
            await request.client.send(piece)
            sent += 1
        request.client.end()
        return head

    async def main() -> None:
        async with serving(handle) as (_, port):
            with socket.create_connection(("127.0.0.1", port)) as client:
                client.setblocking(False)
                loop = asyncio.get_running_loop()
                await loop.sock_sendall(client, LAST)
                before = -1
                while before != sent:  # until it goes no further
                    before = sent
                    await asyncio.sleep(0.05)
                assert sent < pieces / 2
                received = 0
                while data := await asyncio.wait_for(loop.sock_recv(client, 2**20), 20):
                    received += len(data)
            assert sent == pieces
            assert received > len(piece) * pieces

    run(main, loop)


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("when", ["body", "thinking", "full"])
def test_what_is_done_for_a_client_that_has_gone_ends(loop: Callable[[], asyncio.AbstractEventLoop], when: str) -> None:
    """While its body is waited for, while nobody says anything, and while it does not read."""
    begun, ended = asyncio.Event(), asyncio.Event()

    async def handle(request: Request) -> Response:
        begun.set()
        try:
            if when == "body":
                await request.body()
            if when == "full":
                request.client.begin(Response(200, []))
                while True:
                    await request.client.send(b"x" * 65536)
            await asyncio.sleep(60)
        finally:
            ended.set()
        raise AssertionError

    async def main() -> None:
        async with serving(handle) as (_, port):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(SIZED[:-1] if when == "body" else SIZED)
            await asyncio.wait_for(begun.wait(), 20)
            writer.transport.abort()
            await asyncio.wait_for(ended.wait(), 20)

    run(main, loop)


@pytest.mark.parametrize("loop", LOOPS)
def test_at_the_end_running_answers_end_and_idle_connections_are_closed(
    loop: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    """The one that runs says that its connection ends with it."""
    go = asyncio.Event()

    async def handle(request: Request) -> Response:
        if request.path == "/p":
            await go.wait()
        return await echo(request)

    async def main() -> None:
        async with serving(handle) as (clients, port):
            idle, idle_writer = await asyncio.open_connection("127.0.0.1", port)
            idle_writer.write(LAST.replace(b"Connection: close\r\n", b""))
            await idle.readuntil(b"\r\n\r\nGET /last   ")
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(SIZED)
            await asyncio.sleep(0.01)
            closing = asyncio.ensure_future(clients.close())
            assert await asyncio.wait_for(idle.read(), 20) == b""
            with pytest.raises(ConnectionError):
                await asyncio.open_connection("127.0.0.1", port)
            go.set()
            raw = await asyncio.wait_for(reader.read(), 20)
            assert b"\r\nConnection: close\r\n" in raw
            assert raw.endswith(b"POST /p q=1 b hello")
            await closing
            for each in (writer, idle_writer):
                each.close()

    run(main, loop)


def test_at_the_end_nobody_is_waited_for_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """What still runs is cut."""
    monkeypatch.setattr(incoming, "SHUTDOWN_SECONDS", 0.1)

    async def handle(request: Request) -> Response:
        request.client.begin(Response(200, []))
        await asyncio.sleep(60)
        raise AssertionError

    async def main() -> None:
        async with serving(handle) as (clients, port):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(SIZED)
            await reader.readuntil(b"\r\n\r\n")
            await clients.close()
            with contextlib.suppress(ConnectionError):
                assert await asyncio.wait_for(reader.read(), 20) == b""
            writer.close()

    run(main)


@pytest.mark.parametrize("loop", LOOPS)
def test_a_connection_is_kept_for_as_long_as_it_is_asked(
    monkeypatch: pytest.MonkeyPatch, loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    """An answer may take longer than a connection may be idle; then its time begins anew."""
    monkeypatch.setattr(incoming, "IDLE_SECONDS", 0.2)

    async def handle(request: Request) -> Response:
        await asyncio.sleep(0.5)
        return await echo(request)

    async def main() -> None:
        async with serving(handle) as (_, port):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            for _ in range(2):
                writer.write(SIZED)
                await reader.readuntil(b"POST /p q=1 b hello")
            assert await asyncio.wait_for(reader.read(), 20) == b""
            writer.close()

    run(main, loop)


@pytest.mark.parametrize("loop", LOOPS)
def test_a_connection_is_kept_while_its_answer_is_read(
    monkeypatch: pytest.MonkeyPatch, loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    """However slowly."""
    monkeypatch.setattr(incoming, "IDLE_SECONDS", 0.05)
    length = 2**24

    async def handle(request: Request) -> Response:
        return Response(200, [], b"x" * length)

    async def main() -> None:
        async with serving(handle) as (_, port):
            reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**16)
            writer.write(LAST)
            await reader.readuntil(b"\r\n\r\n")
            await asyncio.sleep(0.3)  # several times as long as it may be idle
            assert len(await asyncio.wait_for(reader.readexactly(length), 20)) == length
            writer.close()

    run(main, loop)


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("raw", [SIZED.replace(b"X-A", b"Connection: close\r\nX-A"), SIZED])
def test_a_request_is_forgotten_with_its_connection(loop: Callable[[], asyncio.AbstractEventLoop], raw: bytes) -> None:
    """Not only when Python looks for circles: its body may be long. Whether it was answered or its client went."""
    seen: list[weakref.ref[Request]] = []

    async def handle(request: Request) -> Response:
        seen.append(weakref.ref(request))
        await request.body()
        if raw == SIZED:
            await asyncio.sleep(60)
        return Response(200, [])

    async def main() -> None:
        async with serving(handle) as (clients, port):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(raw)
            while not seen:
                await asyncio.sleep(0)
            if raw == SIZED:
                writer.transport.abort()
            else:
                await asyncio.wait_for(reader.read(), 20)
            writer.close()
            await asyncio.wait_for(clients.close(), 20)
            await asyncio.sleep(0.01)  # in which what was cancelled ends
            assert [each() for each in seen] == [None]

    gc.disable()
    try:
        run(main, loop)
    finally:
        gc.enable()


def test_a_bug_in_what_answers_closes_the_connection_and_is_told() -> None:
    """Instead of leaving a client without an answer."""

    async def handle(request: Request) -> Response:
        raise ZeroDivisionError

    async def main() -> None:
        async with serving(handle, may_fail="ZeroDivisionError()") as (_, port):
            assert await said(port, SIZED) == b""

    run(main)


@pytest.mark.parametrize("header", [b"X-A: b \t", b"X-A:b"])
def test_blanks_around_a_header_are_no_part_of_it(header: bytes) -> None:
    """RFC 9110, section 5.5."""

    async def main() -> None:
        async with serving() as (_, port):
            raw = await said(port, LAST.replace(b"Host: a", b"Host: a\r\n" + header))
            assert bodies(raw) == [b"GET /last  b "]

    run(main)


def test_a_length_may_begin_with_zeros() -> None:
    """As many as a head has room for."""

    async def main() -> None:
        async with serving() as (_, port):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(SIZED.replace(b"Length: 5", b"Length: " + b"0" * 5000 + b"5")[:-1])
            await asyncio.sleep(0.01)
            writer.write(b"o")
            assert await reader.readline() == b"HTTP/1.1 200 OK\r\n"
            writer.close()

    run(main)
