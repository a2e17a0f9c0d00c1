"""Connections to upstreams: kept, tunnelled, and never taken for whole where they broke off."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import resource
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import uvloop
from conftest import require
from support.programs import absent

from llmswitch.gateway.outgoing import (
    LARGEST_HEAD,
    MOST_WAITING,
    Answer,
    BrokenOff,
    Outgoing,
    Place,
    Unreachable,
    place_of,
)

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; x=y\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"
SIZED = HEAD + b"Content-Length: 11\r\n\r\nhello world"


class Server:
    """A server of this test's own: how often it was connected to and what it was sent."""

    def __init__(self) -> None:
        self.connections = 0
        self.heads: list[bytes] = []
        self.url = ""


@asynccontextmanager
async def serving(serve: Serve, tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    """Serve on loopback."""
    made, tasks = Server(), set[asyncio.Task[None] | None]()

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        made.connections += 1
        tasks.add(asyncio.current_task())
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                made.heads.append(head)
                if head.startswith(b"POST"):
                    await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].split()[0]))
                await serve(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            await _close(writer)

    async with await asyncio.start_server(one, "127.0.0.1", 0, ssl=tls) as server:
        made.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield made
        await asyncio.gather(*(task for task in tasks if task))


@asynccontextmanager
async def outgoing() -> AsyncIterator[Outgoing]:
    """Yield what asks, and close what it kept."""
    out = Outgoing()
    yield out
    out.close()
    await asyncio.sleep(0)  # in which a transport closes


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    try:
        await writer.wait_closed()
    except (ConnectionError, ssl.SSLError):
        pass


def saying(*pieces: bytes, close: bool = False) -> Serve:
    """Return what answers with these pieces."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
        if close:
            raise ConnectionError

    return serve


def run(main: Coroutine[None, None, None]) -> None:
    """Run on the loop that the gateway has."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main)


async def ask(out: Outgoing, url: str) -> tuple[Answer, bytes]:
    """Ask once and return the answer and its body."""
    place, path = place_of(url)
    answer = await out.post(place, path + "/v1", [("A", "b")], b"body")
    try:
        return answer, b"".join([piece async for piece in answer])
    finally:
        answer.close()


@pytest.mark.parametrize("raw", [CHUNKED, SIZED])
def test_an_answer_may_come_byte_by_byte_and_its_connection_is_kept(raw: bytes) -> None:
    """Three questions, one connection."""

    async def main() -> None:
        async with serving(saying(*(raw[at : at + 1] for at in range(len(raw))))) as server, outgoing() as out:
            for _ in range(3):
                answer, body = await ask(out, server.url)
                assert (answer.status, answer.reason, answer.content_type, body) == (
                    200, "OK", "text/plain", b"hello world",
                )  # fmt: skip
            assert server.connections == 1
            assert b"\r\nA: b\r\nContent-Length: 4\r\n" in server.heads[0]

    run(main())


def test_words_ahead_of_an_answer_are_no_answer() -> None:
    """100 and 103 are left out; 101, which is the last word in HTTP, is said."""

    async def main() -> None:
        ahead = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
        async with serving(saying(ahead + SIZED)) as server, outgoing() as out:
            answer, body = await ask(out, server.url)
            assert (answer.status, body, answer.header("link")) == (200, b"hello world", "")
        switched = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nno HTTP"
        async with serving(saying(switched, close=True)) as server, outgoing() as out:
            assert [(await ask(out, server.url))[0].status for _ in range(2)] == [101, 101]
            assert server.connections == 2

    run(main())


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (SIZED[:-1], BrokenOff), (CHUNKED[:-5], BrokenOff), (CHUNKED[:-20], BrokenOff), (b"", Unreachable),
        (HEAD, Unreachable), (b"SSH-2.0-x\r\n", Unreachable), (HEAD + b"X: " + b"x" * LARGEST_HEAD * 2, Unreachable),
        (CHUNKED.replace(b"6\r\n", b"zz\r\n"), BrokenOff),
    ],
)  # fmt: skip
def test_what_breaks_off_is_never_whole(raw: bytes, said: type[Exception]) -> None:
    """Nor what is no HTTP."""

    async def main() -> None:
        async with serving(saying(raw, close=True)) as server, outgoing() as out:
            with pytest.raises(said):
                await ask(out, server.url)

    run(main())


def test_an_answer_without_a_length_ends_with_its_connection() -> None:
    """As HTTP/1.0 servers do it; that connection is not kept."""

    async def main() -> None:
        async with serving(saying(HEAD + b"\r\nhello ", b"world", close=True)) as server, outgoing() as out:
            assert [(await ask(out, server.url))[1] for _ in range(2)] == [b"hello world"] * 2
            assert server.connections == 2

    run(main())


def test_a_connection_on_which_more_comes_than_was_asked_for_is_not_used_again() -> None:
    """The next answer would be somebody else's."""

    async def main() -> None:
        async with serving(saying(SIZED + SIZED.replace(b"hello", b"HELLO"))) as server, outgoing() as out:
            assert [(await ask(out, server.url))[1] for _ in range(2)] == [b"hello world"] * 2
            assert server.connections == 2

    run(main())


@pytest.mark.parametrize("stray", [b"HTTP/1.1 404 Not Found\r\n\r\nno", b"stray", b"\0\0", b"5\r\n"])
@pytest.mark.parametrize("answer", [SIZED, CHUNKED])
def test_what_stands_behind_a_whole_answer_is_no_part_of_any(answer: bytes, stray: bytes) -> None:
    """The answer is taken, and its connection is not."""

    async def main() -> None:
        async with serving(saying(answer + stray)) as server, outgoing() as out:
            for _ in range(2):
                given, body = await ask(out, server.url)
                assert (given.status, body) == (200, b"hello world")
            assert server.connections == 2

    run(main())


def test_what_comes_late_behind_a_whole_answer_is_no_part_of_the_next() -> None:
    """Where it is there before the next question."""

    async def main() -> None:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(SIZED)
            await taken.wait()
            writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno")
            sent.set()
            assert not await reader.read(1)  # it is closed, and asked nothing
            raise ConnectionError

        taken, sent = asyncio.Event(), asyncio.Event()
        async with serving(serve) as server, outgoing() as out:
            for _ in range(2):
                given, body = await ask(out, server.url)
                assert (given.status, body) == (200, b"hello world")
                taken.set()
                await sent.wait()
            assert server.connections == 2

    run(main())


def test_a_coding_that_says_no_end_ends_with_the_connection() -> None:
    """Which is what `identity` means, where an old server writes it; with a length beside it, it is no HTTP."""
    identity = HEAD + b"Transfer-Encoding: identity\r\n"

    async def main() -> None:
        async with serving(saying(identity + b"\r\nhello ", b"world", close=True)) as server, outgoing() as out:
            assert [(await ask(out, server.url))[1] for _ in range(2)] == [b"hello world"] * 2
            assert server.connections == 2
        async with serving(saying(identity + b"Content-Length: 11\r\n\r\nhello world")) as server, outgoing() as out:
            for _ in range(2):
                with pytest.raises(Unreachable, match="no HTTP"):
                    await ask(out, server.url)
            assert server.connections == 2

    run(main())


def test_a_header_with_a_control_character_is_none() -> None:
    """The client could read it as two; the answer's reason neither."""
    raw = SIZED.replace(b"OK\r\n", b"O\x1bK\r\nX-A: a\x01b\r\nX-B: \x7f\r\nX-C: a\0b\r\nX-D: a\tb\r\n")

    async def main() -> None:
        async with serving(saying(raw)) as server, outgoing() as out:
            answer, body = await ask(out, server.url)
            assert [name for name, _ in answer.headers] == ["X-D", "Content-Type", "Content-Length"]
            assert (answer.reason, body) == ("", b"hello world")
            assert len([(await ask(out, server.url))[0] for _ in range(2)]) == 2
            assert server.connections == 1

    run(main())


@pytest.mark.parametrize(
    "proxy", ["proxy:3128", "10.0.0.1:3128", "proxy", "http://", "http://[::1", "http://h:x", "http://h:99999", "socks5://h:1"]
)  # fmt: skip
def test_a_proxy_that_is_none_is_named(proxy: str) -> None:
    """By its variable, and as nothing that its host or its key did; it may hold a password, which is not shown."""

    async def main() -> None:
        async with outgoing() as out:
            with pytest.raises(Unreachable, match=r"^HTTPS_PROXY must be http://HOST:PORT; [a-z ]+$"):
                await out.post(Place("there.invalid", 443, True, proxy), "/v1", [], b"")

    run(main())


def test_what_a_proxy_does_is_not_said_of_the_host_behind_it() -> None:
    """Its name, its port, and its goodbye."""

    async def main() -> None:
        async with serving(saying(b"", close=True)) as closing, outgoing() as out:
            for proxy, said in [
                ("http://there.invalid:1", "there.invalid: its name cannot be resolved"),
                ("http://127.0.0.1:1", "127.0.0.1: cannot connect (Connection refused)"),
                (closing.url, "127.0.0.1: it closed the connection"),
            ]:
                with pytest.raises(Unreachable) as refused:
                    await out.post(Place("host.invalid", 443, True, proxy), "/v1", [], b"")
                assert str(refused.value) == f"the proxy {said}"

    run(main())


@pytest.mark.parametrize("factory", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_no_reason_is_empty(factory: Callable[[], asyncio.AbstractEventLoop]) -> None:
    """A host that hangs up in the middle of TLS says nothing, and its error has no text."""

    async def main() -> None:
        async def close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(1)
            await _close(writer)

        async with await asyncio.start_server(close, "127.0.0.1", 0) as server, outgoing() as out:
            with pytest.raises(Unreachable, match=r"^it closed the connection$"):
                await out.post(Place("127.0.0.1", server.sockets[0].getsockname()[1], True), "/v1", [], b"")

    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(main())


def test_a_connection_that_was_closed_meanwhile_is_not_used_again() -> None:
    """The question goes out on a new one."""

    async def main() -> None:
        async with serving(saying(SIZED, close=True)) as server, outgoing() as out:
            for _ in range(3):
                assert (await ask(out, server.url))[1] == b"hello world"
                await asyncio.sleep(0.01)
            assert server.connections == 3

    run(main())


def test_an_upstream_waits_for_a_client_that_reads_slowly() -> None:
    """Little of a long answer is in memory."""
    length = 64 * MOST_WAITING

    async def main() -> None:
        sent = 0

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal sent
            writer.write(HEAD + b"Content-Length: %d\r\n\r\n" % length)
            while sent < length:
                writer.write(b"x" * 65536)
                sent += 65536
                await writer.drain()

        async with serving(serve) as server, outgoing() as out:
            place, path = place_of(server.url)
            answer = await out.post(place, path, [], b"")
            before = -1
            while before < sent:  # until it has come to rest
                before = sent
                await asyncio.sleep(0.05)
            assert sent < length
            assert len(b"".join([piece async for piece in answer])) == length

    run(main())


def test_a_connection_whose_answer_was_left_unread_for_long_can_be_asked_again() -> None:
    """The upstream had to wait, and need not any more."""
    long = HEAD + b"Content-Length: %d\r\n\r\n" % (2 * MOST_WAITING) + b"x" * 2 * MOST_WAITING

    async def main() -> None:
        async with serving(saying(long)) as server, outgoing() as out:
            for _ in range(3):
                async with asyncio.timeout(20):
                    assert len((await ask(out, server.url))[1]) == 2 * MOST_WAITING
            assert server.connections == 1

    run(main())


def test_no_header_makes_two() -> None:
    """A key with a line's end or another control character in it is not sent."""

    async def main() -> None:
        place, path = place_of("http://127.0.0.1:9")
        for between in ("\r\n", "\n", "\r", "\0", "\x01", "\x1b", "\x7f"):
            with pytest.raises(ValueError, match=r"^$"):
                await Outgoing().post(place, path, [("Authorization", f"Bearer a{between}X: y")], b"")

    run(main())


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A certificate for 127.0.0.1 and `there.invalid` that SSL_CERT_FILE makes one to trust."""
    require(absent("openssl"))
    files = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1,DNS:there.invalid",
         "-keyout", files[0], "-out", files[1]], check=True, capture_output=True,
    )  # fmt: skip
    monkeypatch.setenv("SSL_CERT_FILE", str(files[1]))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(files[1], files[0])
    return context


def test_a_certificate_is_always_checked(certificate: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch) -> None:
    """And SSL_CERT_FILE names more that are trusted."""

    async def main() -> None:
        async with serving(saying(SIZED), certificate) as server, outgoing() as out:
            assert [(await ask(out, server.url))[1] for _ in range(2)] == [b"hello world"] * 2
            assert server.connections == 1
            monkeypatch.delenv("SSL_CERT_FILE")
            async with outgoing() as other:
                with pytest.raises(Unreachable, match="its certificate is not valid"):
                    await ask(other, server.url)

    run(main())


def test_a_proxy_sees_a_hosts_name_and_nothing_else(
    certificate: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is asked with its own password; a refusal is told."""
    asked: list[bytes] = []
    way: dict[str, int] = {}
    tunnels = set[asyncio.Task[None] | None]()

    async def tunnel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tunnels.add(asyncio.current_task())
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        if way:
            there_in, there_out = await asyncio.open_connection("127.0.0.1", way.pop("port"))
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await asyncio.gather(_copy(reader, there_out), _copy(there_in, writer))
        else:
            writer.write(b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n")
            await _close(writer)

    async def main() -> None:
        async with (
            serving(saying(SIZED), certificate) as server,
            await asyncio.start_server(tunnel, "127.0.0.1") as at,
            outgoing() as out,
        ):
            port = way["port"] = int(server.url.rpartition(":")[2])
            proxy = f"http://me:p%20w@127.0.0.1:{at.sockets[0].getsockname()[1]}"
            monkeypatch.setenv("https_proxy", proxy)
            url = f"https://there.invalid:{port}"
            assert (await ask(out, url))[1] == b"hello world"
            out.close()
            await asyncio.gather(*(task for task in tunnels if task))
            with pytest.raises(Unreachable, match=r"the proxy 127\.0\.0\.1 answered 407"):
                await ask(out, url)
        password = base64.b64encode(b"me:p w").decode()
        lines = f"CONNECT there.invalid:{port} HTTP/1.1\r\nHost: there.invalid:{port}\r\n"
        assert asked == [f"{lines}Proxy-Authorization: Basic {password}\r\n\r\n".encode()] * 2
        assert server.heads[0].startswith(f"POST /v1 HTTP/1.1\r\nHost: there.invalid:{port}\r\n".encode())

    for name in ("HTTPS_PROXY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    place_of.cache_clear()
    run(main())


@pytest.mark.parametrize("said", [b"503 Service Unavailable", b"302 Found", b"407 No"])
def test_a_proxy_that_refuses_a_tunnel_and_stays_is_not_shown_the_next_request(said: bytes) -> None:
    """It is asked for a tunnel again: its answer must not make its connection one to the host."""
    refusal = b"HTTP/1.1 " + said + b"\r\nContent-Length: 5\r\n\r\nerror"

    async def main() -> None:
        async with serving(saying(refusal)) as proxy, outgoing() as out:
            for _ in range(2):
                with pytest.raises(Unreachable, match=rf"the proxy 127\.0\.0\.1 answered {said[:3].decode()}"):
                    await out.post(Place("there.invalid", 443, True, proxy.url), "/v1", [("X-Api-Key", "k")], b"body")
            assert [head.split()[0] for head in proxy.heads] == [b"CONNECT", b"CONNECT"]
            assert proxy.connections == 2

    run(main())


@pytest.mark.parametrize(
    "said",
    [b"200 OK\r\n", b"200 OK\r\nContent-Length: 0\r\n", b"204 OK\r\n",
     b"200 OK\r\nContent-Length: 0\r\nConnection: close\r\n"],
)  # fmt: skip
def test_a_tunnel_is_of_the_request_that_made_it_until_tls_stands(certificate: ssl.SSLContext, said: bytes) -> None:
    """However the proxy words its consent: a second request at that time goes through a tunnel of its own."""

    async def main() -> None:
        port, begun, go = 0, asyncio.Event(), asyncio.Event()

        async def tunnel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            there_in, there_out = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"HTTP/1.1 " + said + b"\r\n")
            there_out.write(await reader.read(65536))
            begun.set()
            await go.wait()
            await asyncio.gather(_copy(reader, there_out), _copy(there_in, writer))

        async with serving(saying(SIZED), certificate) as server, serving(tunnel) as proxy, outgoing() as out:
            port = int(server.url.rpartition(":")[2])
            place = Place("there.invalid", port, True, proxy.url)
            async with asyncio.timeout(20), asyncio.TaskGroup() as group:
                first = group.create_task(out.post(place, "/v1", [], b"body"))
                await begun.wait()
                second = group.create_task(out.post(place, "/v1", [], b"body"))
                await asyncio.sleep(0)  # in which it takes a connection
                go.set()
            for task in (first, second):
                assert b"".join([piece async for piece in task.result()]) == b"hello world"
            assert [head.split()[0] for head in proxy.heads] == [b"CONNECT", b"CONNECT"]
            assert [head.split()[0] for head in server.heads] == [b"POST", b"POST"]
            out.close()

    run(main())


def test_a_tls_connection_that_says_goodbye_is_not_asked(certificate: ssl.SSLContext) -> None:
    """It is closing, and not lost yet: the request goes out on a new one."""

    async def main() -> None:
        async with serving(saying(SIZED), certificate) as server, outgoing() as out:
            await ask(out, server.url)
            out.close()
            async with asyncio.timeout(20):
                assert (await ask(out, server.url))[1] == b"hello world"
            assert server.connections == 2

    run(main())


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
    await _close(writer)


def test_after_a_sleep_no_connection_from_before_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """The other side may have forgotten it without a word."""

    async def main() -> None:
        async with serving(saying(SIZED)) as server, outgoing() as out:
            await ask(out, server.url)
            now = time.time()
            monkeypatch.setattr(time, "time", lambda: now + 3600)
            assert (await ask(out, server.url))[1] == b"hello world"
            assert server.connections == 2

    run(main())


def test_an_end_that_only_the_system_knows_is_seen_before_the_question() -> None:
    """The loop had no time to tell."""
    closed = threading.Event()

    def serve(listening: socket.socket) -> None:
        for _ in range(3):
            connection, _ = listening.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(SIZED)
            closed.set()

    async def main() -> None:
        async with outgoing() as out:
            place, path = place_of(f"http://127.0.0.1:{port}")
            for _ in range(3):
                answer = await out.post(place, path, [], b"")
                assert b"".join([piece async for piece in answer]) == b"hello world"
                assert closed.wait(20)  # and the loop stands still
                closed.clear()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        thread = threading.Thread(target=serve, args=(listening,))
        thread.start()
        run(main())
        thread.join()


def test_want_of_descriptors_is_no_fault_of_the_upstream(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said for what it is."""

    async def main() -> None:
        async with outgoing() as out:
            loop = asyncio.get_running_loop()
            host, path = place_of("http://127.0.0.1:9")
            soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
            await loop.getaddrinfo(host.host, host.port)
            files = []
            resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
            try:
                with contextlib.suppress(OSError):
                    while True:
                        files.append(os.open("/dev/null", os.O_RDONLY))
                with pytest.raises(Unreachable, match="no file descriptor is left here"):
                    await out.post(host, path, [], b"")
            finally:
                for file in files:
                    os.close(file)
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    run(main())
