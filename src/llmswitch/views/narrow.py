"""Tables for any width: one wider than the terminal becomes a few lines for each row, which name their cells."""

from __future__ import annotations

from collections.abc import Sequence

from llmswitch.claude.variables import NONE
from llmswitch.views.text import columns


def table(head: Sequence[str], rows: Sequence[Sequence[str]], width: int | None) -> list[str]:
    """Return rows below their heads, or, where that is wider than `width` letters (None: never), one below the other.

    A first column without a head is a mark of the row.
    """
    lines = columns([head, *rows], indent="")
    if width is None or not rows or max(map(len, lines)) <= width:
        return lines
    marks = 0 if head[0].strip() else 1
    found = []
    for row in rows:
        found.append(" ".join(cell for cell in row[: marks + 1] if cell.strip()))
        named = zip(head[marks + 1 :], row[marks + 1 :], strict=True)
        found += [f"  {name.lower()}: {cell}" for name, cell in named if cell.strip() and cell != NONE]
    return found
