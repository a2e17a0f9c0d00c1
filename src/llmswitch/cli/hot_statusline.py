"""`llmswitch statusline`, for the front door and for click."""

from __future__ import annotations

from llmswitch.cli import console
from llmswitch.cli.app import App
from llmswitch.commands import statusline as command
from llmswitch.status.judge import judge


def statusline(app: App, cost: bool = False) -> None:
    """Print one line for Claude Code's status line, from what it says of the session on standard input."""
    said = command.Said(console.piped())
    checkout = app.checkouts.at(said.folder or ".", said.folder)
    line = command.line(judge(checkout, None, app.catalog, app.gateway), said, app.environ)
    if cost:
        from llmswitch.cli.session_cost import session_cost  # reads the session's transcript into the index

        line += session_cost(app, said)
    console.answer([line])
