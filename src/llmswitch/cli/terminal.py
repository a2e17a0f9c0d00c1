"""Lines as a person at a terminal reads them: wrapped between words, with a few colours, in the signs it has."""

from __future__ import annotations

import re
import shutil
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence

from llmswitch.cli.letters import spelled

_ASCII = ("C", "POSIX")  # locales
_GREEN, _YELLOW, _RED, _END = "\x1b[32m", "\x1b[33m", "\x1b[31m", "\x1b[0m"
_NARROWEST = 20
_COMMAND = re.compile(r" → (?=llmswitch |unset |claude)")  # what is to be typed: never broken


def width() -> int | None:
    """Return how many letters fit on a line of the terminal behind stdout, None where it is none."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def shaped(lines: Sequence[str], environ: Mapping[str, str]) -> list[str]:
    """Return lines for a terminal: as wide as it is, the current row, what differs and errors in colour.

    There is no colour with NO_COLOR (https://no-color.org) or on a terminal that has none.
    """
    width = max(shutil.get_terminal_size().columns, _NARROWEST)
    text = [part for line in lines for part in _wrapped(letters(line, environ), width)]
    plain = environ.get("NO_COLOR") or environ.get("TERM", "dumb") in ("dumb", "")
    return text if plain else [_coloured(line) for line in text]


def letters(text: str, environ: Mapping[str, str]) -> str:
    """Return a text in the signs that the terminal has."""
    return spelled(text) if (environ.get("LC_ALL") or environ.get("LANG")) in _ASCII else text


def _wrapped(line: str, width: int) -> Iterator[str]:
    """Yield a line as lines that fit, broken between words; what is to be typed stands on one of its own."""
    if len(line) <= width:
        yield line
        return
    indent = " " * (len(line) - len(line.lstrip()))
    said, command, typed = _split(line)
    further = indent + "    "
    yield from textwrap.wrap(said, width, subsequent_indent=further, break_long_words=False, break_on_hyphens=False)
    if command:
        yield f"{further}→ {typed}"


def _split(line: str) -> tuple[str, str, str]:
    found = _COMMAND.search(line)
    return (line[: found.start()], "→", line[found.end() :]) if found else (line, "", "")


def _coloured(line: str) -> str:
    if line.startswith("* "):
        return f"{_GREEN}{line}{_END}"
    for word in ("error:", "llmswitch:"):
        if line.startswith(word):
            return f"{_RED}{word}{_END}{line[len(word) :]}"
    for sign in ("≠", "!="):
        line = line.replace(f" {sign} ", f" {_YELLOW}{sign}{_END} ")
    return line
