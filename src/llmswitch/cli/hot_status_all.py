"""`llmswitch status --all`, for the front door and for click."""

from __future__ import annotations

import sys

from llmswitch.cli import console
from llmswitch.settings.neighbours import alike, everywhere
from llmswitch.status.judge import judge
from llmswitch.status.rows import Row
from llmswitch.views import status_all as view

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from llmswitch.claude.sessions import Session
    from llmswitch.cli.app import App
    from llmswitch.status.report import Report
    from llmswitch.worktrees.listing import Listed


def status_all(
    app: App, worktree: str = ".", *, as_json: bool = False, short: bool = False, check: bool = False
) -> int:
    """Print what Claude Code uses in every worktree of the repository, and return the exit code."""
    sessions = None if short else app.sessions
    rows = [Row(entry, report) for entry, report in _reports(app, worktree, sessions)]
    data = {"worktrees": [row.data() for row in rows]} if as_json else None
    width = None
    if sys.stdout.isatty():
        from llmswitch.cli import terminal  # only in front of a person

        width = terminal.width()
    lines = (lambda: view.short_all(rows, app.home)) if short else (lambda: view.status_all(rows, app.home, width))
    console.print_data(as_json, data, lines)
    return 3 if check and any(row.differs for row in rows) else 0


def _reports(
    app: App, worktree: str, sessions: Callable[[str], Sequence[Session] | None] | None
) -> Iterator[tuple[Listed, Report | None]]:
    """Yield each worktree with its report; those without a word of their own share one, since nothing differs."""
    shared: dict[tuple[str | None, ...], Report] = {}
    for entry, each in everywhere(app.checkouts, worktree):
        same = alike(each) if each else None
        report = shared.get(same) if same else None
        if each and report is None:
            report = judge(each, entry.branch, app.catalog, app.gateway, sessions)
        if same and report:
            shared[same] = report
        yield entry, report
