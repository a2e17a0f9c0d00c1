"""A provider or a program on this machine that means harm, or is only broken, costs little and is named."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from support.gateway import Pin, RunningGateway, Upstream, error, replying, route, send_chunk, start_stream
from support.messages_server import Handler, Request

from llmswitch.gateway import incoming
from llmswitch.gateway.guard import Guard
from llmswitch.gateway.incoming import Incoming
from llmswitch.gateway.server import Server

KEY = "sk-test-haiku-0123456789abcdef0123456789"
BODY = {"model": "haiku-model", "max_tokens": 5, "messages": [{"role": "user", "content": "hi"}]}
FORMATS = ("anthropic", "openai")


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    """One gateway for these tests."""
    with RunningGateway(tmp_path_factory.mktemp("gw"), {"haiku": KEY}) as running:
        yield running


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    """A fake provider."""
    with Upstream() as running:
        yield running


def pin_of(gateway: RunningGateway, upstream: Upstream, protocol: str) -> Pin:
    """Return a pin whose one slot lives there."""
    return gateway.routes(**{"haiku-model": route(upstream, protocol=protocol)})


def memory(gateway: RunningGateway) -> float:
    """Return the most memory that it ever had, in MiB."""
    rows = Path(f"/proc/{gateway.pid}/status").read_text().splitlines()
    return next(int(row.split()[1]) for row in rows if row.startswith("VmHWM:")) / 1024


def test_an_answer_that_unpacks_to_more_than_there_is_room_for_is_broken_off(
    gateway: RunningGateway, upstream: Upstream
) -> None:
    """300 MB in 300 KB, whole and as a stream of one line."""
    packed = gzip.compress(b" " * 300_000_000, 1)
    for mime in ("application/json", "text/event-stream"):
        upstream.behaviour = replying(200, packed, {"Content-Encoding": "gzip", "Content-Type": mime})
        reply = pin_of(gateway, upstream, "openai").post({**BODY, "stream": mime.startswith("text")})
        assert reply.status == 502
        assert "more than" in reply.message
        assert "(slot haiku)" in reply.message
    assert memory(gateway) < 400


def test_a_line_without_an_end_is_broken_off(gateway: RunningGateway, upstream: Upstream) -> None:
    """And said to be one."""

    def stream(handler: Handler, request: Request) -> bool:
        start_stream(handler)
        try:
            for _ in range(100):
                send_chunk(handler, b"x" * 1024 * 1024)
        except OSError:
            handler.close_connection = True
        return True

    upstream.behaviour = stream
    reply = pin_of(gateway, upstream, "openai").post({**BODY, "stream": True})
    assert (reply.status, "sent a line of more than 32 MiB" in reply.message) == (502, True)


@pytest.mark.parametrize("protocol", FORMATS)
@pytest.mark.parametrize(
    ("status", "body", "mime", "said"),
    [
        (204, b"", "application/json", "answered 204 without a message"),
        (200, b"<html>Sign in</html>", "text/html", "answered 200 with a web page"),
    ],
)
def test_an_answer_that_is_none_is_named(
    gateway: RunningGateway, upstream: Upstream, protocol: str, status: int, body: bytes, mime: str, said: str
) -> None:
    """As what it is; the base URL may be wrong."""
    upstream.behaviour = replying(status, body, {"Content-Type": mime})
    reply = pin_of(gateway, upstream, protocol).post(BODY)
    assert (reply.status, said in reply.message) == (502, True), reply.message


@pytest.mark.parametrize(
    "body", [b"plain words", b"[]", b'{"choices": []}', b'{"choices": [{"message": 5}]}', b"1e999"]
)
def test_an_answer_of_another_shape_is_named(gateway: RunningGateway, upstream: Upstream, body: bytes) -> None:
    """Not as a host that cannot be reached."""
    upstream.behaviour = replying(200, body)
    reply = pin_of(gateway, upstream, "openai").post(BODY)
    assert reply.status == 502
    assert "cannot be reached" not in reply.message


@pytest.mark.parametrize("protocol", FORMATS)
@pytest.mark.parametrize("status", [400, 401, 403, 429, 500])
def test_a_key_that_an_upstream_repeats_stays_here(
    gateway: RunningGateway, upstream: Upstream, status: int, protocol: str
) -> None:
    """In body and headers, packed or not."""
    for packing in (False, True):
        body = json.dumps(error("api_error", f"no: {KEY}!")).encode()
        headers = {"x-request-id": f"r-{KEY}", **({"Content-Encoding": "gzip"} if packing else {})}
        upstream.behaviour = replying(status, gzip.compress(body) if packing else body, headers)
        reply = pin_of(gateway, upstream, protocol).post(BODY)
        assert reply.status == status
        assert KEY.encode() not in reply.body
        assert KEY not in json.dumps(reply.headers)
        assert b"no: " in reply.body
    assert KEY not in gateway.log.read_text()


def test_a_refusal_is_remembered_whether_401_or_403(gateway: RunningGateway, upstream: Upstream) -> None:
    """The client asks again at once: the provider is asked once."""
    upstream.behaviour = replying(403, error("permission_error", "no"))
    pin = pin_of(gateway, upstream, "anthropic")
    assert [pin.post(BODY).status for _ in range(3)] == [403, 403, 403]
    assert len(upstream.requests) == 1


def test_the_rest_of_a_long_refusal_is_not_read(gateway: RunningGateway, upstream: Upstream) -> None:
    """The client gets its answer while the provider still sends."""

    def endless(handler: Handler, request: Request) -> bool:
        handler.send_response(401)
        handler.send_header("Content-Length", str(10**9))
        handler.end_headers()
        try:
            while True:
                handler.wfile.write(b"x" * 65536)
        except OSError:
            handler.close_connection = True
        return True

    upstream.behaviour = endless
    assert pin_of(gateway, upstream, "anthropic").post(BODY).status == 401


@pytest.mark.parametrize(
    "raw", [b"GET / HTTP/1.1\r\nX: a\r\n b: \x00\r\n\r\n", b"\x16\x03\x01\r\n\r\n", b"POST /w HTTP/9.9\r\n\r\n",
            b"POST / HTTP/1.1\r\nContent-Length: x\r\nAuthorization: Bearer TOKEN\r\n\r\n"],
)  # fmt: skip
def test_nothing_of_a_broken_request_is_in_the_log(gateway: RunningGateway, raw: bytes) -> None:
    """No traceback, no header, no token."""
    before = gateway.log.read_text()
    with socket.create_connection(("127.0.0.1", gateway.port), 20) as connection:
        connection.sendall(raw)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass
    assert gateway.log.read_text() == before


@asynccontextmanager
async def refusing(most: int = 100) -> AsyncIterator[int]:
    """Serve, in this process, who refuses everybody; yield the port."""
    server = Server(cast(Any, None), cast(Any, None), Guard(b"x" * 32, 1), cast(Any, None))
    clients = Incoming(server.handle, most)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        await clients.listen(listening)
        yield int(listening.getsockname()[1])
        await clients.close()


@pytest.mark.parametrize("begin", [b"", b"POST /w HTT", b"POST /w/1 HTTP/1.1\r\nHost: a\r\nX: "])
def test_half_a_head_does_not_keep_a_connection(monkeypatch: pytest.MonkeyPatch, begin: bytes) -> None:
    """Nor does one that says nothing; who asked in time has his answer."""
    monkeypatch.setattr(incoming, "IDLE_SECONDS", 0.3)

    async def main() -> None:
        async with refusing() as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(begin)
            assert await asyncio.wait_for(reader.read(), 20) == b""
            writer.close()
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"POST /w/1 HTTP/1.1\r\nHost: a\r\n\r\n")
            assert b" 403 " in await asyncio.wait_for(reader.readline(), 20)
            writer.close()

    asyncio.run(main())


def test_more_connections_than_there_is_room_for_are_closed() -> None:
    """And taken again when others have gone."""

    async def main() -> None:
        async with refusing(most=3) as port:
            taken = []
            for _ in range(3):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(b"POST / HTTP/1.1\r\nHost: a\r\n\r\n")
                assert b" 403 " in await reader.readline()
                taken.append(writer)
            with contextlib.suppress(ConnectionError):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                assert await asyncio.wait_for(reader.read(), 20) == b""
            writer.close()
            taken.pop().close()
            line = b""
            while b" 403 " not in line:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                with contextlib.suppress(ConnectionError):
                    writer.write(b"POST / HTTP/1.1\r\nHost: a\r\n\r\n")
                    line = await asyncio.wait_for(reader.readline(), 20)
                taken.append(writer)
            for each in taken:
                each.close()

    asyncio.run(main())


@pytest.mark.parametrize("protocol", FORMATS)
def test_a_change_to_another_protocol_is_no_answer(gateway: RunningGateway, upstream: Upstream, protocol: str) -> None:
    """A 101 is named as that."""

    def switch(handler: Handler, request: Request) -> bool:
        handler.wfile.write(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nwhatever")
        handler.close_connection = True
        return True

    upstream.behaviour = switch
    reply = pin_of(gateway, upstream, protocol).post(BODY)
    assert (reply.status, "answered 101 without a message" in reply.message) == (502, True), reply.message


@pytest.mark.parametrize("protocol", FORMATS)
@pytest.mark.parametrize("status", [200, 400, 401])
def test_a_header_with_control_characters_reaches_no_client(
    gateway: RunningGateway, upstream: Upstream, protocol: str, status: int
) -> None:
    """It is left out; the answer, whatever it is, comes."""
    bad = {"X-Bad": "a\x01b", "Request-Id": "\x1b[2J", "Retry-After": "1\x7f", "X-Good": "good", "X-Wide": "\xff"}
    good = {"choices": [{"message": {"content": "hi"}, "finish_reason": "stop"}]}
    upstream.behaviour = replying(status, good if status == 200 else error("api_error", "no"), bad)
    reply = pin_of(gateway, upstream, protocol).post(BODY)
    assert reply.status == status
    assert not {"x-bad", "request-id", "retry-after"} & reply.headers.keys()
    assert reply.headers.get("x-good") == ("good" if protocol == "anthropic" or status == 401 else None)


@pytest.mark.parametrize("char", ["\x00", "\x01", "\x0b", "\x1b", "\x7f", "\r", "\n"])
def test_a_clients_header_with_a_control_character_is_refused(
    gateway: RunningGateway, upstream: Upstream, char: str
) -> None:
    """Or makes two, of which the upstream gets no credential; it is never asked with one that holds it."""
    pin = pin_of(gateway, upstream, "anthropic")
    body = json.dumps(BODY).encode()
    lines = [f"POST {pin.path} HTTP/1.1", f"Host: 127.0.0.1:{gateway.port}", f"x-api-key: {pin.token}",
             f"X-Custom: a{char}Cookie: b", "Connection: close", f"Content-Length: {len(body)}\r\n\r\n"]  # fmt: skip
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=20) as connection:
        connection.sendall("\r\n".join(lines).encode("latin-1") + body)
        with connection.makefile("rb") as stream:
            status = int(stream.read().split(maxsplit=2)[1])
    sent = {name.lower(): text for each in upstream.requests for name, text in each.headers.items()}
    assert (status, upstream.requests) == (400, []) or (status, char) == (200, "\n"), sent
    assert "cookie" not in sent
    assert char not in sent.get("x-custom", "")
