"""The signs of our replies for a terminal that knows no others than ASCII's."""

from __future__ import annotations

_SIGNS = str.maketrans({"—": "-", "–": "-", "→": "->", "≠": "!=", "…": "...", "·": "-", "█": "#"})


def spelled(line: str) -> str:
    """Return a line with its arrows, dashes and dots in ASCII; names that hold other letters stay as they are."""
    return line.translate(_SIGNS)
