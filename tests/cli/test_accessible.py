"""The replies on narrow terminals, without Unicode and without colour: nothing is said by place or colour alone."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Cli, git
from support.terminal import Terminal
from support.transcripts import Transcript

from llmswitch.views.narrow import table
from llmswitch.views.packed import packed

Typed = Callable[..., str]


@pytest.fixture
def shown(repo: Path, sealed: dict[str, str], key: str) -> Typed:
    """Return what a command shows on a terminal of that many letters a line, in a repository with two pins."""

    def run(*words: str, columns: int = 80, expected: int = 0, **env: str) -> str:
        whole = {**sealed, "COLUMNS": str(columns), "LINES": "50", "TERM": "xterm-256color", **env}
        with Terminal([sys.executable, "-m", "llmswitch", *words], repo, whole) as terminal:
            code = terminal.wait()
            assert code == expected, terminal.output
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
    text = shown(*command, columns=columns, NO_COLOR="1")
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


@pytest.mark.parametrize("env", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_there_is_no_colour_where_nobody_wants_it(shown: Typed, env: dict[str, str]) -> None:
    """With NO_COLOR, and on a terminal that has none, no escape sequence at all."""
    for words in (["status", "--all"], ["list"], ["cost"]):
        assert "\x1b" not in shown(*words, **env)


def test_colours_repeat_what_a_sign_says_already(shown: Typed, cli: Cli, repo: Path) -> None:
    """The mark of the current row, ≠ and an error's first word; a pipe gets none."""
    assert re.search(r"\x1b\[32m\* +claude .*\x1b\[0m\n", shown("cost"))
    shown("openrouter", "--haiku", "z-ai/glm-5.3", "-w", "../other")
    assert " \x1b[33m≠\x1b[0m " in shown("status", "-w", "../other")
    assert "\x1b[31mllmswitch:\x1b[0m There is no preset" in shown("opnrouter", expected=2)
    assert "\x1b" not in cli("list", cwd=repo, env={"FORCE_COLOR": "1", "TERM": "xterm-256color"}).out


@pytest.mark.parametrize("columns", [40, 60, 80, 120])
def test_text_is_broken_between_words_at_the_terminals_width(shown: Typed, columns: int) -> None:
    """Notes and warnings; what is to be typed stays in one piece, and no word is lost or cut."""
    whole = shown("openrouter", "-n", "-w", "../other", columns=1000, NO_COLOR="1")
    text = shown("openrouter", "-n", "-w", "../other", columns=columns, NO_COLOR="1")
    assert text.split() == whole.split()
    assert all(len(line) <= columns or " " not in line.strip() for line in text.splitlines()), text


def test_data_is_never_wrapped(shown: Typed) -> None:
    """JSON and the names of presets are for programs, on a terminal too."""
    assert json.loads(shown("show", "openrouter", "--json", columns=40))["notes"]
    assert "\x1b" not in shown("list", "--names")


def test_rows_that_do_not_fit_are_read_one_after_the_other() -> None:
    """A screen reader meets each name beside its value; what says nothing is left out; the mark stays at its row."""
    head, rows = (" ", "PRESET", "PRICE", "DAY"), [("*", "a", "1.5", "today"), (" ", "b", "—", "")]
    assert table(head, rows, None) == ["   PRESET  PRICE  DAY", "*  a       1.5    today", "   b       —"]
    assert table(head, rows, 30) == table(head, rows, None)
    assert table(head, rows, 20) == ["* a", "  price: 1.5", "  day: today", "b"]
    assert table(head, [], 5) == ["   PRESET  PRICE  DAY"]


def test_many_short_cells_are_packed_with_their_names() -> None:
    """A name and its value are on one line where they fit; a long one is broken between words."""
    head, rows = ("PRESET", "IN", "OUT", "TITLE"), [("a", "1 k", "2", "one two three four"), ("b", "—", "3", "")]
    assert packed(head, rows, 16) == [
        "a",
        "  in: 1 k,",
        "  out: 2, title:",
        "  one two three",
        "  four",
        "b",
        "  out: 3",
    ]
    assert packed((" ", *head), [("*", *rows[0])], 60) == ["* a", "  in: 1 k, out: 2, title: one two three four"]


@pytest.mark.parametrize("columns", [40, 60, 80])
@pytest.mark.parametrize(
    "command", [["list"], ["list", "--all"], ["usage"], ["status", "--everywhere"], ["log", "-w", "../cheap"]]
)
def test_no_line_is_wider_than_the_terminal(
    shown: Typed, repo: Path, sealed: dict[str, str], command: list[str], columns: int
) -> None:
    """But for a word that is; and what is in use here is there at every width."""
    made = Transcript("one", str(repo.resolve()))
    made.answer(model="google/gemini-2.5-pro")
    made.answer(model="anthropic/claude-opus-5.5", asked="google/gemini-2.5-pro")
    made.write(Path(sealed["HOME"], ".claude", "projects"))
    text = shown(*command, columns=columns, NO_COLOR="1")
    assert not [line for line in text.splitlines() if len(line) > columns and " " in line.strip()], text
    word = {"list": "claude", "usage": "google/gemini-2.5-pro"}.get(command[0], "openrouter")
    assert word in re.sub(" +", " ", text), text


@pytest.mark.parametrize("columns", [40, 60, 80])
def test_the_guide_is_as_wide_as_the_terminal(shown: Typed, columns: int) -> None:
    """And in its signs."""
    text = shown("help", "troubleshooting", columns=columns, PAGER="cat", LANG="C")
    assert [line for line in text.splitlines() if len(line) > columns and " " in re.sub("`[^`]*`", "", line)] == []
    assert "each finding ends with the command that mends it" in " ".join(text.split())
    assert text.isascii()


@pytest.mark.parametrize("columns", [40, 60, 80])
@pytest.mark.parametrize("words", [["keys", "--help"], ["help", "save-key"]])
def test_the_help_is_no_wider_than_the_terminal(shown: Typed, words: list[str], columns: int) -> None:
    """But for what is to be typed."""
    text = shown(*words, columns=columns, PAGER="cat")
    assert [line for line in text.splitlines() if len(line) > columns and "llmswitch " not in line] == []
