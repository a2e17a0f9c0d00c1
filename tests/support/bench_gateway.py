"""What scripts/long/bench-gateway measures: small requests, first bytes, throughput, memory, start-up.

One request after another is asked with http.client, an ordinary client; throughput with a bare one, which costs less
than what it measures.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import multiprocessing
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from llmswitch.gateway.litellm import config
from llmswitch.presets.routes import Routes
from support.gateway import RunningGateway, free_port, route

ROOT = Path(__file__).parents[2]
LITELLM = ROOT / ".cache/litellm-1.106.2/bin/litellm"
ROUTER = ROOT / ".cache/ccr-2.0.0/node_modules/.bin/ccr"
KEY, TOKEN = "sk-test-0123456789abcdef0123456789", "sk-local-0123456789abcdef"
RATIO, MEMORY = 4.0, 60.0
CONCURRENT, SECONDS, START_SECONDS = 16, 3.0, 60.0
MESSAGE = {"role": "user", "content": "hi"}
SMALL = json.dumps({"model": "m", "max_tokens": 5, "messages": [MESSAGE]}, separators=(",", ":")).encode()
LARGE = json.dumps(
    {"model": "m", "max_tokens": 5, "messages": [MESSAGE], "stream": True, "system": "x " * 24_500},
    separators=(",", ":"),
).encode()
ANSWER = {
    "id": "msg_1", "type": "message", "role": "assistant", "model": "m", "stop_reason": "end_turn",
    "stop_sequence": None, "content": [{"type": "text", "text": "hello"}],
    "usage": {"input_tokens": 1, "output_tokens": 1},
}  # fmt: skip
EVENTS: list[dict[str, object]] = [
    {"type": "message_start", "message": {**ANSWER, "content": [], "stop_reason": None}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    *[{"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "word "}}] * 20,
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 1}},
    {"type": "message_stop"},
]


def _head(kind: str, rest: str) -> bytes:
    return f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\n{rest}\r\n\r\n".encode()


def _chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


_BODY = json.dumps(ANSWER).encode()
WHOLE = _head("application/json", f"Content-Length: {len(_BODY)}") + _BODY
FRAMES = [_chunk(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()) for event in EVENTS]
STREAM = _head("text/event-stream", "Transfer-Encoding: chunked") + b"".join(FRAMES) + b"0\r\n\r\n"


async def _read(reader: asyncio.StreamReader) -> tuple[bytes, bytes, float]:
    """Return head and body of one HTTP message, and when its first byte was there."""
    head = await reader.readuntil(b"\r\n\r\n")
    first = time.perf_counter()
    lower = head.lower()
    if b"chunked" in lower:
        body = b""
        while size := int(await reader.readline(), 16):
            body += (await reader.readexactly(size + 2))[:-2]
        await reader.readline()
        return head, body, first
    at = lower.find(b"content-length:")
    length = int(lower[at + 15 : lower.index(b"\r\n", at)]) if at >= 0 else 0
    return head, await reader.readexactly(length), first


async def _upstream(port: int) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                _, body, _ = await _read(reader)
                writer.write(STREAM if b'"stream":true' in body or b'"stream": true' in body else WHOLE)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", port) as server:
        await server.serve_forever()


def _run_upstream(port: int) -> None:
    asyncio.run(_upstream(port))


class Contender:
    """One way to the upstream: where it is asked, with which headers, and the process behind it."""

    def __init__(self, name: str, port: int, path: str, token: str, pid: int | None, started: float) -> None:
        self.name, self.port, self.pid, self.started = name, port, pid, started
        self.path = path
        self.headers = {"x-api-key": token, "anthropic-version": "2023-06-01", "Content-Type": "application/json"}
        self._lead = (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nx-api-key: {token}\r\n"
            f"anthropic-version: 2023-06-01\r\nContent-Type: application/json\r\nContent-Length: "
        )
        self.small: list[float] = []
        self.first: list[float] = []
        self.rate = self.rate_streams = 0.0

    async def ask(self, stream: tuple[asyncio.StreamReader, asyncio.StreamWriter], body: bytes) -> tuple[float, float]:
        """Ask once on an open connection; return the seconds to the first byte and to the last."""
        reader, writer = stream
        begin = time.perf_counter()
        writer.write(f"{self._lead}{len(body)}\r\n\r\n".encode() + body)
        head, answer, first = await _read(reader)
        assert head.startswith(b"HTTP/1.1 200"), (self.name, head, answer[:500])
        return first - begin, time.perf_counter() - begin

    async def open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Open a connection."""
        return await asyncio.open_connection("127.0.0.1", self.port, limit=2**22)

    def ask_plainly(self, connection: http.client.HTTPConnection, body: bytes) -> tuple[float, float]:
        """Ask once as an ordinary client does; return the milliseconds to the first byte and to the last."""
        begin = time.perf_counter()
        connection.request("POST", self.path, body, self.headers)
        response = connection.getresponse()
        first = response.read(1)
        then = time.perf_counter()
        assert response.status == 200, (self.name, first + response.read())
        response.read()
        return (then - begin) * 1000, (time.perf_counter() - begin) * 1000

    async def throughput(self, body: bytes) -> float:
        """Return the requests a second of several clients at once."""
        count = 0
        end = time.perf_counter() + SECONDS

        async def client() -> None:
            nonlocal count
            stream = await self.open()
            while time.perf_counter() < end:
                await self.ask(stream, body)
                count += 1
            stream[1].close()

        await asyncio.gather(*(client() for _ in range(CONCURRENT)))
        return count / SECONDS

    def memory(self) -> float | None:
        """Return the proportional memory of its processes in MiB."""
        return sum(_pss(pid) for pid in _family(self.pid)) / 1024 if self.pid else None


def _family(pid: int) -> list[int]:
    found = [pid]
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += _family(int(child))
    return found


def _pss(pid: int) -> int:
    rows = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(row.split()[1]) for row in rows if row.startswith("Pss:"))


def _spawn(
    name: str, argv: list[str], port: int, path: str, token: str, environ: Mapping[str, str], folder: Path
) -> Contender:
    """Start a contender and wait for its first good answer, which is its start-up."""
    begin = time.perf_counter()
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(argv, env=dict(environ), cwd=folder, stdout=log, stderr=log, start_new_session=True)
    contender = Contender(name, port, path, token, process.pid, 0.0)
    while True:
        try:
            asyncio.run(_once(contender))
            contender.started = time.perf_counter() - begin
            return contender
        except (OSError, AssertionError, asyncio.IncompleteReadError):
            if time.perf_counter() - begin > START_SECONDS or process.poll() is not None:
                raise SystemExit(f"{name} did not start:\n" + (folder / f"{name}.log").read_text()[-2000:]) from None
            time.sleep(0.01)


async def _once(contender: Contender) -> None:
    stream = await contender.open()
    await contender.ask(stream, SMALL)
    stream[1].close()


def _gateway(folder: Path, upstream: str) -> Contender:
    made = RunningGateway(folder / "gateway", {"haiku": KEY})
    begin = time.perf_counter()
    made.__enter__()
    pin = made.routes(m=route(upstream, model="m"))
    contender = Contender("llmswitch gateway", made.port, pin.path, pin.token, made.process.pid, 0.0)
    asyncio.run(_once(contender))
    contender.started = time.perf_counter() - begin
    return contender


def _litellm(folder: Path, upstream: str) -> Contender:
    routes = Routes("p", {"m": route(upstream, model="m", auth="api-key")})
    (folder / "config.yaml").write_text(config(routes, lambda name: "BENCH_KEY", team=False))
    port = free_port()
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "BENCH_KEY": KEY, "LITELLM_MASTER_KEY": TOKEN}
    environ |= {"LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    argv = [str(LITELLM), "--config", "config.yaml", "--host", "127.0.0.1", "--port", str(port), "--telemetry", "False"]
    return _spawn("LiteLLM proxy", argv, port, "/v1/messages", TOKEN, environ, folder)


def _router(folder: Path, upstream: str) -> Contender:
    port = free_port()
    home = folder / ".claude-code-router"
    home.mkdir()
    provider: dict[str, object] = {
        "name": "up",
        "api_base_url": f"{upstream}/v1/messages",
        "api_key": KEY,
        "models": ["m"],
    }
    provider |= {"transformer": {"use": ["Anthropic"]}}
    fields = {"HOST": "127.0.0.1", "PORT": port, "APIKEY": TOKEN, "LOG": False, "Providers": [provider]}
    (home / "config.json").write_text(json.dumps({**fields, "Router": {"default": "up,m"}}))
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    return _spawn("claude-code-router", [str(ROUTER), "start"], port, "/v1/messages", TOKEN, environ, folder)


def measure(contenders: list[Contender], rounds: int) -> None:
    """Ask all in turn, so that whatever else the machine does meets all alike."""
    connections = [http.client.HTTPConnection("127.0.0.1", contender.port) for contender in contenders]
    for number in range(rounds + 20):
        for contender, connection in zip(contenders, connections, strict=True):
            whole = contender.ask_plainly(connection, SMALL)[1]
            first = contender.ask_plainly(connection, LARGE)[0]
            if number >= 20:  # the first ones warm up
                contender.small.append(whole)
                contender.first.append(first)
    for contender, connection in zip(contenders, connections, strict=True):
        connection.close()
        contender.rate = asyncio.run(contender.throughput(SMALL))
        contender.rate_streams = asyncio.run(contender.throughput(LARGE))


def table(contenders: list[Contender]) -> list[str]:
    """Return what was measured, one line a contender."""
    direct = contenders[0]
    base = statistics.median(direct.small)
    lines = [
        f"{'':20}{'small p50/p99 ms':>19}{'× direct':>10}{'49 KB first byte':>19}{'small/s':>9}{'streams/s':>11}"
        f"{'PSS MiB':>9}{'start s':>9}"
    ]
    for one in contenders:
        memory = one.memory()
        lines.append(
            f"{one.name:20}{_pair(one.small):>19}{statistics.median(one.small) / base:>10.1f}{_pair(one.first):>19}"
            f"{one.rate:>9.0f}{one.rate_streams:>11.0f}"
            f"{'—' if memory is None else f'{memory:.0f}':>9}{'—' if not one.pid else f'{one.started:.2f}':>9}"
        )
    return lines


def _pair(values: list[float]) -> str:
    return f"{statistics.median(values):.2f} / {statistics.quantiles(values, n=100)[98]:.2f}"


def main() -> int:
    """Run the benchmark and return 1 where the gateway misses its limits."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    port = free_port()
    upstream = multiprocessing.Process(target=_run_upstream, args=(port,), daemon=True)
    upstream.start()
    url = f"http://127.0.0.1:{port}"
    makers: list[Callable[[Path, str], Contender]] = [_gateway, _litellm, _router]
    contenders = [Contender("direct", port, "/v1/messages", KEY, None, 0.0)]
    try:
        for maker in makers:
            contenders.append(maker(Path(tempfile.mkdtemp(prefix="bench-")), url))
        measure(contenders, rounds)
        print("\n".join(table(contenders)))
        ratio = statistics.median(contenders[1].small) / statistics.median(contenders[0].small)
        return 0 if ratio <= RATIO and (contenders[1].memory() or 0) < MEMORY else 1
    finally:
        upstream.terminate()
        for contender in contenders:
            if contender.pid:
                os.kill(contender.pid, signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
