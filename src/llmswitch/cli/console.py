"""The three streams: answers on stdout, remarks on stderr, and how a run ends; without click, slow to import."""

from __future__ import annotations

import errno
import io
import os
import sys

from llmswitch.base.errors import LlmswitchError
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
_lost: list[OSError] = []


def note(*lines: str) -> None:
    """Print remarks on stderr, so that stdout stays the answer; nothing is left to say where that fails."""
    try:
        for line in lines:
            sys.stderr.write(_plain(line) + "\n")
        sys.stderr.flush()
    except OSError:
        pass


def answer(lines: Sequence[str]) -> None:
    """Print an answer on stdout."""
    try:
        for text in lines:
            sys.stdout.write("\n".join(map(_plain, text.split("\n"))) + "\n")
        sys.stdout.flush()
    except OSError as error:
        _lose(error)


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

    return answer([json.dumps(data, indent=2, ensure_ascii=False)])


def piped() -> str:
    """Return what is piped in, "" on a terminal; bytes that are no text must not end in an error that quotes them."""
    return "" if sys.stdin.isatty() else sys.stdin.buffer.read().decode(errors="replace")


def run(work: Callable[[], object], arguments: Sequence[str]) -> int:
    """Do the work these arguments ask for and return its exit code; every error becomes one message on stderr."""
    _prepare()
    if _holds_key(arguments):
        from llmswitch.cli.failure import A_KEY  # only where something is wrong

        note(f"llmswitch: {A_KEY}")
        return 2
    try:
        code = work()
        return _flushed(code if isinstance(code, int) else 0)
    except LlmswitchError as error:
        return _fail(error, arguments)
    except KeyboardInterrupt:
        note("", "llmswitch: interrupted.")
        return 130
    except OSError as error:
        if (code := _flushed(0)) or _lost:  # what click printed by itself: help, a key
            return code
        where = error.filename or "the system"
        note(f"llmswitch: {where}: {error.strerror}. Nothing else was changed. See `llmswitch status`.")
        return 1
    except Exception as error:
        return _fail(error, arguments)


def _prepare() -> None:
    """Let signals end us cleanly, and make the three streams exist and take any text."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    if sys.stdout is None:
        _lost.append(OSError(errno.EBADF, os.strerror(errno.EBADF)))
    _fill_standard_files()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    no_core_dumps()


def _fill_standard_files() -> None:
    """Put /dev/null where standard files are closed (`>&-`), so that no file of ours takes the place of one."""
    while (file := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(file)
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115  # as long as the process


def _holds_key(arguments: Sequence[str]) -> bool:
    """Say whether an argument for us is a key: behind `run … --` they are Claude Code's."""
    if arguments[:1] == ["run"] and "--" in arguments:
        arguments = arguments[: arguments.index("--")]
    return any(looks_like_key(word) and not os.path.exists(word) for word in arguments)


def _fail(error: Exception, arguments: Sequence[str]) -> int:
    from llmswitch.cli import failure  # only where something is wrong

    lines, code = failure.explained(error, arguments)
    note(*lines)
    return code


def _flushed(code: int) -> int:
    """Return the exit code once the answer is out; a reader that has what it wanted (`| head`) is no failure."""
    try:
        sys.stdout.flush()
    except OSError as error:
        _lose(error)
    if not _lost or isinstance(_lost[0], BrokenPipeError):
        return code
    note(f"llmswitch: what was asked is done, but the answer could not be printed: {_lost[0].strerror}.")
    return 1


def _lose(error: OSError) -> None:
    """Note that stdout is gone, and keep the interpreter from complaining about it when it ends."""
    _lost.append(error)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _end(number: int, frame: object) -> None:
    """Leave by an exception, so that temporary files are removed on the way out."""
    raise SystemExit(128 + number)


def attended() -> bool:
    """Say whether a person can be asked: a terminal to read from and one to ask on."""
    return sys.stdin.isatty() and sys.stderr.isatty()
