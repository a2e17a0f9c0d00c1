"""`llmswitch status`, for the front door and for click."""

from __future__ import annotations

from llmswitch.claude.sessions import Sessions
from llmswitch.cli import console
from llmswitch.status.judge import judge
from llmswitch.status.report import Row
from llmswitch.views import status as view
from llmswitch.worktrees.worktree import branch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from llmswitch.cli.app import App


def status(
    app: App,
    worktree: str = ".",
    *,
    as_json: bool = False,
    short: bool = False,
    check: bool = False,
    all_worktrees: bool = False,
) -> int:
    """Print what Claude Code uses in a worktree, or in all, and return the exit code."""
    sessions = None if short else Sessions().of  # `short` is for prompts
    if all_worktrees:
        rows = [
            Row(entry, judge(each, entry.branch, app.catalog, app.gateway, sessions) if each else None)
            for entry, each in app.checkouts.everywhere(worktree)
        ]
        data = {"worktrees": [row.data() for row in rows]} if as_json else None
        shape = view.short_all if short else view.status_all
        console.print_data(as_json, data, lambda: shape(rows, app.home))
        return 3 if check and any(row.differs for row in rows) else 0
    checkout = app.checkouts.at(worktree)
    found = judge(checkout, branch(checkout.worktree), app.catalog, app.gateway, sessions)
    lines = (lambda: view.short(found)) if short else (lambda: view.status(found, app.home))
    console.print_data(as_json, found.data() if as_json else None, lines)
    return found.exit_code(check)
