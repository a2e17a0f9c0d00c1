"""What Claude Code uses in every worktree, as lines of text."""

from __future__ import annotations

from collections.abc import Sequence

from llmswitch.claude.variables import NONE, SLOTS, VARIABLES
from llmswitch.status.report import Report
from llmswitch.status.rows import Row
from llmswitch.views.narrow import table
from llmswitch.views.status import headline, short
from llmswitch.views.text import columns, short_path


def status_all(rows: Sequence[Row], home: str, width: int | None = None) -> list[str]:
    """Return `llmswitch status --all` as a table of at most `width` letters, the main checkout first."""
    said = {id(row.report): _row(row) for row in {id(row.report): row for row in rows if row.report}.values()}
    cells = [(short_path(row.path, home), row.branch or NONE, *(said.get(id(row.report)) or _row(row))) for row in rows]
    return table(("WORKTREE", "BRANCH", "PRESET", "SLOTS", "PROBLEMS"), cells, width)


def _row(row: Row) -> tuple[str, str, str]:
    if row.report is None:
        return NONE, NONE, row.state
    codes = [problem.code for problem in row.report.problems if problem.level != "note"]
    models = {slot: model.rpartition("/")[2] for slot, model in _models(row.report).items() if model}
    same = len(set(models.values())) == 1 and len(models) >= len(SLOTS) - 1  # a sub-agent may inherit
    words = [f"all {next(iter(models.values()))}"] if same else [f"{slot} {model}" for slot, model in models.items()]
    return headline(row.report).partition(" (")[0], ", ".join(words) or NONE, ", ".join(dict.fromkeys(codes)) or NONE


def short_all(rows: Sequence[Row], home: str) -> list[str]:
    """Return the same word for every worktree, with its path."""
    words = [(short(row.report)[0] if row.report else NONE, short_path(row.path, home)) for row in rows]
    return columns(words, indent="")


def _models(report: Report) -> dict[str, str | None]:
    return {slot: report.shown(variable) for slot, variable in VARIABLES.items()}
