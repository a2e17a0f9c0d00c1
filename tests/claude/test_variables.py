"""A member of the pin is one typed entry in one list."""

from __future__ import annotations

import json

import pytest

from llmswitch.claude.effective import file_values, is_plain
from llmswitch.claude.schema import wrong_members
from llmswitch.claude.variables import OURS, TOP_MEMBERS, as_text
from llmswitch.commands.run import Overlay
from llmswitch.settings.change import switched
from llmswitch.settings.settings import Settings
from llmswitch.settings.state import Record

FLAG = "alwaysThinkingEnabled"


@pytest.fixture
def flag(monkeypatch: pytest.MonkeyPatch) -> str:
    """Make a flag of Claude Code's a member of the pin, by its entry alone."""
    monkeypatch.setitem(TOP_MEMBERS, FLAG, bool)
    return FLAG


@pytest.mark.parametrize("value", [True, False])
def test_a_flag_is_written_as_a_flag_and_taken_out_again(flag: str, value: bool) -> None:
    """Claude Code drops a file in which it is text."""
    pin = {**dict.fromkeys(OURS, ""), flag: value}
    made = switched(None, [Record()], pin, {})
    assert made.after
    assert json.loads(made.after.text)[flag] is value
    assert switched(made.after, [made.record, Record()], {}, {}).after is None


@pytest.mark.parametrize("value", [True, False])
def test_status_compares_a_flag_with_what_the_pin_wants(flag: str, value: bool) -> None:
    """As text, from the file and from the pin."""
    text = json.dumps({flag: value})
    assert file_values(json.loads(text))[flag] == Settings(text).values()[flag] == as_text(value)


@pytest.mark.parametrize("wrong", ["true", "", 1, None, ["true"]])
def test_a_flag_of_another_type_is_wrong(flag: str, wrong: object) -> None:
    """As Claude Code sees it: it drops the whole file."""
    assert not is_plain(flag, wrong)
    assert wrong_members({flag: wrong}, "")[0] == [flag]


@pytest.mark.parametrize("value", [True, False])
def test_run_hands_a_flag_on_as_a_flag(flag: str, value: bool) -> None:
    """Whether it comes from a preset or, as text, out of a file."""
    assert all(json.loads(Overlay({flag: each}).text)[flag] is value for each in (value, as_text(value)))


def test_every_entry_has_a_type_that_a_file_can_hold() -> None:
    """Or the values themselves; that it is the client's own type, the data made by asking it says."""
    for name, kind in TOP_MEMBERS.items():
        good = "x" if kind is str else list[str]() if kind is list else kind[0] if isinstance(kind, tuple) else True
        assert is_plain(name, good)
        assert wrong_members({name: good}, "")[0] == []
        assert name in file_values({name: good})
