"""A page of the guide for a terminal: paragraphs and tables as wide as it is, what is to be typed left as it is."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence

from llmswitch.views.narrow import table

_FENCE = "```"
_CODE = re.compile(r"`[^`]*`")
_HELD = "\0"  # stands for a space that no line may end at


def fitted(page: str, width: int) -> str:
    """Return a page in Markdown with no line wider than `width` letters, but for code and single long words."""
    lines: list[str] = []
    for block in _blocks(page.split("\n")):
        if block[0].startswith("|"):
            lines += _table(block, width)
        elif block[0].startswith((_FENCE, "#")):
            lines += block
        else:
            lines += _wrapped(" ".join(map(str.strip, block)), width)
    return "\n".join(lines)


def _blocks(lines: Sequence[str]) -> Iterator[list[str]]:
    """Yield the lines that belong together: of a paragraph, an item, a table or a block of code."""
    block, code = list[str](), False
    for line in lines:
        fence = line.startswith(_FENCE)
        apart = not line or line.startswith(("- ", "#")) or (fence and not code)
        if block and not code and (apart or line.startswith("|") is not block[0].startswith("|")):
            yield block
            block = []
        block.append(line)
        code ^= fence
        if not code and (fence or not line):
            yield block
            block = []
    if block:
        yield block


def _table(rows: Sequence[str], width: int) -> list[str]:
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    return [part for line in table(cells[0], cells[2:], width) for part in _wrapped(line, width)]


def _wrapped(line: str, width: int) -> list[str]:
    """Return a line as lines that fit, broken between words, and not inside code that is short enough."""
    found = _CODE.sub(lambda code: code[0].replace(" ", _HELD) if len(code[0]) < width else code[0], line)
    indent = " " * (len(line) - len(line.lstrip())) + " " * (2 * line.lstrip().startswith("- "))
    parts = textwrap.wrap(found, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
    return [part.replace(_HELD, " ") for part in parts] or [""]
