"""What servers of the OpenAI format really send, and what a client of the Messages API must get.

Each shape was seen in the field or in an issue of a server or a proxy. `read` is the strict reader: it takes what
Anthropic's own API could send and nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]
ONE = ("Bash", {"command": "one"})
TWO = ("Read", {"file_path": "/two"})
UNICODE = 'é€😀漢 "quoted" \\ and\nnew'
LARGE = "x" * 1_000_000


class Broken(Exception):
    """The answer says that it is not whole: an `error` event, or an end without `message_stop`."""


@dataclass(frozen=True)
class Got:
    """What a client got: text, thinking, calls as (name, input), the reason of the end, and the tokens."""

    text: str
    thinking: str
    calls: list[tuple[str, Any]]
    stop: str
    usage: tuple[int, int, int]


def read(body: bytes) -> Got:
    """Read a stream; Broken where it says that it broke off, AssertionError where no Messages API sends the like."""
    events = [_event(frame) for frame in body.decode().split("\n\n") if frame]
    assert events, "nothing"
    assert events[0]["type"] == "message_start"
    message = {**events[0]["message"], "content": []}
    raw: list[list[str]] = []
    opened = False
    for event in events[1:]:
        opened = _take(event, message, raw, opened)
    if message["stop_reason"] and events[-1]["type"] == "message_stop":
        return got(message)
    raise Broken("cut")


def _take(event: Json, message: Json, raw: list[list[str]], opened: bool) -> bool:
    """Take an event and say whether a block is open behind it."""
    kind = event["type"]
    assert kind in ("ping", "error", "message_stop") or kind == "message_delta" or message["stop_reason"] is None
    if kind == "error":
        raise Broken(event["error"]["message"])
    if kind.startswith("content_block"):
        assert opened == (kind != "content_block_start")
        return _take_block(kind, event, message, raw)
    if kind == "message_delta":
        assert not opened
        message["stop_reason"], message["usage"] = event["delta"]["stop_reason"], event["usage"]
    else:
        assert kind in ("ping", "message_stop")
        assert kind == "ping" or message["stop_reason"]
    return opened


def _take_block(kind: str, event: Json, message: Json, raw: list[list[str]]) -> bool:
    assert event["index"] == len(raw) - (kind != "content_block_start")
    if kind == "content_block_start":
        message["content"].append(dict(event["content_block"]))
        raw.append([])
    elif kind == "content_block_delta":
        _delta(message["content"][-1], event["delta"], raw[-1])
    else:
        assert kind == "content_block_stop"
        _close(message["content"][-1], raw[-1])
    return kind != "content_block_stop"


def _event(frame: str) -> Json:
    lines = frame.split("\n")
    assert lines[0].startswith("event: ")
    assert lines[1].startswith("data: ")
    data: Json = json.loads(lines[1][6:])
    assert lines[0] == f"event: {data['type']}"
    return data


def _delta(block: Json, delta: Json, raw: list[str]) -> None:
    kind, allowed = delta["type"], {"text": {"text_delta"}, "tool_use": {"input_json_delta"},
                                    "thinking": {"thinking_delta", "signature_delta"}}  # fmt: skip
    assert kind in allowed[block["type"]]
    if kind == "signature_delta":
        block["signature"] = delta["signature"]
    else:
        words = delta[{"text_delta": "text", "input_json_delta": "partial_json", "thinking_delta": "thinking"}[kind]]
        assert not any("\ud800" <= letter <= "\udfff" for letter in words)
        raw.append(words)


def _close(block: Json, raw: list[str]) -> None:
    if block["type"] == "tool_use":
        assert block["input"] == {}
        try:
            block["input"] = json.loads("".join(raw) or "{}")
        except ValueError:
            block["input"] = "".join(raw)  # as Claude Code gets it, and refuses it
    else:
        block[block["type"]] += "".join(raw)


def got(message: Json) -> Got:
    """Return what stands in a whole message; AssertionError where no Messages API sends the like."""
    assert (message["type"], message["role"]) == ("message", "assistant")
    assert message["id"]
    content = message["content"]
    assert {block["type"] for block in content} <= {"text", "thinking", "tool_use"}
    uses = [block for block in content if block["type"] == "tool_use"]
    identifiers = [block["id"] for block in uses]
    assert all(identifiers)
    assert len(set(identifiers)) == len(identifiers)
    assert all(block["signature"] for block in content if block["type"] == "thinking")
    usage = message["usage"]
    return Got(
        "".join(block["text"] for block in content if block["type"] == "text"),
        "".join(block["thinking"] for block in content if block["type"] == "thinking"),
        [(block["name"], block["input"]) for block in uses],
        message["stop_reason"],
        (usage.get("input_tokens", 0), usage.get("cache_read_input_tokens") or 0, usage["output_tokens"]),
    )


# What a server sends.


def chunk(delta: Json | None = None, finish: str | None = None, **more: Any) -> Json:
    """Return one chunk of a stream."""
    choice = {"index": 0, "delta": delta or {}, "finish_reason": finish}
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice], **more}


def piece(index: int | None, identifier: str | None = None, name: str | None = None, arguments: str = "") -> Json:
    """Return one piece of a call."""
    function: Json = {"arguments": arguments, **({} if name is None else {"name": name})}
    made: Json = {"function": function, **({} if index is None else {"index": index})}
    return {**made, **({} if identifier is None else {"id": identifier, "type": "function"})}


def calls(*pieces: Json) -> Json:
    """Return a chunk with pieces of calls."""
    return chunk({"tool_calls": list(pieces)})


def stream(*chunks: Json, finish: str | None = "stop", done: bool = True) -> bytes:
    """Return the body of a stream; `finish` None: it ends without saying why."""
    ends = [chunk({}, finish)] if finish else []
    lines = [f"data: {json.dumps(one)}\n\n" for one in [*chunks, *ends]]
    return "".join([*lines, *(["data: [DONE]\n\n"] if done else [])]).encode()


def words(*texts: str) -> list[Json]:
    """Return a chunk for each text."""
    return [chunk({"role": "assistant", "content": ""}), *(chunk({"content": text}) for text in texts)]


def whole(message: Json, finish: str = "stop") -> bytes:
    """Return a whole answer."""
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}
    data = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": USAGE}
    return json.dumps(data).encode()


def call(pair: tuple[str, Json], identifier: str = "call_1", arguments: str | None = None) -> Json:
    """Return a whole call."""
    given = json.dumps(pair[1]) if arguments is None else arguments
    return {"id": identifier, "type": "function", "function": {"name": pair[0], "arguments": given}}


def _pieces(text: str, size: int) -> list[str]:
    return [text[start : start + size] for start in range(0, len(text), size)]


USAGE: Json = {
    "prompt_tokens": 5000, "completion_tokens": 77, "total_tokens": 5077,
    "prompt_tokens_details": {"cached_tokens": 4000},
}  # fmt: skip
_A, _B = json.dumps(ONE[1]), json.dumps(TWO[1])
_GO_ONE = calls(piece(0, "call_1", "Bash", _A))
_LARGE, _UNICODE = json.dumps({"command": LARGE}), json.dumps({"command": UNICODE}, ensure_ascii=False)


@dataclass(frozen=True)
class Case:
    """An answer as a server sends it; `right` judges what the client got, None where it must be a cut or an error."""

    body: bytes
    right: Callable[[Got], bool] | None
    ends: bool = True  # without: the server breaks the connection off in the middle
    pause: float = 0  # seconds between two lines
    may_break: bool = False  # an error is right, too


def _is(text: str = "", calls: Iterable[tuple[str, Any]] = (), stop: str = "end_turn", thinking: str = "") -> Any:
    wanted = list(calls)
    return lambda one: (one.text, one.calls, one.stop, one.thinking) == (text, wanted, stop, thinking)


def _uses(*wanted: tuple[str, Any], text: str = "", thinking: str = "") -> Any:
    return _is(text, wanted, "tool_use", thinking)


def _counts(text: str, usage: tuple[int, int, int]) -> Any:
    return lambda one: (one.text, one.stop, one.usage) == (text, "end_turn", usage)


_FIVE = words("It ", "works ", "very ", "well ", "here.")
_FIVE_TEXT = "It works very well here."
_ALL = (1000, 4000, 77)
_NO_DETAILS = {"prompt_tokens": 5000, "completion_tokens": 77, "total_tokens": 5077}
_TOOLS = "tool_calls"
_DUP = [*words("before "), _GO_ONE, chunk({"content": "after"})]
_HALVES = b'data: {"choices":[{"index":0,"delta":{"content":"a\\ud83d"}}]}\n\n' \
          b'data: {"choices":[{"index":0,"delta":{"content":"\\ude00b"}}]}\n\n'  # fmt: skip
_USED = chunk(usage=USAGE)
_LAST_USAGE: Json = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [],
                     "usage": USAGE}  # fmt: skip
_ASTEXT = '<tool_call>{"name": "Bash", "arguments": {"command": "one"}}</tool_call>'

STREAMED: dict[str, Case] = {
    "text": Case(stream(*_FIVE), _is(_FIVE_TEXT)),
    "par-seq": Case(stream(_GO_ONE, calls(piece(1, "call_2", "Read", _B)), finish=_TOOLS), _uses(ONE, TWO)),
    "par-interleaved": Case(
        stream(
            calls(piece(0, "call_1", "Bash")), calls(piece(1, "call_2", "Read")),
            *(calls(piece(index, arguments=text[start : start + 3]))
              for start in range(0, 24, 3) for index, text in ((0, _A), (1, _B))),
            finish=_TOOLS),
        _uses(ONE, TWO),
    ),
    "par-onechunk": Case(
        stream(calls(piece(0, "call_1", "Bash", _A), piece(1, "call_2", "Read", _B)), finish=_TOOLS), _uses(ONE, TWO)
    ),
    "tool-noindex": Case(stream(calls(piece(None, "call_1", "Bash", _A)), finish=_TOOLS), _uses(ONE)),
    "tool-idrepeat": Case(
        stream(calls(piece(0, "call_1", "Bash", _A[:5])), calls(piece(0, "call_1", "", _A[5:])), finish=_TOOLS),
        _uses(ONE),
    ),
    "tool-emptyid": Case(stream(calls(piece(0, "", "Bash", _A)), finish=_TOOLS), _uses(ONE)),
    "tool-stop": Case(stream(_GO_ONE, finish="stop"), _uses(ONE)),
    "tool-noargs": Case(stream(calls(piece(0, "call_1", "Bash", "")), finish=_TOOLS), _uses(("Bash", {}))),
    "tool-badjson": Case(
        stream(calls(piece(0, "call_1", "Bash", '{"command": ')), finish=_TOOLS),
        lambda one: [name for name, _ in one.calls] == ["Bash"] and one.calls[0][1] == '{"command": ', may_break=True,
    ),
    "tool-dup": Case(stream(*_DUP, finish=_TOOLS), _uses(ONE, text="before after")),
    "tool-astext": Case(stream(*words(*_pieces(_ASTEXT, 9))), _is(_ASTEXT)),
    "tool-large": Case(
        stream(calls(piece(0, "c", "Bash")), *(calls(piece(0, arguments=part)) for part in _pieces(_LARGE, 4096)),
               finish=_TOOLS),
        _uses(("Bash", {"command": LARGE})),
    ),
    "tool-unicode": Case(
        stream(calls(piece(0, "c", "Bash")), *(calls(piece(0, arguments=part)) for part in _UNICODE), finish=_TOOLS),
        _uses(("Bash", {"command": UNICODE})),
    ),
    "reasoning": Case(
        stream(chunk({"reasoning_content": "hm "}), chunk({"reasoning_content": "so"}), *_FIVE),
        _is(_FIVE_TEXT, thinking="hm so"),
    ),
    "reasoning2": Case(stream(chunk({"reasoning": "hm"}), *_FIVE), _is(_FIVE_TEXT, thinking="hm")),
    "reasoning-tool": Case(
        stream(chunk({"reasoning_content": "hm"}), _GO_ONE, finish=_TOOLS), _uses(ONE, thinking="hm")
    ),
    "think-tags": Case(
        stream(*words("<think>hm", "</think>", "answer")), lambda one: one.text.endswith("answer")
    ),
    "refusal": Case(stream(chunk({"refusal": "I will "}), chunk({"refusal": "not."})), _is("I will not.")),
    "filter": Case(stream(*words("so"), finish="content_filter"), _is("so", stop="refusal")),
    "length": Case(stream(*words("so"), finish="length"), _is("so", stop="max_tokens")),
    "empty": Case(stream(), _is()),
    "nullcontent": Case(stream(chunk({"role": "assistant", "content": None})), _is()),
    "nofinish": Case(stream(*_FIVE, finish=None), None),
    "trunc": Case(stream(*_FIVE, finish=None, done=False), None),
    "trunc-tool": Case(stream(_GO_ONE, finish=None, done=False), None),
    "cutmid": Case(stream(*_FIVE, finish=None, done=False), None, ends=False),
    "errmid": Case(stream(*_FIVE, {"error": {"message": "it broke", "code": 502}}, finish=None), None),
    "badchunk": Case(stream(*_FIVE[:3]).replace(b"data: [DONE]", b"data: {no") + stream(*_FIVE[3:]), None),
    "nousage": Case(stream(*_FIVE), _counts(_FIVE_TEXT, (0, 0, 0))),
    "usage-nodetails": Case(
        stream(*_FIVE)[:-14] + stream({**_LAST_USAGE, "usage": _NO_DETAILS}, finish=None),
        _counts(_FIVE_TEXT, (5000, 0, 77)),
    ),
    "usage-infinish": Case(
        stream(*_FIVE, chunk({}, "stop", usage=USAGE), finish=None), _counts(_FIVE_TEXT, _ALL)
    ),
    "usage-null": Case(
        stream(*({**one, "usage": None} for one in _FIVE), _USED), _counts(_FIVE_TEXT, _ALL)
    ),
    "usage-after": Case(stream(*_FIVE)[:-14] + stream(_LAST_USAGE, finish=None), _counts(_FIVE_TEXT, _ALL)),
    "nodone": Case(stream(*_FIVE, done=False), _is(_FIVE_TEXT)),
    "comments": Case(b": PROCESSING\n\n" * 3 + stream(*_FIVE).replace(b"\n\n", b"\n\n: KEEP-ALIVE\n\n", 2),
                     _is(_FIVE_TEXT)),
    "crlf": Case(stream(*_FIVE).replace(b"\n", b"\r\n"), _is(_FIVE_TEXT)),
    "emptychoices": Case(stream({**_LAST_USAGE, "usage": None}, *_FIVE), _is(_FIVE_TEXT)),
    "unicode-split": Case(
        f"data: {json.dumps(chunk({'content': UNICODE}), ensure_ascii=False)}\n\n".encode() + stream(), _is(UNICODE)
    ),
    "surrogate-split": Case(_HALVES + stream(), _is("a😀b")),
    "contentarray": Case(
        stream(*(chunk({"content": [{"type": "text", "text": text}]}) for text in ("It ", "works"))), _is("It works")
    ),
    "long": Case(stream(*words(*(f"{number} " for number in range(2000)))),
                 _is("".join(f"{number} " for number in range(2000)))),
    "slow": Case(stream(*_FIVE), _is(_FIVE_TEXT), pause=0.05),
}  # fmt: skip

WHOLE: dict[str, Case] = {
    "text": Case(whole({"content": _FIVE_TEXT}), _counts(_FIVE_TEXT, _ALL)),
    "par": Case(whole({"content": None, "tool_calls": [call(ONE), call(TWO, "call_2")]}, _TOOLS), _uses(ONE, TWO)),
    "badjson": Case(whole({"content": None, "tool_calls": [call(ONE, arguments='{"command": ')]}, _TOOLS), None),
    "noargs": Case(
        whole({"content": None, "tool_calls": [call(ONE, arguments="")]}, _TOOLS), _uses(("Bash", {}))
    ),
    "reasoning": Case(
        whole({"reasoning_content": "hm", "content": _FIVE_TEXT}), _is(_FIVE_TEXT, thinking="hm")
    ),
    "refusal": Case(whole({"content": None, "refusal": "I will not."}), _is("I will not.")),
    "filter": Case(whole({"content": "so"}, "content_filter"), _is("so", stop="refusal")),
    "length": Case(whole({"content": "so"}, "length"), _is("so", stop="max_tokens")),
    "empty": Case(whole({"content": ""}), _is()),
}  # fmt: skip
