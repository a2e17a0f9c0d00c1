"""The part of the command line that handles the local gateway."""

from __future__ import annotations

from collections.abc import Mapping

import click

from llmswitch.base.secret import Secret
from llmswitch.cli import console, shell
from llmswitch.cli.app import App
from llmswitch.commands import gateway as commands
from llmswitch.keys.keyring import OsKeyring
from llmswitch.keys.ready import ways_on
from llmswitch.presets.config import gateway_forget
from llmswitch.presets.routes import Route
from llmswitch.settings.pins import Pins
from llmswitch.views.text import short_path


def find_key(app: App, route: Route, exported: Mapping[str, str]) -> Secret:
    """Return the key of a gateway's route, asking nobody; the presets are read again, for they may have changed."""
    environ = {**app.environ, **exported}
    again = App(environ)
    return commands.find_key(route, again.catalog, environ, lambda: OsKeyring(False, keeper=app.keeper))


@click.group()
def gateway() -> None:
    """The local gateway, for presets whose slots live at different providers."""


@gateway.command("run")
@click.pass_obj
def run(app: App) -> int:
    """Run the gateway in the foreground, until SIGTERM or Ctrl-C."""
    return commands.run(app.gateway_port(), app.environ)


@gateway.command("serve", hidden=True)
@click.pass_obj
def serve(app: App) -> None:
    """Serve the port that `gateway run` holds; it starts this itself."""

    commands.serve(
        app.gateway(), lambda route, exported: find_key(app, route, exported), console.note, gateway_forget(app.config)
    )


@gateway.command("start")
@click.pass_obj
def start(app: App) -> None:
    """Start the gateway in the background."""

    console.answer([commands.start(app.gateway())])


@gateway.command("stop")
@click.pass_obj
def stop(app: App) -> None:
    """Stop the gateway; answers that are running get 20 seconds to end."""

    console.answer([commands.stop(app.gateway())])


@gateway.command("lock")
@click.pass_obj
def lock(app: App) -> None:
    """Let the gateway forget all keys; it reads one again when the next request needs it."""

    console.answer([commands.lock(app.gateway())])


@gateway.command("token")
@click.argument("routes")
@click.pass_obj
def token(app: App, routes: str) -> None:
    """Print the token for a pin's ROUTES, for Claude Code's apiKeyHelper; it starts the gateway where none runs."""

    click.echo(commands.token(routes, app.gateway(), "."))


@gateway.command("status")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@click.pass_obj
def status(app: App, as_json: bool) -> None:
    """Say whether the gateway runs, and what it holds."""

    def ways(status: int, name: str | None) -> str:
        preset = app.catalog.as_it_stands(name) if name else None
        return ways_on(status, preset, app.catalog, app.environ, app.key_names().load())

    data = commands.status(app.gateway(), ways, [noted.path for noted in Pins(app.state).all()])
    home = app.environ.get("HOME", "")
    console.print_data(as_json, data, lambda: commands.status_lines(data, lambda path: short_path(path, home)))


@gateway.group("export")
def export() -> None:
    """Write the configuration of another engine from a preset."""


@export.command("litellm")
@click.argument("preset", shell_complete=shell.presets)
@click.option("--team", is_flag=True, help="With Postgres, Redis and virtual keys with budgets.")
@click.option("--url", default="http://127.0.0.1:4000", metavar="URL", help="Where developers will find the proxy.")
@click.option("-o", "--output", metavar="FOLDER", help="Write the files there; without it, show them.")
@click.pass_obj
def litellm(app: App, preset: str, team: bool, url: str, output: str | None) -> None:
    """Write a LiteLLM proxy's configuration for PRESET; every key in it is an environment variable."""

    files, variables, notes = commands.export_litellm(preset, app.catalog, url, team)
    if output:
        commands.write_new(output, files)
    shown = [line for name, text in files.items() for line in (f"# {name}", *text.split("\n"))]
    console.answer(sorted(files) if output else shown)
    console.note(f"The proxy needs these variables: {', '.join(variables)}.", *(notes if team else []))
