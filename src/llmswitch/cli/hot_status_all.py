"""`llmswitch status --all`, for the front door and for click."""

from __future__ import annotations

import sys

from llmswitch.cli import console
from llmswitch.settings.neighbours import everywhere
from llmswitch.status.judge import judge
from llmswitch.status.rows import Row
from llmswitch.views import status_all as view

TYPE_CHECKING = False
if TYPE_CHECKING:
    from llmswitch.cli.app import App


def status_all(
    app: App, worktree: str = ".", *, as_json: bool = False, short: bool = False, check: bool = False
) -> int:
    """Print what Claude Code uses in every worktree of the repository, and return the exit code."""
    sessions = None if short else app.sessions
    rows = [
        Row(entry, judge(each, entry.branch, app.catalog, app.gateway, sessions) if each else None)
        for entry, each in everywhere(app.checkouts, worktree)
    ]
    data = {"worktrees": [row.data() for row in rows]} if as_json else None
    width = None
    if sys.stdout.isatty():
        from llmswitch.cli import prompts  # only in front of a person

        width = prompts.width()
    lines = (lambda: view.short_all(rows, app.home)) if short else (lambda: view.status_all(rows, app.home, width))
    console.print_data(as_json, data, lines)
    return 3 if check and any(row.differs for row in rows) else 0
