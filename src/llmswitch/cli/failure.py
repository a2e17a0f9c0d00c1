"""What a run that fails says on stderr, and its exit code: never an exception's own words, which may quote a key."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence

from llmswitch.base.errors import COMMANDS, LlmswitchError, UsageProblem
from llmswitch.base.install import off_path
from llmswitch.base.key_words import may_be_key
from llmswitch.base.passable import Passable

A_KEY = (
    "One of the arguments looks like a key. Nothing was done with it, but it may now be in your shell's history "
    "and was visible to other programs: revoke it at the provider (`llmswitch show PRESET` names the page). Then run "
    "`llmswitch save-key` and paste the new one when asked; `llmswitch renew --everywhere` puts it into every pin that "
    "holds the old one, and `llmswitch status --everywhere --check` tells whether that is all."
)


PLACES = 10  # of a bug
SWITCHES = ("-", "use", "run")  # the commands that take --anyway, as each PRESET does


class CommandLineProblem(UsageProblem):
    """The command line cannot be read; `lines` is what the reader of it says, with the usage."""

    def __init__(self, lines: list[str], exit_code: int) -> None:
        super().__init__(lines[-1] if lines else "")
        self.lines, self.exit_code = lines, exit_code


def ended(error: Exception, arguments: Sequence[str], code: object, lost: list[OSError]) -> tuple[list[str], int]:
    """Return the lines that say what ended a run, and its exit code.

    `code` is that of an answer which could not be printed, and `lost` why.
    """
    return _system(error, code, lost) if isinstance(error, OSError) else explained(error, arguments)


def _system(error: OSError, code: object, lost: list[OSError]) -> tuple[list[str], int]:
    """Say what the system refused: the answer that could not be printed, by us or by click itself, or a file."""
    try:
        sys.stdout.flush()
    except OSError as gone:
        lose(lost, gone)
    if not lost:
        where = error.filename or "the system"
        return [f"llmswitch: {where}: {error.strerror}. Nothing else was changed. See `llmswitch status`."], 1
    if isinstance(lost[0], BrokenPipeError):  # a reader that has what it wanted (`| head`) is no failure
        return [], code if isinstance(code, int) else 0
    why = lost[0].strerror
    return [f"llmswitch: what was asked is done, but the answer could not be printed: {why}."], 1


def lose(lost: list[OSError], error: OSError) -> None:
    """Note that stdout is gone, and keep the interpreter from complaining about it when it ends."""
    lost.append(error)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def fill_standard_files(lost: list[OSError]) -> None:
    """Put /dev/null where standard files are closed (`>&-`), so that no file of ours takes the place of one."""
    if sys.stdout is None:
        lost.append(OSError(errno.EBADF, os.strerror(errno.EBADF)))
    while (file := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(file)
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115  # as long as the process


def explained(error: Exception, arguments: Sequence[str]) -> tuple[list[str], int]:
    """Return the lines that say what went wrong, and the exit code."""
    if not isinstance(error, LlmswitchError):
        return _bug(error), 1
    # An error about the command line quotes what it does not understand, and that may be a key.
    if error.exit_code == 2 and any(may_be_key(part) for word in arguments for part in word.split("=")):
        return [f"llmswitch: {A_KEY}"], 2
    if isinstance(error, CommandLineProblem):
        return error.lines, error.exit_code
    may_pass = isinstance(error, Passable) and (arguments[0] in SWITCHES or arguments[0] not in COMMANDS)
    said = f"{str(error).rstrip('.')}. (--anyway goes on.)" if may_pass else str(error)
    return [f"llmswitch: {said}", *(off_path() if "llmswitch " in error.hint else ())], error.exit_code


def _bug(error: BaseException) -> list[str]:
    """Tell where a bug of ours is; not what the exception says, which may quote a file with a key in it."""
    places, trace = [], error.__traceback__
    while trace:
        places.append(f"{os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}")
        trace = trace.tb_next
    kind = type(error).__name__
    shown = places if len(places) <= PLACES else [*places[:3], "…", *places[-PLACES + 3 :]]
    return [f"llmswitch: this is a bug in llmswitch ({kind}); please report it with this line:", " ".join(shown)]
