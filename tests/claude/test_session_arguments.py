"""Which arguments of Claude Code choose a session."""

from __future__ import annotations

import pytest

from llmswitch.claude.session_arguments import chooses, chosen, starts_session

ID = "0f9a2c54-1f36-4a8e-9b1c-3d5e7f901234"


@pytest.mark.parametrize(
    "given",
    [["-c"], ["-pc", "hi"], ["--continue"], ["-r"], ["--resume", ID], ["--resume=x"], ["--session-id", ID],
     ["--session-id=" + ID], ["--from-pr", "5"], ["-p", "hi", "--bg"], ["--fork-session", "-r", ID]],
)  # fmt: skip
def test_these_choose_a_session(given: list[str]) -> None:
    """Then no id of ours goes beside them."""
    assert chooses(given)


@pytest.mark.parametrize("given", [[], ["-p", "hi"], ["--model", "opus"], ["fix the --continue bug"], ["--debug"]])
def test_these_leave_it_open(given: list[str]) -> None:
    """A prompt that speaks of an option is none."""
    assert not chooses(given)


@pytest.mark.parametrize(
    ("given", "session"),
    [(["--session-id", ID], ID), (["--resume=" + ID], ID), (["-r", "my name"], None), (["-c"], None),
     (["-r", ID, "--fork-session"], None), ([], None)],
)  # fmt: skip
def test_an_id_that_was_given_is_known(given: list[str], session: str | None) -> None:
    """A fork gets a new one."""
    assert chosen(given) == session


@pytest.mark.parametrize("given", [["mcp", "list"], ["--version"], ["doctor"], ["plugin", "list"], ["-h"]])
def test_other_commands_start_no_session(given: list[str]) -> None:
    """They are not in the ledger."""
    assert not starts_session(given)
