"""Who was asked at a time: by the ledger of switches and of starts by `run`, and by nothing else."""

from __future__ import annotations

import json
from bisect import bisect_right
from pathlib import Path

from llmswitch.settings.entries import Entry, entries
from llmswitch.usage.attribution import Attribution
from llmswitch.usage.index import Session

MAIN, LINKED, GIT = "/work/app", "/work/app-2", "/work/app/.git"
WORKTREES = {MAIN: GIT, LINKED: f"{GIT}/worktrees/app-2", "/work/plain": ""}


def switch(at: int, preset: str | None, worktree: str = MAIN, **more: object) -> Entry:
    """Return a switch at a second; `more` are other fields."""
    data = {"kind": "switch", "time": at, "worktree": worktree, "git": WORKTREES[worktree], "preset": preset}
    return Entry({**data, "host": "", "slots": {}, **more})


def run(at: int, preset: str, session: str | None = "one", worktree: str = MAIN) -> Entry:
    """Return a start by `run` at a second."""
    return switch(at, preset, worktree, kind="run", session=session)


def session(name: str = "one", worktree: str = MAIN) -> Session:
    """Return a session that began in a worktree."""
    return Session(1, name, worktree, GIT if WORKTREES[worktree] else "", 0)


def applied(noted: list[Entry], one: Session, *seconds: float) -> list[str | None]:
    """Return the presets that applied at these times; None where nobody knows."""
    found = Attribution(noted)
    whole = [found.at(one, round(second * 1000)) for second in seconds]
    cuts = found.cuts(one)  # between two cuts nothing changes
    for second, entry in zip(seconds, whole, strict=True):
        place = bisect_right(cuts, round(second * 1000))
        start = cuts[place - 1] if place else 0
        assert found.at(one, start) is entry
    return [entry.preset if entry else None for entry in whole]


def test_each_switch_applies_from_its_moment_on() -> None:
    """In whatever order they stand in the ledger; before the first nothing is known."""
    noted = [switch(30, "claude"), switch(10, "openrouter"), switch(20, "deepseek")]
    assert applied(noted, session(), 9.999, 10, 19.999, 20, 30, 99) == [
        None, "openrouter", "openrouter", "deepseek", "claude", "claude"
    ]  # fmt: skip


def test_another_worktree_and_a_plain_folder_have_their_own() -> None:
    """A switch of a linked worktree is none of the main checkout."""
    noted = [switch(10, "openrouter", LINKED), switch(20, "deepseek", "/work/plain")]
    assert applied(noted, session(), 30) == [None]
    assert applied(noted, session(worktree=LINKED), 30) == ["openrouter"]
    assert applied(noted, session(worktree="/work/plain"), 30) == ["deepseek"]


def test_the_main_checkout_wins_in_its_linked_worktrees() -> None:
    """While it has a pin; when it is back on Claude Code's own backend, the linked one's own pin counts again."""
    noted = [switch(10, "deepseek", LINKED), switch(20, "openrouter"), switch(30, "claude")]
    there = session(worktree=LINKED)
    assert applied(noted, there, 5, 15, 25, 35) == [None, "deepseek", "openrouter", "deepseek"]
    noted.append(switch(40, None))  # entries of the user's own
    assert applied(noted, there, 45) == [None]
    assert applied([switch(10, "claude"), switch(20, "claude", LINKED)], there, 15, 25) == [None, "claude"]


def test_what_run_started_is_its_own_whatever_is_switched() -> None:
    """By the session's id: it has the pin in a file of its own."""
    noted = [switch(10, "openrouter"), run(20, "deepseek"), switch(30, "kimi-code")]
    assert applied(noted, session(), 25, 35) == ["deepseek", "deepseek"]
    assert applied(noted, session("two"), 25, 35) == ["openrouter", "kimi-code"]
    assert applied([run(20, "deepseek", worktree=LINKED), switch(30, "openrouter")], session(worktree=LINKED), 40) == [
        "deepseek"
    ]


def test_a_session_that_run_resumed_is_on_the_new_preset_from_then_on() -> None:
    """The same session, started twice."""
    noted = [run(10, "openrouter"), run(20, "deepseek")]
    assert applied(noted, session(), 5, 15, 25) == [None, "openrouter", "deepseek"]


def test_what_run_started_without_a_pin_follows_a_switch() -> None:
    """It has nothing of its own, and reads the settings file as any session does."""
    noted = [run(10, "claude"), switch(20, "openrouter")]
    assert applied(noted, session(), 15, 25) == ["claude", "openrouter"]


def test_a_start_without_an_id_is_nobodys() -> None:
    """Where the user's own arguments chose the session: nothing is guessed."""
    assert applied([run(10, "deepseek", None)], session(), 20) == [None]


def test_strange_lines_are_passed_over_and_others_not_read(tmp_path: Path) -> None:
    """What is torn, of a kind nobody knows or no object; and what is of other worktrees, where only some are asked."""
    (tmp_path / "ledger").mkdir()
    lines = [{"kind": "switch", "time": at, "worktree": tree, "git": WORKTREES[tree], "preset": "x", "slots": {}}
             for at, tree in enumerate((MAIN, LINKED, "/work/plain"))]  # fmt: skip
    strange = [
        '{"kind": "swi',
        "[]",
        "5",
        '{"kind": "x"}',
        '{"kind": "run", "time": "z"}',
        '{"kind": "switch", "time": 1}',
    ]
    (tmp_path / "ledger/one.jsonl").write_text("\n".join([*strange, *map(json.dumps, lines), "\xff", ""]))
    assert [entry.worktree for entry in entries(str(tmp_path))] == [MAIN, LINKED, "/work/plain"]
    assert [entry.worktree for entry in entries(str(tmp_path), about=[LINKED])] == [LINKED]
    assert [entry.worktree for entry in entries(str(tmp_path), about=[GIT, "/work/plain"])] == [MAIN, "/work/plain"]
