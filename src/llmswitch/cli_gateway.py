"""The part of the command line that handles the local gateway."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from llmswitch import console

if TYPE_CHECKING:
    from llmswitch.app import App


@click.group()
def gateway() -> None:
    """The local gateway, for presets whose slots live at different providers."""


@gateway.command("run")
@click.pass_obj
def run(app: App) -> None:
    """Run the gateway in the foreground, until SIGTERM or Ctrl-C."""
    from llmswitch.commands import gateway as commands

    commands.run(app.gateway_port(), app.gateway(), app.find_key, console.note)


@gateway.command("start")
@click.pass_obj
def start(app: App) -> None:
    """Start the gateway in the background."""
    from llmswitch.commands import gateway as commands

    console.answer([commands.start(app.gateway())])


@gateway.command("stop")
@click.pass_obj
def stop(app: App) -> None:
    """Stop the gateway; answers that are running get 20 seconds to end."""
    from llmswitch.commands import gateway as commands

    console.answer([commands.stop(app.gateway())])


@gateway.command("token")
@click.argument("routes")
@click.pass_obj
def token(app: App, routes: str) -> None:
    """Print the token for a pin's ROUTES, for Claude Code's apiKeyHelper; it starts the gateway where none runs."""
    from llmswitch.commands import gateway as commands

    click.echo(commands.token(routes, app.gateway()))


@gateway.command("status")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@click.pass_obj
def status(app: App, as_json: bool) -> None:
    """Say whether the gateway runs, and what it holds."""
    import json

    from llmswitch.commands import gateway as commands

    data = commands.status(app.gateway())
    console.answer([json.dumps(data, indent=2)] if as_json else commands.status_lines(data))
