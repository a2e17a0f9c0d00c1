"""`llmswitch status`, for the front door and for click."""

from __future__ import annotations

from llmswitch.cli import console
from llmswitch.cli.app import App
from llmswitch.status.judge import judge
from llmswitch.views import status as view
from llmswitch.worktrees.layout import branch


def status(app: App, worktree: str = ".", *, as_json: bool = False, short: bool = False, check: bool = False) -> int:
    """Print what Claude Code uses in a worktree, and return the exit code."""
    checkout = app.checkouts.at(worktree, "." if worktree == "." else "")  # a session starts where the shell is
    sessions = None if short else app.sessions  # `short` is for prompts
    found = judge(checkout, branch(checkout.worktree), app.catalog, app.gateway, sessions)
    lines = (lambda: view.short(found)) if short else (lambda: view.status(found, app.home))
    console.print_data(as_json, found.data() if as_json else None, lines)
    return found.exit_code(check)
