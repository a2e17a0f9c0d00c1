"""`llmswitch usage` beside what a server counted, over real sessions of the real client."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Cli
from support.claude_client import ClaudeClient, require_last_program, require_program
from support.messages_server import (
    Block,
    Handler,
    Internet,
    MessagesServer,
    Request,
    frames_of,
    message_of,
    say,
    use_tool,
)
from support.openai_server import OpenAiUpstream
from support.terminal import Terminal
from test_gateway_client import Stage, gateway, stage  # noqa: F401
from test_gateway_client import program as program

NAMES = ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
SWAPPED = {"small/model": "other/model"}  # asked → answered


def said(request: Request) -> list[Block]:
    """Answer by a word in the last message: a tool that works, one that fails, a sub-agent; else plain text."""
    last = json.dumps(request.body.get("messages", [{}])[-1])
    if "tool_result" in last:
        return [say("done")]
    if "USE-TOOL" in last:
        return [say("let me see"), use_tool("Bash", command="echo hi", description="x")]
    if "FAIL-TOOL" in last:
        return [use_tool("Bash", command="exit 3", description="x")]
    if "USE-AGENT" in last:
        return [use_tool("Agent", description="d", prompt="do it", subagent_type="general-purpose")]
    return [say("hello")]


class Counting(MessagesServer):
    """Answers with tokens of its own for every request, and counts them; `failing` are the next that it refuses.

    Of the next answer only the first `cut` frames are sent; then the connection ends, or with `held` it stays open.
    """

    def __init__(self) -> None:
        super().__init__(said)
        self.numbers, self.failing, self.cut = itertools.count(1), 0, 0
        self.held: threading.Event | None = None
        self.counted: Counter[tuple[str, str, str]] = Counter()
        self.last: dict[str, int] = {}

    @property
    def requests_counted(self) -> int:
        """How many requests were answered."""
        return sum(number for (*_, what), number in self.counted.items() if what == "requests")

    def behave(self, handler: Handler, request: Request) -> bool:
        """Answer a message."""
        if not request.is_message or not request.model:
            return False
        if self.failing:
            self.failing -= 1
            error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
            handler.reply_json(529, error)
            return True
        number = next(self.numbers)
        usage = dict(zip(NAMES, (1000 + number, 10 + number, 5000 + number, 50 + number), strict=True))
        message = message_of(request, self.answer(request))
        message |= {"id": f"msg_{number:04}", "usage": usage, "model": SWAPPED.get(request.model, request.model)}
        self.last = usage
        self.counted[request.model, message["model"], "requests"] += 1
        for name in NAMES:
            self.counted[request.model, message["model"], name] += usage[name]
        frames = [frame.replace(b'"usage": {"output_tokens": 1}', f'"usage": {json.dumps(usage)}'.encode())
                  for frame in frames_of(message)]  # fmt: skip
        if self.cut:
            self._part(handler, frames)
        else:
            handler.reply(200, "text/event-stream", b"".join(frames))
        return True

    def _part(self, handler: Handler, frames: list[bytes]) -> None:
        count, self.cut = self.cut, 0
        handler.send_response(200)
        handler.send_header("Content-Type", "text/event-stream")
        handler.send_header("Connection", "close")  # without a length: the stream ends where the connection does
        handler.end_headers()
        handler.wfile.write(b"".join(frames[:count]))
        handler.close_connection = True
        if self.held:
            self.held.wait(60)


@pytest.fixture(params=["newest", "last"])
def client(request: pytest.FixtureRequest, tmp_path: Path, sealed: dict[str, str]) -> ClaudeClient:
    """The client, in the home that llmswitch uses too."""
    program = require_program() if request.param == "newest" else require_last_program()
    return ClaudeClient(program, Path(sealed["HOME"]), tmp_path / "tmp")


@pytest.fixture
def server(own: Path) -> Iterator[Counting]:
    """The server, with three presets that lead to it."""
    with Counting() as server:
        for name in ("first", "second", "third"):
            slots = {
                "haiku": f"{name}/haiku",
                "sonnet": f"{name}/model",
                "opus": f"{name}/opus",
                "subagent": "small/model",
            }
            preset = {"title": name, "base_url": server.url, "key": None, "slots": slots}
            (own / f"{name}.json5").write_text(json.dumps(preset))
        yield server


def totals(data: dict[str, Any]) -> Counter[tuple[str, str, str]]:
    """Return the rows of `usage --json` as the server counts."""
    found: Counter[tuple[str, str, str]] = Counter()
    for row in data["rows"]:
        numbers = (row["requests"], row["input"], row["output"], row["cache_read"], row["cache_write"])
        for name, number in zip(("requests", *NAMES), numbers, strict=True):
            found[row["asked"], row["model"], name] += number
    return found


@pytest.mark.long
@pytest.mark.timeout(300)  # sixteen runs of the client
def test_every_request_that_a_transcript_records_counts_to_the_token(
    cli: Cli, repo: Path, client: ClaudeClient, server: Counting
) -> None:
    """Plain, tools, a sub-agent, continued, resumed, forked, retried, over three switches; `/compact` has no line."""

    def ask(prompt: str, *words: str) -> str:
        env = {"IS_SANDBOX": "1", "CLAUDE_CODE_MAX_RETRIES": "3"}
        outcome = client.run(repo, "--dangerously-skip-permissions", *words, prompt=prompt, env=env)
        assert outcome.returncode == 0, outcome
        return str(outcome.result["session_id"])

    def usage(*words: str) -> dict[str, Any]:
        reply = cli("usage", "--json", *words, cwd=repo)
        assert reply.code == 0, reply
        data: dict[str, Any] = json.loads(reply.out)
        return data

    before: dict[str, int] = {}
    for preset in ("first", "second", "third"):
        assert cli(preset, cwd=repo).code == 0
        start = server.requests_counted
        session = ask("plain")
        ask("USE-TOOL", "--continue")
        ask("FAIL-TOOL", "--resume", session)
        ask("USE-AGENT", "--resume", session, "--fork-session")
        server.failing = 2
        ask("retried", "--resume", session)
        before[preset] = server.requests_counted - start
        assert totals(usage()) == server.counted  # bit by bit as well as at once
    rows = usage("--by", "preset")["rows"]
    assert {row["preset"]: row["requests"] for row in rows} == before
    assert {row["preset"]: row["failed_tools"] for row in rows} == dict.fromkeys(before, 1)
    assert {row["preset"]: row["failed_requests"] for row in rows} == dict.fromkeys(before, 2)
    assert sum(row["agent_requests"] for row in rows) == server.counted["small/model", "other/model", "requests"]
    assert {each["code"] for each in usage()["findings"]} == {"other-model"}
    recorded = server.counted.copy()
    ask("/compact", "--resume", session)
    data = usage()
    assert totals(data) == recorded
    beyond = {
        name: sum(server.counted[key] - recorded[key] for key in server.counted if key[2] == name) for name in NAMES
    }
    assert [*data["claude_code"]["beyond"].values()] == [*beyond.values()]
    assert beyond["input_tokens"] > 0


@pytest.mark.parametrize(("frames", "kept"), [(3, False), (4, True)], ids=["in a block", "behind one"])
def test_a_stream_that_is_cut(
    cli: Cli, repo: Path, client: ClaudeClient, server: Counting, frames: int, kept: bool
) -> None:
    """Behind a whole block it has a line, and counts; before that it has none, and is what the client counts beyond."""
    assert cli("first", cwd=repo).code == 0
    server.cut = frames
    outcome = client.run(repo, prompt="plain", env={"CLAUDE_CODE_MAX_RETRIES": "3"})
    assert outcome.returncode == 0, outcome
    data = json.loads(cli("usage", "--json", cwd=repo).out)
    assert server.requests_counted == 2
    beyond = [*data["claude_code"]["beyond"].values()]
    if kept:
        assert totals(data) == server.counted
        assert beyond == [0, 0, 0, 0]
    else:
        row = data["total"]
        assert (row["requests"], row["failed_requests"]) == (1, 1)
        assert [row["input"], row["output"], row["cache_read"], row["cache_write"]] == [*server.last.values()]
        assert beyond == [1001, 11, 5001, 51]


def test_esc_in_the_middle(cli: Cli, repo: Path, client: ClaudeClient, server: Counting) -> None:
    """What was answered until then has a line; the session is killed, so that nothing else tells of it."""
    assert cli("first", cwd=repo).code == 0
    known = {"hasCompletedOnboarding": True, "theme": "dark"}
    trusted = {"projects": {str(repo.resolve()): {"hasTrustDialogAccepted": True}}}
    (client.home / ".claude.json").write_text(json.dumps(known | trusted))
    server.held, projects = threading.Event(), client.home / ".claude" / "projects"
    with Internet(client.hosts, Path(client.environment("")["NODE_EXTRA_CA_CERTS"])) as internet:
        env = {**client.environment(internet.url), "TERM": "xterm-256color"}
        with Terminal([client.program, "--model", "sonnet"], repo, env) as terminal:
            terminal.expect("for shortcuts")
            server.cut = 4
            terminal.send("plain")
            terminal.expect("plain")
            terminal.send("\r")
            terminal.expect("hello")
            terminal.send("\x1b")
            terminal.expect("nterrupted")
            deadline = time.monotonic() + 20  # it writes its lines a little later
            while '"type":"assistant"' not in "".join(path.read_text() for path in projects.rglob("*.jsonl")):
                assert time.monotonic() < deadline
                time.sleep(0.05)
    server.held.set()
    data = json.loads(cli("usage", "--json", cwd=repo).out)
    assert totals(data)["first/model", "first/model", "requests"] == 1
    assert totals(data)["first/model", "first/model", "input_tokens"] > 1000
    assert data["claude_code"]["cost"] is None


def test_through_the_gateway(stage: Stage) -> None:  # noqa: F811
    """Passed on and translated: each slot's requests and tokens, by the preset and the provider's own name."""
    for slot in ("sonnet", "opus", "opus"):
        assert stage.start(slot).returncode == 0
    env = {**stage.environ, "CLAUDE_CONFIG_DIR": str(stage.client.home / ".claude")}
    data = json.loads(stage.cli("usage", "--json", cwd=stage.repo, env=env).out)
    found = {row["asked"]: (row["preset"], row["requests"], row["input"], row["output"]) for row in data["rows"]}
    assert isinstance(stage.providers["opus"], OpenAiUpstream)
    assert [*found.values()] == [("mixed", 2, 18, 6), ("mixed", 1, 1, 1)], found
    assert data["findings"] == []
