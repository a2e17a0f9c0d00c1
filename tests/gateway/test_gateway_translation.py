"""Slots at OpenAI-format hosts: what Claude Code sends becomes a request that a strict host takes, and back."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from support.answers import STREAMED, WHOLE, Broken, Case, got, read
from support.gateway import Pin, RunningGateway, error, replying, route
from support.messages_server import Handler, Request
from support.openai_server import OpenAiUpstream, call, text

KEY = "sk-test-opus-0123456789abcdef0123456789"
TOOL = {"name": "Bash", "description": "Runs.", "input_schema": {"type": "object", "properties": {}}}
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}}
USE = {"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {"command": "ls"}}
CACHED = {"cache_control": {"type": "ephemeral"}}


def user(*blocks: dict[str, Any] | str) -> dict[str, Any]:
    """Return a message of the user's."""
    return {"role": "user", "content": [_text(block) if isinstance(block, str) else block for block in blocks]}


def assistant(*blocks: dict[str, Any] | str) -> dict[str, Any]:
    """Return a message of the model's."""
    return {**user(*blocks), "role": "assistant"}


def _text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words, **CACHED}


def result(content: object, identifier: str = "toolu_1") -> dict[str, Any]:
    """Return a tool's result."""
    return {"type": "tool_result", "tool_use_id": identifier, "content": content, **CACHED}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    """One gateway for these tests."""
    with RunningGateway(tmp_path_factory.mktemp("gw"), {"opus": KEY}) as running:
        yield running


@pytest.fixture
def host() -> Iterator[OpenAiUpstream]:
    """A strict host."""
    with OpenAiUpstream(text("it works well")) as running:
        yield running


@pytest.fixture
def pin(gateway: RunningGateway, host: OpenAiUpstream) -> Pin:
    """A pin with one slot, at that host."""
    return gateway.routes(gpt=route(host.url + "/v1", "opus", model="gpt", protocol="openai"))


def ask(pin: Pin, **fields: Any) -> dict[str, Any]:
    """Ask for a whole message and return it."""
    reply = pin.post({"model": "gpt", "max_tokens": 50, "messages": [user("hi")], **fields})
    assert reply.status == 200, reply.body
    answer: dict[str, Any] = json.loads(reply.body)
    return answer


def events(body: bytes) -> list[dict[str, Any]]:
    """Return the events of a stream."""
    return [json.loads(line[6:]) for line in body.decode().splitlines() if line.startswith("data: ")]


def test_a_message_and_its_key(pin: Pin, host: OpenAiUpstream) -> None:
    """The model, the limit and the system prompt arrive; the answer and its tokens come back."""
    answer = ask(pin, system=[_text("be brief"), _text("always")])
    assert [block["text"] for block in answer["content"]] == ["it works well"]
    assert (answer["type"], answer["stop_reason"]) == ("message", "end_turn")
    assert (answer["usage"]["input_tokens"], answer["usage"]["output_tokens"]) == (9, 3)
    [request] = host.requests
    assert (request.bearer, request.api_key, request.body["max_tokens"]) == (KEY, None, 50)
    assert request.body["messages"][0] == {"role": "system", "content": "be brief\n\nalways"}
    assert pin.token not in repr(request)


def test_a_stream(pin: Pin) -> None:
    """In the Messages API's events, with the tokens at its end."""
    reply = pin.post({"model": "gpt", "max_tokens": 5, "messages": [user("hi")], "stream": True})
    found = events(reply.body)
    assert [found[0]["type"], found[-1]["type"]] == ["message_start", "message_stop"]
    words = [event["delta"]["text"] for event in found if event["type"] == "content_block_delta"]
    assert words == ["it", " works", " well"]
    [last] = [event for event in found if event["type"] == "message_delta"]
    assert (last["delta"]["stop_reason"], last["usage"]["output_tokens"]) == ("end_turn", 3)


@pytest.mark.parametrize("stream", [False, True])
def test_a_tool_call(pin: Pin, host: OpenAiUpstream, stream: bool) -> None:
    """The tool is offered, the call comes back with its input."""
    host.choose = lambda body: call("Bash", command="ls")
    reply = pin.post({"model": "gpt", "max_tokens": 5, "messages": [user("hi")], "tools": [TOOL], "stream": stream})
    if stream:
        found = events(reply.body)
        block = next(event["content_block"] for event in found if event["type"] == "content_block_start")
        parts = [event["delta"]["partial_json"] for event in found if event["type"] == "content_block_delta"]
        block["input"] = json.loads("".join(parts))
        stop = next(event["delta"]["stop_reason"] for event in found if event["type"] == "message_delta")
    else:
        answer = json.loads(reply.body)
        block, stop = answer["content"][-1], answer["stop_reason"]
    assert (block["name"], block["input"], stop) == ("Bash", {"command": "ls"}, "tool_use")
    assert host.requests[0].body["tools"][0]["function"]["name"] == "Bash"


AWKWARD: dict[str, tuple[dict[str, Any], str]] = {
    "cache_control everywhere": (
        {"messages": [user("a"), assistant("b", {**USE, **CACHED}), user(result([_text("out")]))],
         "system": [_text("s")], "tools": [{**TOOL, **CACHED}]},
        "out",
    ),
    "a system message between messages": (
        {"messages": [user("a"), {"role": "system", "content": [_text("mind this")]}, user("b")]}, "mind this",
    ),
    "a tool with defer_loading": ({"tools": [{**TOOL, "defer_loading": True}]}, "Bash"),
    "an image": ({"messages": [user("see", IMAGE)]}, "data:image/png;base64,aGk="),
    "parallel calls and their results": (
        {"messages": [user("a"), assistant(USE, {**USE, "id": "toolu_2"}),
                      user(result("one"), result("two", "toolu_2"))]},
        "two",
    ),
    "an image in a result": (
        {"messages": [user("a"), assistant(USE), user(result([IMAGE]), "go on")]}, "data:image/png;base64,aGk=",
    ),
    "an empty result": ({"messages": [user("a"), assistant(USE), user(result(""))]}, "(no output)"),
    "no result at all": (
        {"messages": [user("a"), assistant(USE), user({"type": "tool_result", "tool_use_id": "toolu_1"})]},
        "(no output)",
    ),
    "a tool reference in a result": (
        {"messages": [user("a"), assistant(USE), user(result([{"type": "tool_reference", "tool_name": "Grep"}]))]},
        "Grep",
    ),
    "thinking in the history": (
        {"messages": [user("a"), assistant({"type": "thinking", "thinking": "hm", "signature": "x"}, "b"), user("c")]},
        "b",
    ),
    "nothing but thinking in a message": (
        {"messages": [user("a"), assistant({"type": "thinking", "thinking": "hm", "signature": "x"}), user("c")]}, "c",
    ),
    "adaptive thinking and effort": (
        {"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"},
         "context_management": {"edits": []}, "metadata": {"user_id": "u"}},
        "hi",
    ),
    "a tool that must be used": ({"tools": [TOOL], "tool_choice": {"type": "tool", "name": "Bash"}}, '"function"'),
    "Anthropic's own tools": (
        {"tools": [TOOL, {"type": "web_search_20250305", "name": "web_search"}],
         "tool_choice": {"type": "tool", "name": "web_search"}},
        "Bash",
    ),
    "a schema for the answer": (
        {"output_config": {"format": {"type": "json_schema", "schema": {"type": "object", "title": "T"}}}},
        "json_schema",
    ),
    "a PDF file": (
        {"messages": [user({"type": "document", "title": "Plan",
                            "source": {"type": "base64", "media_type": "application/pdf", "data": "aGk="}})]},
        "left out here (Plan)",
    ),
    "a text document": (
        {"messages": [user({"type": "document", "source": {"type": "text", "data": "its words"}})]}, "its words",
    ),
    "an empty text": ({"messages": [user("", "b")]}, "b"),
}  # fmt: skip


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("case", AWKWARD)
def test_what_claude_code_sends_is_taken_by_a_strict_host(
    pin: Pin, host: OpenAiUpstream, case: str, stream: bool
) -> None:
    """With what matters in it."""
    fields, arrives = AWKWARD[case]
    body = {"model": "gpt", "max_tokens": 5, "messages": [user("hi")], **fields, "stream": stream}
    host.choose = text('{"a": 1}')
    reply = pin.post(body)
    assert (reply.status, host.complaints) == (200, []), reply.body
    assert arrives in json.dumps(host.requests[0].body)


@pytest.mark.parametrize("status", [400, 404, 429, 500, 503])
def test_an_error_keeps_its_status_text_and_wait(pin: Pin, host: OpenAiUpstream, status: int) -> None:
    """In the client's shape; one request, no retry."""
    host.behaviour = replying(status, {"error": {"message": "it says so", "type": "x"}}, {"retry-after": "3"})
    reply = pin.post({"model": "gpt", "max_tokens": 5, "messages": [user("hi")], "stream": True})
    assert (reply.status, reply.message, reply.headers["retry-after"]) == (status, "it says so", "3")
    assert len(host.requests) == 1


def test_a_prompt_that_is_too_long_is_said_in_the_words_the_client_knows(pin: Pin, host: OpenAiUpstream) -> None:
    """So that it compacts."""
    host.behaviour = replying(400, {"error": {"message": "too many", "code": "context_length_exceeded"}})
    assert pin.post({"model": "gpt", "messages": [user("hi")]}).message == "prompt is too long: too many"


def test_a_refused_key_is_named_and_shown_once(gateway: RunningGateway, host: OpenAiUpstream) -> None:
    """As for other hosts."""
    pin = gateway.routes(gpt=route(host.url + "/v1", "opus", model="gpt", protocol="openai"))
    host.behaviour = replying(401, {"error": {"message": f"Incorrect API key provided: {KEY}"}})
    replies = [pin.post({"model": "gpt", "messages": [user("hi")]}) for _ in range(2)]
    assert [reply.status for reply in replies] == [401, 401]
    assert replies[0].message.partition(" It says: ")[0].endswith("refused the opus key (401).")
    assert KEY not in replies[0].message
    assert len(host.requests) == 1


def test_a_redirect_is_refused(pin: Pin, host: OpenAiUpstream) -> None:
    """And the host it names is never asked."""
    with OpenAiUpstream() as hostile:
        host.behaviour = replying(307, b"", {"Location": hostile.url + "/v1/chat/completions"})
        assert pin.post({"model": "gpt", "messages": [user("hi")]}).status == 502
        assert hostile.requests == []


def test_a_dead_host_is_named(gateway: RunningGateway) -> None:
    """502, with host and slot."""
    with OpenAiUpstream() as gone:
        url = gone.url
    pin = gateway.routes(gpt=route(url + "/v1", "opus", model="gpt", protocol="openai"))
    reply = pin.post({"model": "gpt", "messages": [user("hi")]})
    assert reply.status == 502
    assert reply.message.startswith(f"{url[7:]} (slot opus) cannot be reached")


def test_a_cut_in_a_stream_is_a_cut_for_the_client(pin: Pin, host: OpenAiUpstream) -> None:
    """Never a clean end."""
    host.cut_after = 2
    with pytest.raises(http.client.IncompleteRead) as caught:
        pin.post({"model": "gpt", "messages": [user("hi")], "stream": True})
    assert b"message_start" in caught.value.partial
    assert b"message_stop" not in caught.value.partial


def test_what_servers_really_send_arrives_or_breaks_off(pin: Pin, host: OpenAiUpstream) -> None:
    """Each answer of the table, over the wire: the rest of the table is tested in test_answers."""
    wrong = []
    tables = [(True, STREAMED), (False, WHOLE)]
    for name, case, streamed in [(name, case, flag) for flag, table in tables for name, case in table.items()]:
        host.behaviour = _sending(case, streamed)
        result = _asked(pin, streamed)
        if not (case.may_break if result is None and case.right else _is_right(case, result)):
            wrong.append((name, result))
    assert wrong == []


def _is_right(case: Case, result: Any) -> bool:
    return result is None if case.right is None else case.right(result)


def _asked(pin: Pin, streamed: bool) -> Any:
    """Return what a strict reader got, None for an error or a cut."""
    try:
        reply = pin.post({"model": "gpt", "max_tokens": 5, "messages": [user("hi")], "stream": streamed})
        return None if reply.status != 200 else read(reply.body) if streamed else got(json.loads(reply.body))
    except (Broken, http.client.IncompleteRead):
        return None


def _sending(case: Case, streamed: bool) -> Any:
    def behave(handler: Handler, request: Request) -> bool:
        handler.send_response(200)
        handler.send_header("Content-Type", "text/event-stream" if streamed else "application/json")
        length = len(case.body) + (0 if case.ends else 10)
        handler.send_header("Content-Length", str(length))
        handler.end_headers()
        for line in case.body.splitlines(True) if case.pause else [case.body]:
            handler.wfile.write(line)
            handler.wfile.flush()
            time.sleep(case.pause)
        handler.close_connection = not case.ends
        return True

    return behave


def test_a_server_that_streams_nothing_though_asked_to_is_read(pin: Pin, host: OpenAiUpstream) -> None:
    """As one answer, which the client gets as a stream."""
    host.behaviour = _sending(WHOLE["par"], streamed=False)
    result = _asked(pin, streamed=True)
    assert WHOLE["par"].right
    assert WHOLE["par"].right(result)


def test_tokens_are_not_counted(pin: Pin, host: OpenAiUpstream) -> None:
    """404, with which the client copes."""
    assert pin.post({"model": "gpt", "messages": []}, pin.path + "/count_tokens").status == 404
    assert host.requests == []


@pytest.mark.parametrize("body", [b'{"model":"gpt","messages":5}', b'{"model":"gpt","messages":[{}]}'])
def test_a_body_that_is_no_request_is_refused(pin: Pin, body: bytes) -> None:
    """In the client's shape."""
    assert json.loads(pin.post(body).body)["error"]["type"] == error("invalid_request_error", "")["error"]["type"]  # type: ignore[index]
