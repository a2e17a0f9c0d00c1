"""What a run that fails says on stderr, and its exit code: never an exception's own words, which may quote a key."""

from __future__ import annotations

import os
from collections.abc import Sequence

from llmswitch.base.errors import LlmswitchError, UsageProblem
from llmswitch.base.install import off_path
from llmswitch.base.key_words import may_be_key

A_KEY = (
    "One of the arguments looks like a key. Nothing was done with it, but it may now be in your shell's history "
    "and was visible to other programs: revoke it at the provider (`llmswitch show PRESET` names the page). Then run "
    "`llmswitch save-key` and paste the new one when asked; `llmswitch renew --everywhere` puts it into every pin that "
    "holds the old one, and `llmswitch status --everywhere --check` tells whether that is all."
)


class CommandLineProblem(UsageProblem):
    """The command line cannot be read; `lines` is what the reader of it says, with the usage."""

    def __init__(self, lines: list[str], exit_code: int) -> None:
        super().__init__(lines[-1] if lines else "")
        self.lines, self.exit_code = lines, exit_code


def explained(error: Exception, arguments: Sequence[str]) -> tuple[list[str], int]:
    """Return the lines that say what went wrong, and the exit code."""
    if not isinstance(error, LlmswitchError):
        return _bug(error), 1
    # An error about the command line quotes what it does not understand, and that may be a key.
    if error.exit_code == 2 and any(may_be_key(part) for word in arguments for part in word.split("=")):
        return [f"llmswitch: {A_KEY}"], 2
    if isinstance(error, CommandLineProblem):
        return error.lines, error.exit_code
    return [f"llmswitch: {error}", *(off_path() if "llmswitch " in error.hint else ())], error.exit_code


def _bug(error: Exception) -> list[str]:
    """Tell where a bug of ours is; not what the exception says, which may quote a file with a key in it."""
    places, trace = [], error.__traceback__
    while trace:
        places.append(f"{os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}")
        trace = trace.tb_next
    kind = type(error).__name__
    return [f"llmswitch: this is a bug in llmswitch ({kind}); please report it with this line:", " ".join(places)]
