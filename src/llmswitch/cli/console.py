"""The three streams: answers on stdout, remarks on stderr, and how a run ends; without click, slow to import."""

from __future__ import annotations

import io
import os
import sys

from llmswitch.base.fastjson import dumps
from llmswitch.base.secret import looks_like_key, no_core_dumps

try:
    # Without the enums of `signal`, whose import costs half of Python's own start.
    import _signal as signal  # type: ignore[import-not-found]
except ImportError:
    import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_ASCII = ("C", "POSIX")  # locales
# What could not be printed: a closed pipe is no reason to leave work half done.
lost: list[OSError] = []


def note(*lines: str) -> None:
    """Print remarks on stderr, so that stdout stays the answer; nothing is left to say where that fails."""
    try:
        for line in lines:
            sys.stderr.write(_plain(line) + "\n")
        sys.stderr.flush()
    except OSError:
        pass


def answer(lines: Sequence[str]) -> None:
    """Print an answer on stdout, each line as one: a line break in a value could forge another."""
    try:
        for line in lines:
            sys.stdout.write(_plain(line) + "\n")
        sys.stdout.flush()
    except OSError as error:
        from llmswitch.cli import failure  # only where nobody reads

        failure.lose(lost, error)


def _plain(line: str) -> str:
    """Return a line with JSON's escapes for what could steer a terminal: settings and paths may hold anything."""
    if not line.isascii() and sys.stdout.isatty() and (os.environ.get("LC_ALL") or os.environ.get("LANG")) in _ASCII:
        from llmswitch.cli.letters import spelled  # only for a terminal without Unicode

        line = spelled(line)
    return line if line.isprintable() else "".join(c if c.isprintable() else dumps(c)[1:-1] for c in line)


def print_data(as_json: bool, data: object, lines: Callable[[], Sequence[str]]) -> None:
    """Print an answer as JSON, or as the lines that say the same."""
    if not as_json:
        return answer(lines())
    import json

    return answer(json.dumps(data, indent=2, ensure_ascii=False).split("\n"))


def piped() -> str:
    """Return what is piped in, "" on a terminal; bytes that are no text must not end in an error that quotes them."""
    return "" if sys.stdin.isatty() else sys.stdin.buffer.read().decode(errors="replace")


def run(work: Callable[[], object], arguments: Sequence[str]) -> int:
    """Do the work these arguments ask for and return its exit code; every error becomes one message on stderr."""
    code: object = 0
    try:
        _prepare()
        if _holds_key(arguments):
            from llmswitch.cli.failure import A_KEY  # only where something is wrong

            note(f"llmswitch: {A_KEY}")
            return 2
        code = work()
        code = code if isinstance(code, int) else 0
        sys.stdout.flush()
        if not lost:
            return code
        raise lost[0]
    except (Exception, KeyboardInterrupt) as error:
        from llmswitch.cli import failure  # only where something is wrong

        lines, ended = failure.ended(error, arguments, code, lost)
        note(*lines)
        return ended


def _prepare() -> None:
    """Let signals end us cleanly, and make the three streams exist and take any text."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:  # as it is behind nohup, and for jobs of many a script
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if None in (sys.stdin, sys.stdout, sys.stderr):
        from llmswitch.cli import failure  # only where one is closed (`>&-`)

        failure.fill_standard_files(lost)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    no_core_dumps()


def _holds_key(arguments: Sequence[str]) -> bool:
    """Say whether an argument for us is a key: behind `run … --` they are Claude Code's."""
    if arguments[:1] == ["run"] and "--" in arguments:
        arguments = arguments[: arguments.index("--")]
    return any(looks_like_key(word) and not os.path.exists(word) for word in arguments)


def _end(number: int, frame: object) -> None:
    """Leave by an exception, so that temporary files are removed on the way out."""
    raise SystemExit(128 + number)


def attended() -> bool:
    """Say whether a person can be asked: a terminal to read from and one to ask on."""
    return sys.stdin.isatty() and sys.stderr.isatty()
