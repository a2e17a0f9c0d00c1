"""`statusline --cost`: what the session that shows it has cost so far; without click, which costs more."""

from __future__ import annotations

from llmswitch.cli.app import App
from llmswitch.commands.statusline import BETWEEN, Said
from llmswitch.usage.remembered import Files, remembered
from llmswitch.views.amounts import cost


def session_cost(app: App, said: Said) -> str:
    """Return the end of the status line, "" where nothing is known; a status line does not fail by it."""
    if not (said.session and said.transcript):
        return ""

    def ask(files: Files) -> str:
        from llmswitch.usage import session  # SQLite; only where something has changed

        row = session.used(said.session, files, app.catalog, app.state)
        return f" {BETWEEN} {cost(row)}" if row.requests else ""

    return remembered(said.session, said.transcript, app.catalog, app.state, ask)
