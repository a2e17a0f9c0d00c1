"""The replies on narrow terminals, without Unicode and without colour: nothing is said by place or colour alone."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import git
from support.terminal import Terminal

from llmswitch.views.narrow import table

Typed = Callable[..., str]


@pytest.fixture
def shown(repo: Path, sealed: dict[str, str], key: str) -> Typed:
    """Return what a command shows on a terminal of that many letters a line, in a repository with two pins."""

    def run(*words: str, columns: int = 80, **env: str) -> str:
        whole = {**sealed, "COLUMNS": str(columns), "LINES": "50", "TERM": "xterm-256color", **env}
        with Terminal([sys.executable, "-m", "llmswitch", *words], repo, whole) as terminal:
            code = terminal.wait()
            assert code == 0, terminal.output
            return terminal.output.replace("\r\n", "\n")

    git(repo, "worktree", "add", "--quiet", "-b", "cheap", "../cheap")
    git(repo, "worktree", "add", "--quiet", "-b", "other", "../other")
    run("openrouter", "-w", "../cheap")
    run("deepseek", "-w", "../other")
    return run


@pytest.mark.parametrize("columns", [40, 60, 80])
@pytest.mark.parametrize("command", [["status", "--all"], ["cost", "openrouter", "deepseek"], ["keys"]])
def test_a_table_that_does_not_fit_names_its_cells(shown: Typed, command: list[str], columns: int) -> None:
    """No row is broken in the middle: it is one line that fits, or a few lines with the name of each cell."""
    text = shown(*command, columns=columns)
    rows = [line for line in text.splitlines() if re.match(r" {0,3}\S+ {2,}\S", line) and ":" not in line[:20]]
    assert all(len(line) <= columns for line in rows), text
    if not rows:
        assert re.search(r"^  [a-z ]+: \S", text, re.MULTILINE), text
    if command[0] == "status":
        assert "openrouter" in text
        assert "haiku devstral-2512" in text


@pytest.mark.parametrize("locale", [{"LANG": "C"}, {"LC_ALL": "POSIX"}, {"LANG": "C", "LC_CTYPE": "C.UTF-8"}])
def test_a_terminal_without_unicode_gets_signs_in_ascii(shown: Typed, locale: dict[str, str]) -> None:
    """The arrows and dashes of our own; a folder keeps its name."""
    text = shown("status", "--all", **locale) + shown("openrouter", "-n", "-w", "../other", **locale)
    assert " -> " in text
    assert "repö" in text
    assert text.replace("ö", "").isascii(), text
    assert " → " in shown("openrouter", "-n", "-w", "../other")


def test_there_is_no_colour_to_miss(shown: Typed) -> None:
    """On a terminal that knows 256 of them, no escape sequence at all."""
    for words in (["status", "--all"], ["list"], ["doctor"], ["--help"], ["cost"]):
        assert "\x1b" not in shown(*words)


def test_rows_that_do_not_fit_are_read_one_after_the_other() -> None:
    """A screen reader meets each name beside its value; what says nothing is left out; the mark stays at its row."""
    head, rows = (" ", "PRESET", "PRICE", "DAY"), [("*", "a", "1.5", "today"), (" ", "b", "—", "")]
    assert table(head, rows, None) == ["   PRESET  PRICE  DAY", "*  a       1.5    today", "   b       —"]
    assert table(head, rows, 30) == table(head, rows, None)
    assert table(head, rows, 20) == ["* a", "  price: 1.5", "  day: today", "b"]
    assert table(head, [], 5) == ["   PRESET  PRICE  DAY"]
