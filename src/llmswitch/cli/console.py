"""The three streams: answers on stdout, remarks on stderr, and how a run ends; without click, slow to import."""

from __future__ import annotations

import io
import os
import sys

from llmswitch.base.errors import UsageProblem
from llmswitch.base.fastjson import dumps, pages
from llmswitch.base.secret import looks_like_key, no_core_dumps

try:
    # Without the enums of `signal`, whose import costs half of Python's own start.
    import _signal as signal  # type: ignore[import-not-found]
except ImportError:
    import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

# What could not be printed: a closed pipe is no reason to leave work half done.
lost: list[OSError] = []


def note(*lines: str) -> None:
    """Print remarks on stderr, so that stdout stays the answer; nothing is left to say where that fails."""
    try:
        sys.stderr.write(_text(lines, sys.stderr.isatty()))
        sys.stderr.flush()
    except OSError:
        pass


def answer(lines: Sequence[str], people: bool = False) -> None:
    """Print an answer on stdout; one for people is shaped for the terminal it is on."""
    try:
        sys.stdout.write(_text(lines, people and sys.stdout.isatty()))
        sys.stdout.flush()
    except OSError as error:
        _failure().lose(lost, error)


def _text(lines: Sequence[str], shape: bool) -> str:
    """Return lines as one text, with JSON's escapes for what could steer a terminal, or forge another line."""
    found = [x if x.isprintable() else "".join(c if c.isprintable() else dumps(c)[1:-1] for c in x) for x in lines]
    if shape:
        from llmswitch.cli import terminal  # imports re; only in front of a person

        found = terminal.shaped(found, os.environ)
    return "".join(f"{line}\n" for line in found)


def print_data(as_json: bool, data: object, lines: Callable[[], Sequence[str]]) -> None:
    """Print an answer as JSON, or as the lines that say the same."""
    answer(pages(data).split("\n") if as_json else lines(), people=not as_json)


def piped() -> str:
    """Return what is piped in, "" on a terminal; bytes that are no text must not end in an error that quotes them."""
    return "" if sys.stdin.isatty() else sys.stdin.buffer.read().decode(errors="replace")


def run(work: Callable[[], object], arguments: Sequence[str]) -> int:
    """Do the work these arguments ask for and return its exit code; every error becomes one message on stderr."""
    code: object = 0
    try:
        _prepare()
        if any(looks_like_key(word) and not os.path.exists(word) for word in arguments):
            raise UsageProblem("An argument is a key.")  # of which no more is said than that
        code = work()
        code = code if isinstance(code, int) else 0
        sys.stdout.flush()
        if not lost:
            return code
        raise lost[0]
    except KeyboardInterrupt:  # no module is loaded for it: it may have come while that one was, which then fails
        end = ["", "llmswitch: interrupted."], 130
    except Exception as error:
        end = _failure().ended(error, arguments, code, lost)
    note(*end[0])
    return end[1]


def _prepare() -> None:
    """Let signals end us cleanly, and make the three streams exist and take any text."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:  # as it is behind nohup, and for jobs of many a script
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if None in (sys.stdin, sys.stdout, sys.stderr):
        _failure().fill_standard_files(lost)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    no_core_dumps()


def _failure() -> Any:
    from llmswitch.cli import failure  # only where something is wrong, or a stream is closed

    return failure


def _end(number: int, frame: object) -> None:
    """Leave by an exception, so that temporary files are removed on the way out."""
    raise SystemExit(128 + number)


def attended() -> bool:
    """Say whether a person can be asked: a terminal to read from and one to ask on."""
    return sys.stdin.isatty() and sys.stderr.isatty()
