"""Members of a JSON text change; every other character stays."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmswitch.settings import text as splice
from llmswitch.settings.settings import Settings

# Two thousand examples of each in CI.
pytestmark = pytest.mark.timeout(400)

SPACE = st.text(alphabet=" \t\r\n", max_size=3)
NAMES = st.text(max_size=6).filter(lambda name: name != "env")
SCALARS = st.sampled_from(
    ['"é"', r'"\u00e9"', "1e3", "1.10", "1e400", "12345678901234567890", "true", "null", r'"\ud800"']
)


@st.composite
def objects(draw: st.DrawFn, depth: int = 2, names: st.SearchStrategy[str] = NAMES) -> str:
    """Write an object with white space of every kind in every place."""
    value = SCALARS if depth == 0 else SCALARS | objects(depth - 1)
    keys = draw(st.lists(names, max_size=4, unique=True))
    pair = [draw(SPACE) + json.dumps(key) + draw(SPACE) + ":" + draw(SPACE) + draw(value) + draw(SPACE) for key in keys]
    return "{" + (",".join(pair) if pair else draw(SPACE)) + "}"


@given(SPACE, objects(), SPACE, st.sets(st.sampled_from(["NEW", "OTHER", "A"]), min_size=1))
def test_adding_members_and_dropping_them_gives_the_same_text(
    before: str, text: str, after: str, names: set[str]
) -> None:
    """Whatever the white space, and in an empty object too."""
    text = before + text + after
    span = splice.document(text)
    new = [name for name in sorted(names) if span.get(name) is None]
    added = splice.put(span, dict.fromkeys(new, '"x"'))
    assert json.loads(added) == {**json.loads(text), **dict.fromkeys(new, "x")}
    assert splice.drop(splice.document(added), new) == text


@given(objects(names=st.sampled_from(["a", "b", "c", "d"])), st.sets(st.sampled_from(["a", "b", "c", "d"])))
def test_dropping_members_leaves_the_others_with_their_own_bytes(text: str, names: set[str]) -> None:
    """The values of those that stay are not rewritten."""
    span = splice.document(text)
    left = splice.document(splice.drop(span, names))
    kept = [member.key for member in span.members if member.key not in names]
    assert [member.key for member in left.members] == kept
    assert [left.raw(key) for key in kept] == [span.raw(key) for key in kept]


@given(objects(names=st.sampled_from(["a", "b", "c"])), st.sampled_from(["a", "b", "c"]))
def test_changing_a_member_changes_only_its_value(text: str, name: str) -> None:
    """Everything before and after the value is the same."""
    span = splice.document(text)
    member = span.get(name)
    if member:
        changed = splice.put(span, {name: '"new"'})
        assert changed == text[: member.value_start] + '"new"' + text[member.end :]


@pytest.mark.parametrize(
    ("text", "where", "why"),
    [
        ('{"a": 1,}', "line 1, column 9", "a key in double quotes"),
        ('{\n // c\n "a": 1}', "line 2, column 2", "a key in double quotes"),
        ('{"a": 1 /* c */}', "line 1, column 9", "a comma or }"),
        ('{"a": 1} x', "line 1, column 10", "more text"),
        ('{"a": 1, "a": 2}', "line 1, column 10", "stands twice"),
        ('{"a": NaN}', "line 1, column 7", "NaN is not JSON"),
        ('{"a": -Infinity}', "line 1, column 7", "-Infinity is not JSON"),
        ('{"a": "\n"}', "line 1, column 8", "invalid control character"),
        ('{"a": ', "line 1, column 7", "expecting value"),
        ('{"a" 1}', "line 1, column 6", "a colon"),
        ("[1]", "line 1, column 1", "a JSON object"),
        ("\x00\x00", "line 1, column 1", "a JSON object"),
        ('{"a": ' + "[" * 100_000, "line 1, column 7", "too deeply nested"),
        ("{'a': 1}", "line 1, column 2", "a key in double quotes"),
    ],
    ids=str,
)
def test_what_claude_code_refuses_is_named_with_line_and_column(text: str, where: str, why: str) -> None:
    """The message says where and why, and never quotes the text."""
    with pytest.raises(splice.SpliceError) as caught:
        splice.document(text)
    assert str(caught.value).startswith(where)
    assert why in str(caught.value)


def test_long_and_odd_numbers_are_kept_as_they_are_written() -> None:
    """Python's json refuses integers of more than 4300 digits and rounds the others."""
    text = '{"a": ' + "9" * 5000 + ', "b": 1e400, "c": 1.10}'
    assert splice.put(splice.document(text), {"d": "1"}) == text[:-1] + ', "d": 1}'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{}", '{\n  "env": {\n    "A": "x"\n  }\n}'),
        ('{"a":1}', '{"a":1, "env":{"A":"x"}}'),
        ('{"a": 1}', '{"a": 1, "env": {"A": "x"}}'),
        ('{"env":{"B":"1","C":"2"}}', '{"env":{"B":"1","C":"2", "A":"x"}}'),
        ('{\n\t"a": 1\n}', '{\n\t"a": 1,\n\t"env": {\n\t\t"A": "x"\n\t}\n}'),
        ('{\r\n    "a": 1\r\n}', '{\r\n    "a": 1,\r\n    "env": {\r\n        "A": "x"\r\n    }\r\n}'),
        ('{\n  "env": {}\n}', '{\n  "env": {\n    "A": "x"\n  }\n}'),
    ],
)
def test_new_members_take_the_style_of_the_file(text: str, expected: str) -> None:
    """Indentation, line ends and colons are those of the members that are there; on one line a blank parts them."""
    assert Settings(text).with_members({"A": '"x"'}).text == expected


@pytest.mark.timeout(60)
@pytest.mark.parametrize("inside", [False, True], ids=["top", "env"])
def test_thirty_thousand_members_take_one_look_each(inside: bool) -> None:
    """A pass that looks at each member for each member would take many minutes here."""
    many = {f"M{number}": str(number) for number in range(30_000)}
    text = json.dumps({"env": many} if inside else many)
    settings = Settings(text)
    pinned = settings.with_members(dict.fromkeys(list(many)[::2], '"x"') if inside else {"A": '"x"'})
    assert pinned.raw("M0" if inside else "A") == '"x"'
    assert pinned.without([name for name in many if inside] or ["A"]).raw("A") is None
