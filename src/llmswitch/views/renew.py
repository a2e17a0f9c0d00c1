"""What became of the pins that hold a key, as lines of text."""

from __future__ import annotations

from collections.abc import Sequence

from llmswitch.commands.renew import Left, Renewed
from llmswitch.views.text import short_path


def renewed(done: Renewed, home: str) -> list[str]:
    """Return what was renewed, what holds the saved key already, and what asks for it each time."""
    lines = [f"Renewed the {key} key in {short_path(path, home)}." for path, key in done.renewed]
    if not done.renewed and not done.failed:
        what = f" of the {done.keys[0]} key" if len(done.keys) == 1 else ""
        lines.append(f"Nothing to do: no pin here holds an older copy{what}.")
    return lines


def remarks(done: Renewed, home: str) -> list[str]:
    """Return what was left, with the command for each."""
    return [*_lines("Not renewed", done.failed, home), *_lines("Left as it is", done.left, home), *done.doubts]


def _lines(verb: str, left: Sequence[Left], home: str) -> list[str]:
    return [
        f"{verb}: {short_path(each.path, home)}: {each.why.rstrip('.')}." + (f" → {each.fix}" if each.fix else "")
        for each in left
    ]
