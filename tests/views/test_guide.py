"""The pages of the guide on terminals of any width: nothing is lost, and nothing is cut in the middle of a word."""

from __future__ import annotations

import re

import pytest

from llmswitch.commands import guide
from llmswitch.views.guide import fitted


def text_of(page: str) -> list[str]:
    """Return the words of a page outside its tables and blocks of code."""
    prose = re.sub(r"```.*?```", "", page, flags=re.DOTALL)
    return " ".join(line for line in prose.split("\n") if not line.startswith("|")).split()


@pytest.mark.parametrize("width", [40, 60, 80, 200])
@pytest.mark.parametrize("topic", guide.topics())
def test_a_page_fits_and_keeps_every_word(topic: str, width: int) -> None:
    """But for code, which stays as it is, and a word that is longer than a line."""
    page = guide.page(topic)
    shown = fitted(page, width)
    codes = re.findall(r"```.*?```", page, re.DOTALL)
    assert [code for code in codes if code not in shown] == []
    rest = re.sub(r"```.*?```", "", shown, flags=re.DOTALL)
    wide = [line for line in rest.split("\n") if len(line) > width and not line.startswith("#")]
    assert [line for line in wide if " " in re.sub("`[^`]*`", "", line).strip()] == []
    left = iter(shown.split())
    assert [word for word in text_of(page) if word not in left] == []
    rows = re.sub(r"^\|[^|]*(.*\n\|---)", r"| \1", page, flags=re.MULTILINE)  # the first column's name may be left out
    cells = [cell.strip() for line in rows.split("\n") if line.startswith("| ") for cell in line.strip("|").split("|")]
    words = shown.split()
    assert [word for cell in cells for word in cell.split() if word not in words and word.lower() not in shown] == []


def test_each_part_is_shaped_as_what_it_is() -> None:
    """A paragraph in new lines, an item below its first letter, a row as its cells, code and headings untouched."""
    page = "# A head that is long\n\nOne two\nthree `four five`.\n- an item\n  and more\n\n```sh\ncode stays as it is\n"
    page += "```\n| what | why |\n|---|---|\n| `a b` | because of that |\n\nend\n"
    expected = (
        "# A head that is long\n\nOne two three\n`four five`.\n- an item and\n  more\n\n```sh\ncode stays as it is\n"
    )
    assert fitted(page, 15) == expected + "```\n`a b`\n  why: because\n  of that\n\nend\n"
