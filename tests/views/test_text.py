"""Rows, paths and tables as lines."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmswitch.views.narrow import table
from llmswitch.views.text import columns, short_path

CELLS = st.lists(st.tuples(*[st.text("abc é—", max_size=9)] * 3), min_size=1, max_size=5)


@pytest.mark.parametrize(
    ("path", "home", "said"),
    [
        ("/home/a/repo", "/home/a", "~/repo"),
        ("/home/a", "/home/a", "~"),
        ("/home/ab/repo", "/home/a", "/home/ab/repo"),
        ("/home/a/repo", "", "/home/a/repo"),
    ],
)
def test_a_path_in_the_home_is_short(path: str, home: str, said: str) -> None:
    """And one that only begins alike is not in it."""
    assert short_path(path, home) == said


@given(CELLS)
def test_cells_stand_below_each_other(rows: list[tuple[str, str, str]]) -> None:
    """Each line is two blanks and its cells; nothing hangs over at its end."""
    lines = columns(rows)
    starts = [len("  "), 4 + max(len(row[0]) for row in rows)]
    for row, line in zip(rows, lines, strict=True):
        assert line == line.rstrip()
        assert all(line[at:].startswith(cell.rstrip()) for at, cell in zip(starts, row, strict=False))


HEAD = ("", "NAME", "MODEL")
ROWS = [("*", "one", "a-long-model-name"), (" ", "two", "—")]


def test_a_table_that_fits_stays_one() -> None:
    """And one whose width nobody knows."""
    assert (
        table(HEAD, ROWS, None)
        == table(HEAD, ROWS, 100)
        == ["   NAME  MODEL", "*  one   a-long-model-name", "   two   —"]
    )


def test_a_table_that_is_too_wide_is_a_few_lines_a_row() -> None:
    """With the name of each cell; what is not known is left out."""
    assert table(HEAD, ROWS, 12) == ["* one", "  model: a-long-model-name", "two"]
