"""The part of the command line that tells what happened: `log`."""

from __future__ import annotations

import click

from llmswitch.cli import console, shell, terminal
from llmswitch.cli.app import App
from llmswitch.commands.log import log as switches
from llmswitch.views import log as view


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the switches as JSON.")
@click.option("-w", "--worktree", default=".", metavar="PATH", shell_complete=shell.worktrees, help="Another worktree.")
@click.pass_obj
def log(app: App, as_json: bool, worktree: str) -> None:
    """Show the switches of this worktree, the newest first: when, to what, and by which command."""
    found = switches(app.checkouts.at(worktree))
    console.print_data(as_json, found.data(), lambda: view.log(found, app.home, terminal.width()))
