"""What scripts/long/bench-gateway measures: each way to a provider side by side, in one run, in both modes.

Pass-through: the provider speaks Anthropic's format; translated: OpenAI's. Small requests, a burst of 50 events, the
first byte of a stream whose events come 100 ms apart; throughput, memory, start-up, and how many of the answers that
servers really send arrive right. Rounds are interleaved, so that whatever else the machine does meets all alike.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import multiprocessing
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from llmswitch.gateway.litellm import config
from llmswitch.presets.routes import Routes
from support.answers import STREAMED, WHOLE, Broken, Case, got, read
from support.gateway import RunningGateway, free_port, route

ROOT = Path(__file__).parents[2]
LITELLM = ROOT / ".cache/litellm-1.106.2/bin/litellm"
ROUTER = ROOT / ".cache/ccr-2.0.0/node_modules/.bin/ccr"
KEY, TOKEN = "sk-test-0123456789abcdef0123456789", "sk-local-0123456789abcdef"
START_SECONDS, ANSWER_SECONDS = 300.0, 20.0
EVENTS, PACED, PAUSE = 50, 15, 0.1
KINDS = ("small, 1", "small, 64", "burst, 64", "paced, 64")
# Times of direct, as the table has them; the memory is in MiB.
LIMITS = {("translated", "small, 1"): 5.0, ("translated", "small, 64"): 25.0, ("translated", "burst, 64"): 20.0,
          ("translated", "paced, 64"): 9.0, ("passed", "small, 1"): 4.0}  # fmt: skip
MEMORY = 60.0
# Of two cores that others use, what passes two processes more gets less of its share: its times say nothing.
BUSY, LOOK_SECONDS = 0.25, 5.0
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


def _body(words: str, stream: bool) -> bytes:
    message = {"role": "user", "content": words}
    return json.dumps({"model": "m", "max_tokens": 5, "messages": [message], "stream": stream}).encode()


BODIES = {"small": _body("the small one", False), "burst": _body("the burst one", True),
          "paced": _body("the paced one", True)}  # fmt: skip
_CHUNK = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
_USAGE = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}


def _chunks() -> list[str]:
    deltas = [{"role": "assistant", "content": ""}, *[{"content": "word "}] * EVENTS]
    made = [{**_CHUNK, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
    made.append({**_CHUNK, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": _USAGE})
    return [*(f"data: {json.dumps(one)}\n\n" for one in made), "data: [DONE]\n\n"]


def _events() -> list[str]:
    message = {**json.loads(WHOLE_MESSAGE), "content": [], "stop_reason": None}
    delta = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "word "}}
    made: list[dict[str, object]] = [
        {"type": "message_start", "message": message},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        *[delta] * EVENTS,
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 1}},
        {"type": "message_stop"},
    ]
    return [f"event: {one['type']}\ndata: {json.dumps(one)}\n\n" for one in made]


WHOLE_MESSAGE = json.dumps({
    "id": "msg_1", "type": "message", "role": "assistant", "model": "m", "stop_reason": "end_turn",
    "stop_sequence": None, "content": [{"type": "text", "text": "hello"}],
    "usage": {"input_tokens": 1, "output_tokens": 1},
})  # fmt: skip
WHOLE_COMPLETION = json.dumps({
    "id": "c", "object": "chat.completion", "created": 1, "model": "m", "usage": _USAGE,
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}],
})  # fmt: skip
SENT = {"passed": (WHOLE_MESSAGE, _events()), "translated": (WHOLE_COMPLETION, _chunks())}


def _head(kind: str, rest: str) -> bytes:
    return f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\n{rest}\r\n\r\n".encode()


def _chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


async def _read(reader: asyncio.StreamReader) -> tuple[bytes, bytes, float]:
    """Return head and body of one HTTP message, and when its first byte was there."""
    head = await reader.readuntil(b"\r\n\r\n")
    lower = head.lower()
    if b"chunked" in lower:
        body, first = b"", 0.0
        while size := int(await reader.readuntil(b"\n"), 16):
            body += (await reader.readexactly(size + 2))[:-2]
            first = first or time.perf_counter()
        await reader.readline()
        return head, body, first
    first = time.perf_counter()
    at = lower.find(b"content-length:")
    length = int(lower[at + 15 : lower.index(b"\r\n", at)]) if at >= 0 else 0
    return head, await reader.readexactly(length), first


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            head, body, _ = await _read(reader)
            mode = "translated" if b"/chat/completions" in head.partition(b"\r\n")[0] else "passed"
            whole, frames = SENT[mode]
            if case := re.search(rb"case (streamed|whole) ([a-z0-9-]+) ", body):
                await _send_case((STREAMED if case[1] == b"streamed" else WHOLE)[case[2].decode()], case[1], writer)
            elif b"the small one" in body:
                writer.write(_head("application/json", f"Content-Length: {len(whole)}") + whole.encode())
            else:
                parts = [_chunk(frame.encode()) for frame in frames]
                writer.write(_head("text/event-stream", "Transfer-Encoding: chunked"))
                paced = b"the paced one" in body
                for part in [*parts[:PACED], *parts[-4:]] if paced else [b"".join(parts)]:
                    writer.write(part)
                    await asyncio.sleep(PAUSE if paced else 0)
                writer.write(b"0\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    writer.close()


async def _send_case(case: Case, kind: bytes, writer: asyncio.StreamWriter) -> None:
    length = len(case.body) + (0 if case.ends else 10)
    mime = "text/event-stream" if kind == b"streamed" else "application/json"
    writer.write(_head(mime, f"Content-Length: {length}") + case.body)
    await writer.drain()
    if not case.ends:
        raise ConnectionError


def _run_upstream(port: int) -> None:
    async def serve() -> None:
        async with await asyncio.start_server(_serve, "127.0.0.1", port, limit=2**22, backlog=512) as server:
            await server.serve_forever()

    asyncio.run(serve())


class Contender:
    """One way to the upstream: where it is asked, with which token, and the process behind it."""

    def __init__(self, name: str, port: int, path: str, token: str, pid: int | None = None) -> None:
        self.name, self.port, self.pid, self.started = name, port, pid, 0.0
        self._path = path
        self._headers = {"x-api-key": token, "anthropic-version": "2023-06-01", "Content-Type": "application/json"}
        self._lead = (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nx-api-key: {token}\r\n"
            f"anthropic-version: 2023-06-01\r\nContent-Type: application/json\r\nContent-Length: "
        )
        self.times: dict[str, list[float]] = {kind: [] for kind in KINDS}
        self.rates: dict[str, list[float]] = {kind: [] for kind in KINDS}
        self.middles: dict[str, list[float]] = {kind: [] for kind in KINDS}  # the median of each round
        self.right: int | None = None

    async def ask(self, stream: Streams, body: bytes) -> tuple[bytes, bytes, float]:
        """Ask once on an open connection; return head and body, and the time of the first byte."""
        reader, writer = stream
        writer.write(f"{self._lead}{len(body)}\r\n\r\n".encode() + body)
        return await _read(reader)

    async def open(self) -> Streams:
        """Open a connection."""
        return await asyncio.open_connection("127.0.0.1", self.port, limit=2**22)

    async def once(self) -> None:
        """Ask for one small answer; AssertionError where it is none."""
        stream = await self.open()
        head, body, _ = await self.ask(stream, BODIES["small"])
        assert head.startswith(b"HTTP/1.1 200"), (self.name, head, body[:500])
        stream[1].close()

    async def round(self, kind: str, each: int) -> None:
        """Ask `each` times on as many connections as the kind says, and keep the times and their median."""
        before = len(self.times[kind])
        await self._round(kind, each)
        self.middles[kind].append(statistics.median(self.times[kind][before:]))

    async def _round(self, kind: str, each: int) -> None:
        name, _, connections = kind.partition(", ")
        if connections == "1":
            await asyncio.to_thread(self._plainly, kind, BODIES[name], each)
            return
        begun, count = time.perf_counter(), 0

        async def client() -> None:
            nonlocal count
            stream = await self.open()
            for number in range(each + 1):
                begin = time.perf_counter()
                head, body, first = await self.ask(stream, BODIES[name])
                assert head.startswith(b"HTTP/1.1 200"), (self.name, head, body[:500])
                end = first if name == "paced" else time.perf_counter()
                if number:  # the first one opens connections
                    self.times[kind].append((end - begin) * 1000)
                    count += 1
            stream[1].close()

        await asyncio.gather(*(client() for _ in range(int(connections))))
        self.rates[kind].append(count / (time.perf_counter() - begun))

    def _plainly(self, kind: str, body: bytes, each: int) -> None:
        """Ask as an ordinary client does, which costs more than the bare one here."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        begun = time.perf_counter()
        for _ in range(each):
            begin = time.perf_counter()
            connection.request("POST", self._path, body, self._headers)
            with connection.getresponse() as response:
                answer = response.read()
                assert response.status == 200, (self.name, answer[:500])
            self.times[kind].append((time.perf_counter() - begin) * 1000)
        connection.close()
        self.rates[kind].append(each / (time.perf_counter() - begun))

    async def judge(self) -> None:
        """Count the answers of the table that arrive right."""
        self.right = 0
        for name, case, streamed in _CASES:
            words = f"case {'streamed' if streamed else 'whole'} {name} of the table"
            try:
                stream = await self.open()
                try:
                    async with asyncio.timeout(ANSWER_SECONDS):
                        head, body, _ = await self.ask(stream, _body(words, streamed))
                    result = (read(body) if streamed else got(json.loads(body))) if b" 200 " in head[:20] else None
                except (Broken, asyncio.IncompleteReadError, ConnectionError):
                    result = None
                finally:
                    stream[1].close()
                right = result is None if case.right is None else result is not None and case.right(result)
                right = right or (case.may_break and result is None)
                self.right += right
            except (AssertionError, KeyError, ValueError, TypeError, TimeoutError, OSError):
                right = False  # no Messages API would send the like
            if not right and os.environ.get("BENCH_NAMES"):
                print(self.name, "streamed" if streamed else "whole", name, file=sys.stderr)

    def memory(self) -> float | None:
        """Return the proportional memory of its processes in MiB."""
        return sum(_pss(pid) for pid in _family(self.pid)) / 1024 if self.pid else None


_CASES = [(name, case, table is STREAMED) for table in (STREAMED, WHOLE) for name, case in table.items()]


def _family(pid: int) -> list[int]:
    found = [pid]
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += _family(int(child))
    return found


def _pss(pid: int) -> int:
    rows = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(row.split()[1]) for row in rows if row.startswith("Pss:"))


def _spawn(name: str, argv: list[str], port: int, environ: Mapping[str, str], folder: Path) -> Contender:
    """Start a contender and wait for its first good answer, which is its start-up."""
    begin = time.perf_counter()
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(argv, env=dict(environ), cwd=folder, stdout=log, stderr=log, start_new_session=True)
    contender = Contender(name, port, "/v1/messages", TOKEN, process.pid)
    while True:
        try:
            asyncio.run(contender.once())
            contender.started = time.perf_counter() - begin
            return contender
        except (OSError, AssertionError, asyncio.IncompleteReadError):
            if time.perf_counter() - begin > START_SECONDS or process.poll() is not None:
                raise SystemExit(f"{name} did not start:\n" + (folder / f"{name}.log").read_text()[-2000:]) from None
            time.sleep(0.01)


def _gateway(folder: Path, upstream: str, mode: str) -> Contender:
    made = RunningGateway(folder / "gateway", {"haiku": KEY})
    begin = time.perf_counter()
    made.__enter__()
    openai = mode == "translated"
    place = route(upstream + "/v1" * openai, model="m", protocol="openai" if openai else "anthropic")
    pin = made.routes(m=place)
    contender = Contender("llmswitch", made.port, pin.path, pin.token, made.process.pid)
    asyncio.run(contender.once())
    contender.started = time.perf_counter() - begin
    return contender


def _litellm(folder: Path, upstream: str, mode: str) -> Contender:
    openai = mode == "translated"
    place = route(
        upstream + "/v1" * openai, model="m", auth="bearer" if openai else "api-key",
        protocol="openai" if openai else "anthropic",
    )  # fmt: skip
    (folder / "config.yaml").write_text(config(Routes("p", {"m": place}), lambda name: "BENCH_KEY", team=False))
    port = free_port()
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "BENCH_KEY": KEY, "LITELLM_MASTER_KEY": TOKEN}
    environ |= {"LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    argv = [str(LITELLM), "--config", "config.yaml", "--host", "127.0.0.1", "--port", str(port), "--telemetry", "False"]
    return _spawn("LiteLLM", argv, port, environ, folder)


def _router(folder: Path, upstream: str, mode: str) -> Contender:
    port, home = free_port(), folder / ".claude-code-router"
    home.mkdir()
    passed = mode == "passed"
    url = f"{upstream}/v1/{'messages' if passed else 'chat/completions'}"
    provider: dict[str, object] = {"name": "up", "api_base_url": url, "api_key": KEY, "models": ["m"]}
    provider |= {"transformer": {"use": ["Anthropic"]}} if passed else {}
    fields = {"HOST": "127.0.0.1", "PORT": port, "APIKEY": TOKEN, "LOG": False, "Providers": [provider]}
    (home / "config.json").write_text(json.dumps({**fields, "Router": {"default": "up,m"}}))
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    return _spawn("ccr", [str(ROUTER), "start"], port, environ, folder)


MAKERS: dict[str, Callable[[Path, str, str], Contender]] = {"llmswitch": _gateway, "litellm": _litellm, "ccr": _router}


async def _measure(contenders: list[Contender], rounds: int) -> None:
    for number in range(rounds + 1):
        # One at a time takes twice as long where the system spreads two processes over the cores, as it does now and
        # then for a while: many short turns meet both states with every contender.
        for kind, turns, each in (("small, 1", 10, 20), ("small, 64", 1, 4), ("burst, 64", 1, 2), ("paced, 64", 1, 1)):
            for _ in range(turns):
                for one in contenders:
                    await one.round(kind, each)
        if not number:  # the first round warms up
            for one in contenders:
                one.times = {kind: [] for kind in KINDS}
                one.rates = {kind: [] for kind in KINDS}
                one.middles = {kind: [] for kind in KINDS}


def _table(mode: str, contenders: list[Contender]) -> list[str]:
    """Return it in Markdown, one row a contender: p50 / p99 in ms, how many a second, and times of direct."""
    lines = [f"| {mode} | {' | '.join(KINDS)} | MiB | start s | right of {len(_CASES)} |",
             "|---" * (len(KINDS) + 4) + "|"]  # fmt: skip
    for one in contenders:
        cells = []
        for kind in KINDS:
            times, rate = one.times[kind], statistics.median(one.rates[kind])
            high = statistics.quantiles(times, n=100)[98]
            cells.append(f"{statistics.median(times):.1f} / {high:.1f}, {rate:,.0f}/s, "
                         f"{_ratio(one, contenders[0], kind):.1f} ×")  # fmt: skip
        memory = one.memory()
        cells += ["" if memory is None else f"{memory:.0f}", f"{one.started:.1f}" if one.pid else ""]
        lines.append(f"| {one.name} | {' | '.join(cells)} | {'' if one.right is None else one.right} |")
    return lines


def _ahead(contenders: list[Contender]) -> list[str]:
    """Return where a peer does better than the gateway, with both figures."""
    _, ours, *peers = contenders
    mine = dict(_figures(ours))
    return [f"{one.name} in {what} ({figure:.2f}, llmswitch {mine[what]:.2f})"
            for one in peers for what, figure in _figures(one)
            if (figure > mine[what] if what.endswith(("a second", "right")) else figure < mine[what])]  # fmt: skip


def _figures(one: Contender) -> Iterator[tuple[str, float]]:
    for kind in KINDS:
        yield f"{kind}: p50 in ms", statistics.median(one.times[kind])
        yield f"{kind}: p99 in ms", statistics.quantiles(one.times[kind], n=100)[98]
        yield f"{kind}: requests a second", statistics.median(one.rates[kind])
    yield "MiB", one.memory() or 0.0
    yield "start in s", one.started
    yield "answers right", float(one.right or 0)


def _ratio(one: Contender, direct: Contender, kind: str) -> float:
    """Return the middle of the rounds' ratios: a machine's pace changes within a run, and less within a round."""
    return statistics.median(x / y for x, y in zip(one.middles[kind], direct.middles[kind], strict=True))


def _run(mode: str, rounds: int, port: int) -> tuple[bool, bool]:
    """Measure one mode, print its table and say whether the gateway is within its limits of time, and the others."""
    direct = Contender("direct", port, "/v1/messages" if mode == "passed" else "/v1/chat/completions", KEY)
    contenders = [direct]
    chosen = os.environ.get("BENCH_CONTENDERS", ",".join(MAKERS)).split(",")
    try:
        for name in chosen:
            folder = Path(tempfile.mkdtemp(prefix="bench-"))
            contenders.append(MAKERS[name](folder, f"http://127.0.0.1:{port}", mode))
        asyncio.run(_measure(contenders, rounds))
        for one in contenders[1:] if mode == "translated" else []:
            asyncio.run(one.judge())
        print("\n".join(_table(mode, contenders)), flush=True)
        ours = contenders[1]
        ratios = {kind: (_ratio(ours, direct, kind), limit) for (which, kind), limit in LIMITS.items() if which == mode}
        slow = [f"{kind}: {ratio:.1f} × is over {limit}" for kind, (ratio, limit) in ratios.items() if ratio > limit]
        over = ["memory"] * ((ours.memory() or 0) >= MEMORY)
        over += ["answers"] * (mode == "translated" and ours.right != len(_CASES))
        print(f"a peer is ahead: {'; '.join(_ahead(contenders)) or 'nowhere'}", flush=True)
        print(f"missed: {'; '.join([*slow, *over]) or 'nothing'}\n", flush=True)
        return not slow, not over
    finally:
        for one in contenders[1:]:
            if one.pid:
                os.kill(one.pid, signal.SIGTERM)


def main() -> int:
    """Run the benchmark and return 1 where the gateway misses its limits."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    port = free_port()
    before = _work()
    upstream = multiprocessing.Process(target=_run_upstream, args=(port,), daemon=True)
    upstream.start()
    try:
        found = [_run(mode, rounds, port) for mode in ("passed", "translated")]
    finally:
        upstream.terminate()
    upstream.join()
    after = _work()
    if busy := max(before, after) > BUSY:
        print(f"The times are not judged: {before:.0%} of the machine was at other work before, {after:.0%} after.")
    return 0 if all((fast or busy) and rest for fast, rest in found) else 1


def _work() -> float:
    """Return which part of this machine is at work now, while nothing of the benchmark runs."""
    begin = _jiffies()
    time.sleep(LOOK_SECONDS)
    idle, whole = (now - then for now, then in zip(_jiffies(), begin, strict=True))
    return 1 - idle / whole


def _jiffies() -> tuple[int, int]:
    """Return how long the processors were idle and how long they are on."""
    row = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
    return int(row[3]) + int(row[4]), sum(map(int, row))


if __name__ == "__main__":
    sys.exit(main())
