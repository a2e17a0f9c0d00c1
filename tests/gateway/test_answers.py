"""What servers of the OpenAI format send becomes what a strict client of the Messages API takes, or an error."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.answers import STREAMED, WHOLE, Broken, Case, Got, calls, chunk, got, piece, read, stream

from llmswitch.gateway import chat_answer, chat_stream
from llmswitch.gateway.chat_ids import long_names
from llmswitch.gateway.wire import BadAnswer

NAMES = long_names(["Bash", "Read"])


def asked(*taken: str) -> chat_answer.Asked:
    """Return what an answer has to fit."""
    return chat_answer.Asked("m", "llm.example", NAMES, set(taken))


def translated(parts: list[bytes], ended: bool = True) -> bytes:
    """Return the events for the pieces of a stream, with an error event where it breaks off; none for an error that
    comes first, which is an answer of its own."""
    lines, events, out = chat_stream.Lines(), chat_stream.Stream(asked()), b""
    try:
        for part in parts:
            for data in lines.feed(part):
                events.feed(data)
            out += events.take()
            if events.done:
                break
        if not ended:
            return out
        for data in lines.end():
            events.feed(data)
        events.end()
    except BadAnswer as bad:
        out += events.take()
        return out + _error(str(bad)) if out else b""
    return out + events.take()


def _error(text: str) -> bytes:
    data = {"type": "error", "error": {"type": "api_error", "message": text}}
    return f"event: error\ndata: {json.dumps(data)}\n\n".encode()


def judge(case: Case, body: bytes) -> None:
    """Assert that what the client got is right."""
    try:
        result = read(body) if body else None
    except Broken:
        assert case.right is None or case.may_break
        return
    assert result is None if case.right is None else result is not None and case.right(result), result


@pytest.mark.parametrize("case", STREAMED.values(), ids=STREAMED)
def test_a_stream_reaches_a_strict_reader(case: Case) -> None:
    """In one piece, and cut anywhere."""
    judge(case, translated([case.body], case.ends))
    places = random.Random(1)
    cuts = sorted({places.randrange(len(case.body)) for _ in range(200)})
    parts = [case.body[start:end] for start, end in zip([0, *cuts], [*cuts, len(case.body)], strict=True)]
    judge(case, translated(parts, case.ends))


def test_a_stream_byte_by_byte() -> None:
    """Letters of several bytes come in halves."""
    case = STREAMED["unicode-split"]
    judge(case, translated([bytes([byte]) for byte in case.body]))


@pytest.mark.parametrize("case", WHOLE.values(), ids=WHOLE)
def test_a_whole_answer(case: Case) -> None:
    """As a message, and as the stream of one that was to be streamed."""
    try:
        message = chat_answer.message(json.loads(case.body), asked())
    except BadAnswer:
        assert case.right is None
        return
    assert case.right
    assert case.right(got(message))
    assert read(chat_stream.events(message)) == got(message)


def test_words_go_on_as_they_come() -> None:
    """Each chunk gives its event at once, and so does the first of several calls."""
    events = chat_stream.Stream(asked())
    for one in (chunk({"content": "a"}), calls(piece(0, "c1", "Bash", '{"x":')), calls(piece(0, arguments="1}"))):
        events.feed(json.dumps(one))
        assert events.take()


def test_the_blocks_keep_their_order() -> None:
    """A text behind a call that goes on waits for it."""
    body = stream(
        calls(piece(0, "c1", "Bash", '{"a"')), chunk({"content": "after"}), calls(piece(0, arguments=":1}")),
        finish="tool_calls",
    )  # fmt: skip
    assert translated([body]).index(b'"Bash"') < translated([body]).index(b"after")
    assert read(translated([body])).calls == [("Bash", {"a": 1})]


@pytest.mark.parametrize(
    "pieces",
    [
        [piece(0, "a", "Bash", '{"n":1}'), piece(0, "b", "Read", '{"n":2}')],  # Gemini numbers every call 0
        [piece(None, "a", "Bash", '{"n":1}'), piece(None, "b", "Read", '{"n":2}')],
        [piece(None, None, "Bash", '{"n":1}'), piece(None, None, "Read", '{"n":2}')],
        [piece(None, "a", "Bash", '{"n"'), piece(None, "b", "Read", '{"n"'), piece(None, "a", None, ":1}"),
         piece(None, "b", None, ":2}")],
        [piece(0, "same", "Bash", '{"n":1}'), piece(1, "same", "Read", '{"n":2}')],
        [piece(0, "a", "Ba", ""), piece(0, None, "sh", '{"n":1}'), piece(1, "b", "Read", '{"n":2}')],
        [piece(0, "a", "Bash", '{"n"'), piece(0, "a", "Bash", ":1}"), piece(1, "b", "Read", '{"n":2}')],
    ],
)  # fmt: skip
def test_calls_are_told_apart(pieces: list[dict[str, object]]) -> None:
    """By index, id or name, whatever of these a server sends."""
    body = stream(*(calls(one) for one in pieces), finish="tool_calls")
    assert read(translated([body])).calls == [("Bash", {"n": 1}), ("Read", {"n": 2})]


def test_an_id_that_was_there_before_becomes_another() -> None:
    """Some servers number the calls of every answer anew."""
    message = chat_answer.message(json.loads(WHOLE["par"].body), asked("call_1"))
    assert message["content"][0]["id"] not in ("call_1", "call_2")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def answers(draw: st.DrawFn) -> tuple[list[dict[str, object]], list[tuple[str, object]], str]:
    """Return the chunks of an answer whose calls come in pieces, in any order; its calls, and its text."""
    inputs = draw(st.lists(st.dictionaries(st.text(max_size=6), JSON, max_size=3), max_size=4))
    texts = draw(st.lists(st.text(st.characters(codec="utf-8"), min_size=1, max_size=6), max_size=3))
    made = [chunk({"content": text}) for text in texts]
    queues = []
    for index, value in enumerate(inputs):
        text = json.dumps(value, ensure_ascii=draw(st.booleans()))
        cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=5)))
        parts = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
        first = piece(index, f"c{index}", "Bash", "")
        queues.append([first, *(piece(index, arguments=part) for part in parts)])
    made += [calls(queue.pop(0)) for queue in queues]
    while left := [queue for queue in queues if queue]:
        made.append(calls(left[draw(st.integers(0, len(left) - 1))].pop(0)))
    return made, [("Bash", value) for value in inputs], "".join(texts)


@settings(max_examples=150, deadline=None)
@given(answers(), st.randoms(use_true_random=False))
def test_interleaved_pieces_come_out_exact_wherever_they_are_cut(
    answer: tuple[list[dict[str, object]], list[tuple[str, object]], str], places: random.Random
) -> None:
    """And an answer that stops in the middle is never taken for a whole one."""
    chunks, wanted, text = answer
    body = stream(*chunks, finish="tool_calls" if wanted else "stop")
    cuts = sorted(places.randrange(len(body)) for _ in range(5))
    parts = [body[start:end] for start, end in zip([0, *cuts], [*cuts, len(body)], strict=True)]
    found: Got = read(translated(parts))
    assert (found.calls, found.text) == (wanted, text)
    short = translated([stream(*chunks, finish=None)[: cuts[0]]])
    if short:
        with pytest.raises(Broken):
            read(short)


@settings(max_examples=200, deadline=None)
@given(st.lists(JSON | st.builds(lambda delta: chunk({"content": delta, "tool_calls": [delta]}), JSON), max_size=5))
def test_whatever_comes_is_an_answer_or_an_error(values: list[object]) -> None:
    """Never another exception."""
    body = "".join(f"data: {json.dumps(value)}\n\n" for value in values).encode()
    if result := translated([body + stream()]):
        try:
            read(result)
        except Broken:
            pass
    try:
        for value in values:
            chat_answer.message(value, asked())
    except BadAnswer:
        pass


def test_there_are_limits() -> None:
    """A line without an end, calls without an end, blocks without an end."""
    megabyte = "x" * 1024 * 1024
    lines = chat_stream.Lines()
    for feed, data, words in (
        (lambda: chat_stream.Lines().feed, b"x" * 40 * 1024 * 1024, "line of more than"),
        (lambda: lines.feed, megabyte.encode(), "line of more than"),
        (stream_feed, json.dumps(calls(piece(0, "c", "Bash", megabyte))), "calls of more than"),
        (stream_feed, json.dumps(chunk({"content": "a", "reasoning": "b"})), "parts"),
    ):
        one = feed()
        with pytest.raises(BadAnswer, match=words):
            _for_ever(one, data)


def stream_feed() -> Callable[[str], None]:
    """Return what takes the chunks of a new answer."""
    return chat_stream.Stream(asked()).feed


def _for_ever(feed: Callable[[Any], object], data: object) -> None:
    for _ in range(6000):
        feed(data)
