"""What is done without the public modules, against those modules and against patterns that say the same."""

from __future__ import annotations

import json
import re
import sys
from importlib.util import module_from_spec, spec_from_file_location
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from llmswitch.base import fastjson, secret, urls
from llmswitch.base.addresses import without_version
from llmswitch.base.secret import digest
from llmswitch.claude.variables import is_claude, plain
from llmswitch.presets import models
from llmswitch.presets.preset import is_name

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
SPACE = st.text(" \t\r\n", max_size=3)
URL = re.compile(r"(https?)://(\[[0-9a-fA-F:]+\]|[A-Za-z0-9._-]+)(:[0-9]+)?(/[^\s?#]*)?")
LOOPBACK = re.compile(r"localhost|127(\.[0-9]{1,3}){3}|\[::1\]")
URLS = st.from_regex(URL, fullmatch=True) | st.text("htps:/[]@.?#127localhost0a \n-_é", max_size=30)
ROUTES = re.compile(r"(http://[^/]+)/w/([0-9a-f]{16})")


def outcome(read: Any, text: str) -> object:
    """Return what reading a text gives, or the error's words and place."""
    try:
        return read(text)
    except json.JSONDecodeError as error:
        return error.msg, error.pos


@given(VALUES, SPACE, SPACE, st.integers(0, 200), st.text('{}[]",:\\ 0e-+tn', max_size=2))
def test_json_is_read_as_the_json_module_reads_it(value: object, before: str, after: str, at: int, bad: str) -> None:
    """Whole texts, with white space around, and damaged ones: the same value, or the same error at the same place."""
    text = before + json.dumps(value) + after
    assert fastjson.loads(text) == value
    damaged = text[:at] + bad + text[at + 1 :]
    assert outcome(fastjson.loads, damaged) == outcome(json.loads, damaged)


@pytest.mark.parametrize("text", ["NaN", "[Infinity]", '{"a": -Infinity}'])
def test_what_is_no_json_is_refused(text: str) -> None:
    """The json module would take it."""
    with pytest.raises(ValueError, match="is not JSON"):
        fastjson.loads(text)


@given(VALUES)
def test_json_is_written_as_the_json_module_writes_it(value: object) -> None:
    """In one line, and texts also with their letters as they are."""
    assert fastjson.dumps(value) == json.dumps(value)
    assert fastjson.quoted(str(value)) == json.dumps(str(value), ensure_ascii=False)


def test_without_the_parts_in_c_the_public_modules_do_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another Python than CPython may lack them."""
    before = digest("a path"), fastjson.dumps({"a": ["é"]}), fastjson.quoted("é"), fastjson.loads(' {"a": [1e3]} ')
    for module in ("_json", "_blake2"):
        monkeypatch.setitem(sys.modules, module, None)
    apart = spec_from_file_location("apart", secret.__file__)
    assert apart
    assert apart.loader
    apart.loader.exec_module(again := module_from_spec(apart))
    assert (
        again.digest("a path"),
        fastjson.dumps({"a": ["é"]}),
        fastjson.quoted("é"),
        fastjson.loads(' {"a": [1e3]} '),
    ) == before
    assert fastjson.scanner(number=str)("[1e3]", 0) == (["1e3"], 5)
    with pytest.raises(ValueError, match="Expecting property name"):
        fastjson.loads("{]")


@given(URLS)
@example("http://[::1]:80/a")
@example("https://a.example:")
@example("https://user@a.example/")
@example("http://127.0.0.1.example")
def test_a_url_is_what_the_pattern_says(url: str) -> None:
    """Host and port, and whether that is this machine."""
    match = URL.fullmatch(url)
    assert urls.host_of(url) == (match[2] + (match[3] or "") if match else "")
    assert urls.is_loopback(url) == (match is not None and LOOPBACK.fullmatch(match[2]) is not None)
    assert without_version(url) == re.sub(r"/v1/?\Z", "", url)


@given(st.text("ab0._-AZ\n", max_size=70))
def test_names_are_what_the_pattern_says(name: str) -> None:
    """Of presets and of keys."""
    assert is_name(name) == (re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,63}", name) is not None)


@given(st.from_regex(r"(x-)?claude-[a-z3-]{0,9}-?[0-9]?", fullmatch=True) | st.text("claude-3opus ", max_size=20))
@example("anthropic/claude-opus-5.5")
@example("claude-opus-latest")
@example("CLAUDE-3-haiku")
def test_claudes_models_are_what_the_pattern_says(model: str) -> None:
    """By the name with a version."""
    assert is_claude(model) == (re.search(r"claude-(3|[a-z]+-[0-9])", model, re.IGNORECASE) is not None)


@given(st.lists(st.sampled_from(["a", "[1m]", "[200M]", "[m]", "[", "]", ":exacto", ":Exacto", ":free"])).map("".join))
def test_suffixes_are_what_the_patterns_say(model: str) -> None:
    """Of the window, and of OpenRouter's choice of hosts."""
    assert plain(model) == re.sub(r"\[[0-9]+m\]\Z", "", model, flags=re.IGNORECASE)
    window = r"\[[0-9]+m\]"
    suffix = rf"({window})?:(exacto|free)({window})?\Z|{window}\Z"
    assert models.base_id(model) == re.sub(suffix, "", model, flags=re.IGNORECASE)


@given(st.from_regex(ROUTES, fullmatch=True) | st.text("http://127.0.0.1/w/0123456789abcdef", max_size=50))
@example("http://127.0.0.1:18000/w/0123456789abcdef")
def test_the_gateways_urls_are_what_the_pattern_says(url: str) -> None:
    """On this machine only."""
    match = ROUTES.fullmatch(url)
    assert urls.id_in(url) == (match[2] if match and urls.is_loopback(match[1]) else None)
