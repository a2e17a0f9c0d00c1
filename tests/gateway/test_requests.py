"""What Claude Code sends becomes a request that strict servers take, whatever model they have."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.chat_rules import TEMPLATES, complaints

from llmswitch.gateway import chat_answer, chat_ids
from llmswitch.gateway.chat_request import GO_ON, NO_RESULT, call_ids, request, signature

Json = dict[str, Any]
ASKED = chat_answer.Asked("m", "llm.example", {}, set())
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}}
TOOL = {"name": "Bash", "description": "Runs.", "input_schema": {"type": "object"}}


def text(words: str) -> Json:
    """Return a text as Claude Code sends it."""
    return {"type": "text", "text": words, "cache_control": {"type": "ephemeral"}}


def use(identifier: str = "toolu_1", name: str = "Bash", **given: Any) -> Json:
    """Return a call in the history."""
    return {"type": "tool_use", "id": identifier, "name": name, "input": given}


def result(identifier: str = "toolu_1", content: Any = "out") -> Json:
    """Return a call's result."""
    return {"type": "tool_result", "tool_use_id": identifier, "content": content, "cache_control": {}}


def thought(words: str, signed: str = signature("llm.example")) -> Json:
    """Return a thinking block."""
    return {"type": "thinking", "thinking": words, "signature": signed}


def user(*blocks: Json) -> Json:
    """Return a message of the user's."""
    return {"role": "user", "content": list(blocks)}


def assistant(*blocks: Json) -> Json:
    """Return a message of the model's."""
    return {"role": "assistant", "content": list(blocks)}


def system(words: str) -> Json:
    """Return what Claude Code says between messages."""
    return {"role": "system", "content": [text(words)]}


REMINDER = text("<system-reminder>\nmind\n</system-reminder>")
SHAPES: dict[str, list[Json]] = {
    "a question": [user(text("a"))],
    "a system message in the middle": [user(text("a")), system("mind this"), assistant(text("b")), user(text("c"))],
    "a system message last": [user(text("a")), assistant(text("b")), user(text("c")), system("mind this")],
    "a system message first": [system("mind this"), user(text("a"))],
    "a call": [user(text("a")), assistant(text("b"), use(command="ls")), user(result())],
    "a reminder behind a result": [user(text("a")), assistant(use()), user(result(), REMINDER)],
    "a system message between call and result": [user(text("a")), assistant(use()), system("mind"), user(result())],
    "words before a result": [user(text("a")), assistant(use()), user(text("stop"), result())],
    "parallel calls": [
        user(text("a")), assistant(use("toolu_1"), use("toolu_2", "Read")), user(result("toolu_2"), result("toolu_1")),
    ],
    "parallel calls in two messages": [
        user(text("a")), assistant(use("toolu_1")), assistant(use("toolu_2")), user(result("toolu_1")),
        user(result("toolu_2")),
    ],
    "a call without a result": [user(text("a")), assistant(use("toolu_1"), use("toolu_2")), user(result("toolu_1"))],
    "a call that was broken off": [user(text("a")), assistant(use()), user(text("something else"))],
    "a result without a call": [user(result("toolu_9"), text("a"))],
    "an image in a result": [user(text("a")), assistant(use()), user(result(content=[IMAGE]))],
    "an image": [user(text("see"), IMAGE)],
    "thinking with a call": [user(text("a")), assistant(thought("hm"), use()), user(result(), REMINDER)],
    "another's thinking": [user(text("a")), assistant(thought("hm", "EqRk…"), text("b"), use()), user(result())],
    "nothing but thinking": [user(text("a")), assistant(thought("hm")), user(text("b"))],
    "an answer first": [assistant(text("a")), user(text("b"))],
    "an answer last": [user(text("a")), assistant(text("b"))],
    "two questions": [user(text("a")), user(text("b"))],
    "two answers": [user(text("a")), assistant(text("b")), assistant(text("c")), user(text("d"))],
    "two turns with one id": [
        user(text("a")), assistant(use("call_1", n=1)), user(result("call_1", "one")), assistant(text("b")),
        user(text("c")), assistant(use("call_1", n=2)), user(result("call_1", "two")),
    ],
    "long ids and odd ones": [
        user(text("a")), assistant(use("x" * 64), use(chat_ids.to_client("functions.Bash:0", set()))),
        user(result("x" * 64), result(chat_ids.to_client("functions.Bash:0", set()))),
    ],
    "a long name": [user(text("a")), assistant(use(name="mcp__" + "x" * 90)), user(result())],
}  # fmt: skip


def made(messages: list[Json], model: str = "gpt", **fields: Any) -> Json:
    """Return the request for a talk."""
    body = {"max_tokens": 5, "system": [text("be brief")], "messages": messages, "tools": [TOOL], **fields}
    return request(body, model, "llm.example")


@pytest.mark.parametrize("model", TEMPLATES)
@pytest.mark.parametrize("shape", SHAPES)
def test_the_servers_own_rules_are_kept(shape: str, model: str) -> None:
    """Those of each model's template, and of Mistral's own validator."""
    sent = made(SHAPES[shape], model)
    assert complaints(model, sent) == []
    assert "cache_control" not in json.dumps(sent)


BLOCKS = st.sampled_from([text("a"), REMINDER, IMAGE, thought("hm"), use("a1"), use("a2"), result("a1"), result("a2")])
TALKS = st.lists(st.builds(lambda role, blocks: {"role": role, "content": blocks},
                           st.sampled_from(["user", "assistant"]), st.lists(BLOCKS, max_size=4))
                 | st.just(system("mind")), max_size=8)  # fmt: skip
_OF_MODEL, _OF_USER = {"thinking", "tool_use", "text"}, {"tool_result", "text", "image"}


@settings(max_examples=200, deadline=None)
@given(TALKS, st.sampled_from(sorted(TEMPLATES)))
def test_whatever_the_talk_the_rules_are_kept(talk: list[Json], model: str) -> None:
    """Broken histories, too."""
    messages = []
    for message in talk:
        fit = _OF_MODEL if message["role"] == "assistant" else _OF_USER
        messages.append({**message, "content": [block for block in message["content"] if block["type"] in fit]})
    found = complaints(model, made(messages, model))
    # A picture or words of the user's behind a result end a turn of thinking: there is no other place for them.
    assert [one for one in found if one != "_reasoning_is_kept"] == []


def roles(messages: list[Json]) -> list[str]:
    """Return who says what."""
    return [message["role"] for message in messages]


def test_a_reminder_in_the_middle_keeps_its_place() -> None:
    """As text of the turn beside it; the system message stays the first and the only one."""
    sent = made(SHAPES["a system message in the middle"])["messages"]
    assert roles(sent) == ["system", "user", "assistant", "user"]
    assert sent[0]["content"] == "be brief"
    assert sent[1]["content"] == "a\n\n<system-reminder>\nmind this\n</system-reminder>"


def test_a_reminder_behind_a_result_goes_into_it() -> None:
    """A message of the user's there would end the turn; other words of the user's are one."""
    sent = made(SHAPES["a reminder behind a result"])["messages"]
    assert (roles(sent)[-1], sent[-1]["content"]) == ("tool", "out\n\n<system-reminder>\nmind\n</system-reminder>")
    assert roles(made(SHAPES["words before a result"])["messages"])[-2:] == ["tool", "user"]


def test_calls_of_the_past_are_as_they_were() -> None:
    """Names, ids, order and arguments; what is missing is said to be."""
    sent = made([user(text("a")), assistant(use("call_7", "Read", path="é/x"), use("call_8")), user(result("call_7"))])
    call, other = sent["messages"][2]["tool_calls"]
    assert call == {"id": "call_7", "type": "function", "function": {"name": "Read", "arguments": '{"path": "é/x"}'}}
    assert [one["tool_call_id"] for one in sent["messages"][3:]] == ["call_7", other["id"]]
    assert sent["messages"][-1]["content"] == NO_RESULT


@pytest.mark.parametrize("identifier", ["functions.Bash:0", "a b", "é", "call_x_", "call_1", "c" * 40])
def test_an_id_goes_back_as_the_server_gave_it(identifier: str) -> None:
    """Though the client gets one that every API takes."""
    seen = chat_ids.to_client(identifier, set())
    assert seen.replace("-", "").replace("_", "").isalnum()
    assert chat_ids.to_server(seen, mistral=False) == identifier


def test_only_reasoning_of_this_kind_goes_back_and_with_a_call_only() -> None:
    """As DeepSeek, Moonshot and Z.ai want it; others refuse an unknown field."""
    sent = made([user(text("a")), assistant(thought("hm"), use()), user(result()), assistant(thought("so"), text("b")),
                 user(text("c")), assistant(thought("no", "EqR"), use("t2")), user(result("t2"))])  # fmt: skip
    assert [one["reasoning_content"] for one in sent["messages"] if "reasoning_content" in one] == ["hm"]
    answer = {"choices": [{"message": {"reasoning_content": "hm", "content": "x"}, "finish_reason": "stop"}]}
    assert chat_answer.message(answer, ASKED)["content"][0]["signature"] == signature("llm.example")
    assert "reasoning_content" not in json.dumps(
        request({"messages": SHAPES["thinking with a call"]}, "gpt", "other.example")
    )
    answer = {"choices": [{"message": {"reasoning": "hm", "content": "x"}, "finish_reason": "stop"}]}
    assert chat_answer.message(answer, ASKED)["content"][0]["signature"] != signature("llm.example")


def test_a_talk_that_the_model_ends_or_begins_is_made_one_that_goes_on() -> None:
    """Servers want the user's word there."""
    assert made(SHAPES["an answer last"])["messages"][-1] == {"role": "user", "content": GO_ON}
    assert made(SHAPES["an answer first"])["messages"][1] == {"role": "user", "content": GO_ON}


def test_a_tools_name_that_is_too_long_comes_back_whole() -> None:
    """MCP tools have such names."""
    name = "mcp__server__" + "x" * 80
    sent = made([user(text("a"))], tools=[{**TOOL, "name": name}], tool_choice={"type": "tool", "name": name})
    short = sent["tools"][0]["function"]["name"]
    assert len(short) <= 64
    assert sent["tool_choice"]["function"]["name"] == short
    assert chat_ids.long_names([name]) == {short: name}


def test_the_ids_of_a_talk_are_known() -> None:
    """None of them may come again."""
    assert call_ids({"messages": SHAPES["parallel calls"]}) == {"toolu_1", "toolu_2"}
