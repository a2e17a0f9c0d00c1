"""The pins of this machine, as lines of text."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from llmswitch.claude.variables import NONE
from llmswitch.status.rows import PinnedRow
from llmswitch.views.narrow import table
from llmswitch.views.status import headline
from llmswitch.views.text import short_path


def everywhere(rows: Sequence[PinnedRow], home: str, width: int | None) -> list[str]:
    """Return `llmswitch status --everywhere` as columns, for a terminal of `width` letters (None: any)."""
    cells = [
        (short_path(row.path, home), _preset(row), row.key or NONE, day(row.switched), _state(row)) for row in rows
    ]
    return table(("WORKTREE", "PRESET", "SAVED KEY", "SWITCHED", "PROBLEMS"), cells, width) if rows else []


def day(switched: float | None) -> str:
    """Return a time, in seconds since 1970, as a day and minute of this machine's clock."""
    return NONE if switched is None else f"{datetime.fromtimestamp(switched):%Y-%m-%d %H:%M}"


def _preset(row: PinnedRow) -> str:
    return headline(row.report).partition(" (")[0] if row.report else f"{row.preset or NONE}, as noted"


def _state(row: PinnedRow) -> str:
    if row.report is None:
        return row.state
    codes = [problem.code for problem in row.report.problems if problem.level != "note"]
    return ", ".join(dict.fromkeys(codes)) or NONE
