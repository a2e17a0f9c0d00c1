"""A pin goes in and comes out again without a trace, whatever was there before."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_splice import SPACE, objects

from llmswitch.claude.variables import ALLOWED, NO_MILLION, OURS, as_text
from llmswitch.settings.change import switched
from llmswitch.settings.settings import Settings
from llmswitch.settings.state import Record
from llmswitch.settings.text import BOM, SpliceError

# Two thousand examples of each in CI.
pytestmark = pytest.mark.timeout(400)

NONE = Record()
Pin = dict[str, Any]
TUNING = st.dictionaries(
    st.sampled_from(["TIMEOUT", "WINDOW", "disableAutoMode", NO_MILLION]), st.sampled_from(["1", "2"])
)
LISTS = st.sampled_from([{}, {ALLOWED: ["a/b"]}, {ALLOWED: ["a/b", "c"]}])
PIN = st.builds(
    lambda model, tuning, listed: {**dict.fromkeys(OURS, ""), "ANTHROPIC_MODEL": model, **tuning, **listed},
    st.sampled_from(["opus", "sonnet"]),
    TUNING,
    LISTS,
)


@st.composite
def files(draw: st.DrawFn) -> str:
    """Write a settings file of a user: no identity key in it, everything else possible."""
    mine = st.sampled_from(["TIMEOUT", "WINDOW", "EDITOR", "é", NO_MILLION])
    env = draw(st.none() | objects(depth=0, names=mine))
    text = draw(st.just("") | objects())
    if text and env is not None:
        inner = text[1:-1]
        text = "{" + draw(SPACE) + '"env":' + draw(SPACE) + env + ("," + inner if inner.strip() else inner) + "}"
    if text and (listed := draw(st.sampled_from(["", '["opus"]', '[ "a/b" , "c"]', "[]"]))):  # the user's own
        inner = text[1:-1]
        text = "{" + (inner + "," if inner.strip() else inner) + f'"{ALLOWED}" :{listed}' + draw(SPACE) + "}"
    return draw(st.sampled_from(["", BOM])) + draw(SPACE) + text + draw(SPACE)


def switch(text: str | None, pin: Pin, *records: Record) -> tuple[str | None, Record]:
    """Switch a text to a pin; return the new text and the record, through JSON as in the state file."""
    change = switched(None if text is None else Settings(text), records or [NONE], pin, {})
    return change.after.text if change.after else None, Record(json.loads(json.dumps(change.record.data())))


@given(st.none() | files(), PIN, PIN)
def test_a_to_b_to_claude_gives_back_the_first_bytes(text: str | None, a: Pin, b: Pin) -> None:
    """No file gives no file, and a blank one the same blank."""
    on_a, record_a = switch(text, a)
    on_b, record_b = switch(on_a, b, record_a, NONE)
    assert switch(on_b, {}, record_b, record_a)[0] == text
    assert switch(on_a, {}, record_a)[0] == text


@given(st.none() | files(), PIN, PIN)
def test_it_does_not_matter_what_was_pinned_before(text: str | None, a: Pin, b: Pin) -> None:
    """A, then B, is the same file as B alone; B twice is the same as once."""
    on_a, record_a = switch(text, a)
    on_b, record_b = switch(on_a, b, record_a, NONE)
    assert on_b == switch(text, b)[0]
    assert switch(on_b, b, record_b, record_a)[0] == on_b


@given(files(), PIN)
def test_a_pin_is_all_there_and_the_rest_is_as_it_was(text: str, pin: Pin) -> None:
    """Every member of the pin has its value; every other member its bytes."""
    before, after = Settings(text), Settings(switch(text, pin)[0] or "")
    values = after.values()
    permissions = before.top("disableAutoMode") is not None
    assert {name: values[name] for name in pin if name != "disableAutoMode" or not permissions} == {
        name: as_text(value, name) for name, value in pin.items() if name != "disableAutoMode" or not permissions
    }
    for member in before.root.members if before.root else []:
        if member.key not in ("env", *pin):
            assert after.root
            assert before.root
            assert after.root.raw(member.key) == before.root.raw(member.key)
    for member in before.env.members if before.env else []:
        if member.key not in pin:
            assert after.raw(member.key) == before.raw(member.key)


@given(files(), PIN, PIN)
def test_a_switch_that_failed_after_its_record_was_written_loses_nothing(text: str, a: Pin, b: Pin) -> None:
    """The state says B while the file still holds A: the next switch takes A out all the same."""
    on_a, record_a = switch(text, a)
    _, record_b = switch(on_a, b, record_a, NONE)
    if {name: a[name] for name in record_a.pin} != {name: b[name] for name in record_b.pin}:
        assert switch(on_a, {}, record_b, record_a)[0] == text


@given(files(), PIN)
def test_without_the_record_the_identity_members_go_all_the_same(text: str, pin: Pin) -> None:
    """Losing the state file costs displaced values, not the way back to Claude Code's own backend."""
    after = Settings(switch(switch(text, pin)[0], {})[0] or "")
    assert not set(after.values()) & set(OURS)


@given(st.text(max_size=60) | st.text(alphabet='{}[]":,0 eE.-+nulltrue\\/\n\t', max_size=40))
def test_any_text_is_either_refused_or_edited_without_a_trace(text: str) -> None:
    """No other exception, on whatever text."""
    try:
        on, record = switch(text, {"ANTHROPIC_MODEL": "opus", "T": "1"})
    except SpliceError:
        return
    json.loads((on or "").removeprefix(BOM), parse_int=str)
    if not set(Settings(text).values()) & set(OURS):
        assert switch(on, {}, record)[0] == text
