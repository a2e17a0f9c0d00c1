"""On which line of a JSON5 text each field stands."""

from __future__ import annotations

import re

_TOKEN = re.compile(
    r"""(?P<space>\s+|//[^\n]*|/\*.*?\*/)
      | (?P<string>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')
      | (?P<mark>[{}\[\]:,])
      | (?P<word>[^\s{}\[\]:,"'/]+|/)""",
    re.VERBOSE | re.DOTALL,
)


def of_fields(text: str) -> dict[str, int]:
    """Return {dotted path of a field: line, from 1}; what stands in lists counts for the list."""
    found: dict[str, int] = {}
    path: list[str] = []  # the open field of each open object, "" before its first
    kinds: list[str] = []
    word, line_of_word = "", 0
    for token in _TOKEN.finditer(text):
        kind, piece = str(token.lastgroup), token[0]
        if kind in ("string", "word"):
            word = piece[1:-1] if kind == "string" else piece
            line_of_word = text.count("\n", 0, token.start()) + 1
        elif piece in ("{", "["):
            kinds.append(piece)
            path += [""] if piece == "{" else []
        elif piece in ("}", "]") and kinds:
            path = path[:-1] if kinds.pop() == "{" else path
        elif piece == ":" and path:
            path[-1] = word
            found.setdefault(".".join(path), line_of_word)
    return found


def line_of(field: str, places: dict[str, int]) -> int | None:
    """Return the line of a field, or of the nearest field around it."""
    while field and field not in places:
        field = field.rpartition(".")[0]
    return places.get(field)
