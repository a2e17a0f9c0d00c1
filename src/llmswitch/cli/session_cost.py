"""`statusline --cost`: what the session that shows it has cost so far; without click, which costs more."""

from __future__ import annotations

from llmswitch.base.errors import LlmswitchError
from llmswitch.cli.app import App
from llmswitch.commands import usage as command
from llmswitch.commands.statusline import BETWEEN, Said
from llmswitch.views import usage as view


def session_cost(app: App, said: Said) -> str:
    """Return the end of the status line, "" where nothing is known; a status line does not fail by it."""
    if not (said.session and said.transcript):
        return ""
    try:
        row = command.of_session(said.session, said.transcript, app.catalog, app.state)
    except LlmswitchError:
        return ""
    return f" {BETWEEN} {view.cost(row)}" if row.requests else ""
