"""Sessions of the real client on a slot whose host speaks the OpenAI format: what users do with tools and keys."""

from __future__ import annotations

import base64
import json
import os
import signal
import struct
import sys
import threading
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.claude_client import require_last_program, require_program
from support.gateway import RunningGateway
from support.live_session import LIMIT, LiveSession
from support.openai_server import OpenAiUpstream, call
from support.packages import installed
from test_gateway_client import KEYS, Stage, gateway, stage  # noqa: F401  # fixtures

from llmswitch import __version__

Json = dict[str, Any]
Answers = Callable[[Json], Json]


@pytest.fixture(scope="module", params=["newest", "last"])
def program(request: pytest.FixtureRequest) -> str:
    """Find the client, before any test's environment is replaced."""
    return require_program() if request.param == "newest" else require_last_program()


@pytest.fixture
def opus(stage: Stage) -> Iterator[OpenAiUpstream]:  # noqa: F811
    """The host of the OpenAI format, which is a strict one: no request was wrong to it."""
    made = stage.providers["opus"]
    assert isinstance(made, OpenAiUpstream)
    yield made
    assert made.complaints == []


def called(*calls: tuple[str, Json]) -> Json:
    """Return a message with these calls."""
    functions = [{"name": name, "arguments": json.dumps(given)} for name, given in calls]
    made = [{"id": f"call_{at}", "type": "function", "function": one} for at, one in enumerate(functions)]
    return {"content": None, "tool_calls": made}


def first_calls(*calls: tuple[str, Json], then: str = "done") -> Answers:
    """Return what answers with calls until there is a result."""

    def choose(body: Json) -> Json:
        return {"content": then} if body["messages"][-1]["role"] == "tool" or results(body) else called(*calls)

    return choose


def results(body: Json) -> list[str]:
    """Return the results of tools in a request."""
    return [message["content"] for message in body["messages"] if message["role"] == "tool"]


def test_parallel_calls_are_run_and_each_gets_its_own_result(stage: Stage, opus: OpenAiUpstream) -> None:  # noqa: F811
    """Three in one answer."""
    commands = [f"echo the-$(echo {word})" for word in ("first", "second", "third")]
    opus.choose = first_calls(*(("Bash", {"command": command}) for command in commands))
    outcome = stage.start("opus", "--allowedTools", "Bash")
    assert (outcome.returncode, outcome.result["result"]) == (0, "done"), outcome
    last = opus.requests[-1].body["messages"]
    answers = {one["tool_call_id"]: one["content"] for one in last if one["role"] == "tool"}
    calls = [each for one in last for each in one.get("tool_calls", [])]
    assert [json.loads(one["function"]["arguments"])["command"] for one in calls] == commands
    assert [answers[one["id"]].split()[0] for one in calls] == ["the-first", "the-second", "the-third"]


def test_a_sub_agent_on_another_slot_goes_to_that_slots_provider(stage: Stage) -> None:  # noqa: F811
    """An opus session, at the OpenAI-format host, whose model calls an agent on haiku."""
    opus = stage.providers["opus"]
    assert isinstance(opus, OpenAiUpstream)
    order = {"description": "d", "prompt": "say hi", "subagent_type": "general-purpose", "model": "haiku"}

    def choose(body: dict[str, Any]) -> dict[str, Any]:
        answered = any(message["role"] == "tool" for message in body["messages"])
        return {"content": "all done"} if answered else call("Agent", **order)

    opus.choose = choose
    outcome = stage.start("opus", "--allowedTools", "Agent")
    assert (outcome.returncode, outcome.result["result"]) == (0, "all done"), outcome
    hits = stage.hits()
    assert (hits["haiku"], hits["sonnet"]) == (1, 0)
    assert hits["opus"] >= 2
    stage.check_credentials()


def _picture() -> bytes:
    def part(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)
    rows = zlib.compress(b"".join(b"\0" + b"\xff\0\0" * 8 for _ in range(8)))
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", head) + part(b"IDAT", rows) + part(b"IEND", b"")


def test_an_image_that_a_tool_reads_reaches_the_host(stage: Stage, opus: OpenAiUpstream) -> None:  # noqa: F811
    """As an image, behind its result."""
    path = stage.repo / "red.png"
    path.write_bytes(_picture())
    opus.choose = first_calls(("Read", {"file_path": str(path)}), then="it is red")
    outcome = stage.start("opus", "--allowedTools", "Read")
    assert (outcome.returncode, outcome.result["result"]) == (0, "it is red"), outcome
    last = opus.requests[-1].body["messages"]
    parts = [part for one in last if isinstance(one["content"], list) for part in one["content"]]
    [url] = [part["image_url"]["url"] for part in parts if part["type"] == "image_url"]
    head, _, data = url.partition(",")
    assert head.startswith("data:image/")
    assert base64.b64decode(data)[:4] in (b"\x89PNG", b"\xff\xd8\xff\xe0", b"RIFF")


# A server of the Model Context Protocol with one tool, whose full name is longer than most hosts take.
_TOOL = "say_back_what_was_said_to_it_in_as_many_words_as_it_takes"
_MCP = f"""
import json, sys
for line in sys.stdin:
    asked = json.loads(line)
    kind, given = asked.get("method"), asked.get("params", {{}})
    if "id" not in asked:
        continue
    if kind == "initialize":
        result = {{"protocolVersion": given["protocolVersion"], "capabilities": {{"tools": {{}}}},
                  "serverInfo": {{"name": "echo", "version": "1"}}}}
    elif kind == "tools/list":
        schema = {{"type": "object", "properties": {{"words": {{"type": "string"}}}}, "required": ["words"]}}
        result = {{"tools": [{{"name": "{_TOOL}", "description": "says it back", "inputSchema": schema}}]}}
    elif kind == "tools/call":
        result = {{"content": [{{"type": "text", "text": "back: " + given["arguments"]["words"]}}]}}
    else:
        result = {{}}
    print(json.dumps({{"jsonrpc": "2.0", "id": asked["id"], "result": result}}), flush=True)
"""


def test_a_tool_of_an_mcp_server_with_a_long_name_is_called(
    stage: Stage, opus: OpenAiUpstream, tmp_path: Path  # noqa: F811
) -> None:  # fmt: skip
    """The host knows it under a name that it takes, the client under its own."""
    name = f"mcp__local_echo_server__{_TOOL}"
    assert len(name) > 64
    (tmp_path / "mcp.py").write_text(_MCP)
    server = {"command": sys.executable, "args": [str(tmp_path / "mcp.py")]}

    def choose(body: Json) -> Json:
        if results(body):
            return {"content": "done"}
        [offered] = [tool["function"]["name"] for tool in body["tools"] if tool["function"]["name"].startswith("mcp__")]
        assert len(offered) <= 64
        return called((offered, {"words": "é 😀"}))

    opus.choose = choose
    config = json.dumps({"mcpServers": {"local_echo_server": server}})
    outcome = stage.start("opus", "--mcp-config", config, "--strict-mcp-config", "--allowedTools", name,
                          env={"ENABLE_TOOL_SEARCH": "false"})  # fmt: skip
    assert (outcome.returncode, outcome.result["result"]) == (0, "done"), outcome
    assert results(opus.requests[-1].body) == ["back: é 😀"]


@pytest.fixture
def session(stage: Stage) -> Iterator[LiveSession]:  # noqa: F811
    """An open session on opus."""
    launcher = [stage.client.program, "--model", "opus"]
    home = {"LLMSWITCH_HOME": str(stage.gateway.home)}
    with LiveSession(stage.client, stage.repo, launcher, home) as made:
        yield made


def test_esc_in_the_middle_of_an_answer_ends_it_at_the_host_too(
    stage: Stage, opus: OpenAiUpstream, session: LiveSession  # noqa: F811
) -> None:  # fmt: skip
    """And the session goes on, with a request that a strict host takes."""
    shown, gone = threading.Event(), threading.Event()
    opus.choose = lambda body: {"content": "one two three four five six"}

    def pause() -> None:
        if shown.is_set() or not opus.requests:
            return
        shown.set()
        assert gone.wait(LIMIT)

    opus.pause = pause
    session.say_and_interrupt("hi", shown)
    session.until(lambda: (stage.gateway.local.status() or {}).get("active") == 0)  # while the host still has more
    gone.set()
    opus.pause = lambda: None
    opus.choose = lambda body: {"content": "whole"}
    session.say("again")
    asked = opus.requests[-1].body["messages"]
    assert asked[-1]["role"] == "user"
    assert "again" in json.dumps(asked[-1])


def test_a_session_moves_between_a_translated_slot_and_another(
    stage: Stage, opus: OpenAiUpstream, session: LiveSession  # noqa: F811
) -> None:  # fmt: skip
    """`/model` there and back; the history with its calls goes along."""
    opus.choose = first_calls(("Bash", {"command": "true"}))
    session.say("hi")
    before = stage.hits()
    session.ask("set_model", model="sonnet")
    session.say("on sonnet")
    assert stage.hits() == {**before, "sonnet": 1}
    history = json.dumps(stage.providers["sonnet"].requests[-1].body["messages"])
    assert "tool_use" in history
    assert "done" in history
    session.ask("set_model", model="opus")
    session.say("on opus again")
    assert stage.hits()["opus"] == before["opus"] + 1
    assert "from sonnet" in json.dumps(opus.requests[-1].body["messages"])
    stage.check_credentials()


def test_a_session_is_compacted_by_the_translated_slot(
    stage: Stage, opus: OpenAiUpstream, session: LiveSession  # noqa: F811
) -> None:  # fmt: skip
    """The summary stands in the place of what was said."""
    opus.choose = lambda body: {"content": "a word that was said before"}
    session.say("hi")
    opus.choose = lambda body: {"content": "<summary>the gist of it</summary>"}
    session.say("/compact")
    opus.choose = lambda body: {"content": "done"}
    session.say("and now")
    last = json.dumps(opus.requests[-1].body["messages"])
    assert "the gist of it" in last
    assert "a word that was said before" not in last


def test_a_package_that_is_replaced_under_an_open_session_costs_it_no_turn(
    stage: Stage, opus: OpenAiUpstream, tmp_path: Path  # noqa: F811
) -> None:  # fmt: skip
    """The old one serves on; killed, the new one answers; idle, it is replaced when the next session's helper comes."""
    site = tmp_path / "site"
    installed(site, __version__)
    path = {"PYTHONPATH": str(site)}
    launcher = [stage.client.program, "--model", "opus"]
    with RunningGateway(tmp_path / "g", KEYS, path) as own:
        stage.gateway = own
        stage.switch()
        # With the keys: what is started anew takes them from its own environment. The connection that is kept goes with
        # who is killed, and whether the client hears of that before it asks is luck: so it may ask again, as it does.
        environ = {**stage.environ, **path, "CLAUDE_CODE_MAX_RETRIES": "3"}
        with LiveSession(stage.client, stage.repo, launcher, environ) as session:

            def turn(says: str, version: str) -> None:
                session.say(says)
                assert (own.local.status() or {})["version"] == version

            turn("one", __version__)
            installed(site, "98.0")
            turn("two", __version__)
            os.kill(own.pid, signal.SIGKILL)
            turn("three", "98.0")
            installed(site, "99.0")
            with LiveSession(stage.client, stage.repo, launcher, environ) as next_one:
                next_one.say("four")
            turn("five", "99.0")
        assert own.local.stop()
    assert len(opus.requests) == 5
    assert {(one.bearer, one.api_key) for one in opus.requests} == {(KEYS["opus"], None)}
