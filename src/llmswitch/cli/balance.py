"""The part of the command line that asks providers what is left."""

from __future__ import annotations

import click

from llmswitch.base.errors import KeyProblem
from llmswitch.cli import console, prompts, shell, terminal
from llmswitch.cli.app import App
from llmswitch.commands import balance as command
from llmswitch.keys.sources import KeySource
from llmswitch.views import balance as view


@click.command("balance")
@click.argument("presets", nargs=-1, metavar="[PRESET]…", shell_complete=shell.presets)
@click.option("--json", "as_json", is_flag=True, help="Print the same as JSON.")
@click.pass_obj
def balance(app: App, presets: tuple[str, ...], as_json: bool) -> int:
    """Ask providers what is left: credit, the limit of the key, the plan's window.

    Only where the provider documents a request for it, with the preset's own key, and only when you type this.
    Without PRESET: for every key that is saved or exported.
    """
    saved = app.key_names().load()
    chosen = command.named(presets, app.catalog) if presets else command.known(app.catalog, app.environ, saved)
    if not chosen:
        raise KeyProblem("No key is saved or exported.", hint="Save one: llmswitch save-key NAME")
    keys = KeySource(app.environ, app.keyring, app.key_names)
    found = command.balance(chosen, lambda preset: keys.obtain(preset).secret, prompts.answered)
    data = {"balances": [each.data() for each in found]}
    console.print_data(as_json, data, lambda: view.balances(found, terminal.width()))
    console.note(*view.remarks(found))
    return 4 if any(each.no_key for each in found) else int(any(each.failed for each in found))
