"""What the user had comes back byte for byte, secrets aside, after any switches and any change somebody else made."""

from __future__ import annotations

import json

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from test_change import NONE, PIN
from test_splice import SPACE

from llmswitch.claude.variables import OURS
from llmswitch.settings.change import switched
from llmswitch.settings.settings import Settings
from llmswitch.settings.state import Record
from llmswitch.settings.taken import put_back, values
from llmswitch.settings.text import BOM

pytestmark = pytest.mark.timeout(400)

KEY = "sk-live-0123456789abcdef"
NAMES = st.sampled_from(["ANTHROPIC_BASE_URL", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_MODEL", "ANTHROPIC_CUSTOM_HEADERS",
                         "CLAUDE_CODE_USE_BEDROCK", "TIMEOUT", "WINDOW", "EDITOR", "é"])  # fmt: skip
TEXTS = st.sampled_from(
    ["", "1", "sonnet", "https://a.example", KEY, f"x-api-key: {KEY}", f"https://me:{KEY}@a.example"]
)


@st.composite
def firsts(draw: st.DrawFn) -> str:
    """Write a settings file with members of the backend in it, secrets too, anywhere and oddly spaced."""
    names = draw(st.lists(NAMES, unique=True))
    texts = {name: draw(TEXTS) if name in OURS else "1" for name in names}
    env = [f"{draw(SPACE)}{json.dumps(name)}{draw(SPACE)}:{draw(SPACE)}{json.dumps(text)}{draw(SPACE)}"
           for name, text in texts.items()]  # fmt: skip
    members = [("apiKeyHelper", f'"echo {KEY}"'), ("model", '"opus"'), ("permissions", "{}")]
    drawn = draw(st.lists(st.sampled_from(members), unique=True))
    root = [f"{draw(SPACE)}{json.dumps(name)}:{raw}{draw(SPACE)}" for name, raw in drawn]
    if draw(st.booleans()):
        root.insert(draw(st.integers(0, len(root))), f'{draw(SPACE)}"env":{{{",".join(env) or draw(SPACE)}}}')
    return f"{draw(st.sampled_from(['', BOM]))}{draw(SPACE)}{{{','.join(root) or draw(SPACE)}}}{draw(SPACE)}"


def kept(change_record: Record) -> Record:
    """Return a record as the state file gives it back."""
    return Record(json.loads(json.dumps(change_record.data())))


def after(text: str, pins: list[dict[str, str]]) -> tuple[Settings | None, list[Record], Record]:
    """Switch a text through pins; return the file, the last two records, and the record of the first switch."""
    settings: Settings | None = Settings(text)
    records, first = [NONE, NONE], NONE
    for pin in pins:
        change = switched(settings, records, pin, {"preset": "a"})
        settings, records = change.after, [kept(change.record), records[0]]
        first = records[0] if first is NONE else first
    return settings, records, first


@given(firsts(), st.lists(PIN | st.just({}), min_size=1, max_size=4))
def test_the_first_state_comes_back_from_any_later_one(text: str, pins: list[dict[str, str]]) -> None:
    """Byte for byte, with the secrets given again; the state holds none of them."""
    settings, records, first = after(text, pins)
    base = switched(settings, records, {}, {}).after
    assert KEY not in json.dumps(first.data())
    if not first.taken:
        assert not set(Settings(text).values()) & set(OURS)
        assert base is not None
        assert base.text == text
        return
    secrets = {name: Settings(text).raw(name) or "" for name in first.taken["secrets"]}
    assert put_back(base, first.taken, secrets).text == text
    assert put_back(base, first.taken, {}).text.count(KEY) == 0
    known = Settings(text).values()
    assert {name: value or known[name] for name, value in values(first.taken).items()}.items() <= known.items()


@given(firsts(), PIN, st.sampled_from(["write anew", "add", "drop"]))
def test_what_somebody_changed_meanwhile_stays(text: str, pin: dict[str, str], what: str) -> None:
    """The members come back with their values; what is new stays, in whatever form the file is now."""
    settings, records, first = after(text, [pin])
    assert settings
    assume(first.taken)
    data = json.loads(settings.text.removeprefix(BOM))
    if what == "add":
        data = {"permissions": {"allow": ["Bash(ls)"]}, **data, "env": {"NEW": "1", **data["env"]}}
    if what == "drop":
        data = {"env": {name: value for name, value in data["env"].items() if name in OURS}}
    base = switched(Settings(json.dumps(data, indent=2)), records, {}, {}).after
    secrets = {name: Settings(text).raw(name) or "" for name in first.taken["secrets"]}
    found = put_back(base, first.taken, secrets)
    known = Settings(text).values()
    assert {name: text for name, text in found.values().items() if name in OURS} == {
        name: text for name, text in known.items() if name in OURS
    }
    assert what != "add" or (found.values()["NEW"], found.top("permissions")) == ("1", data["permissions"])


@pytest.mark.parametrize("evil", [{"root": [["hooks", None, '"hooks": {},']]}, {"text": '{"hooks": {}}'}])
def test_a_state_that_somebody_changed_puts_nothing_else_into_the_file(evil: dict[str, object]) -> None:
    """Only what a switch takes out: a state file may come with an unpacked archive."""
    with pytest.raises(ValueError, match="hooks"):
        put_back(Settings('{"a": 1}') if "root" in evil else None, {**evil, "secrets": []}, {})
