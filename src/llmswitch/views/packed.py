"""Rows of many short cells on a narrow terminal; by itself, since `status --all` needs none of it."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from llmswitch.claude.variables import NONE


def packed(head: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> list[str]:
    """Return each row as its first cell and, below it, the others with their names, as many as fit on a line.

    For rows of many short cells. A first column without a head is a mark of the row.
    """
    marks = 0 if head[0].strip() else 1
    lines = []
    for row in rows:
        lines.append(" ".join(cell for cell in row[: marks + 1] if cell.strip()))
        named = zip(head[marks + 1 :], row[marks + 1 :], strict=True)
        said = [f"{name.lower()}: {cell}" for name, cell in named if cell.strip() and cell != NONE]
        # A name and its value stay together where they fit.
        whole = ", ".join(each.replace(" ", "\0") if len(each) < width - 2 else each for each in said)
        wrapped = textwrap.wrap(whole, width, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False)
        lines += [line.replace("\0", " ") for line in wrapped]
    return lines
