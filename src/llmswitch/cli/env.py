"""The part of the command line that hands a pin on to what reads no settings file."""

from __future__ import annotations

import os
import sys

import click

from llmswitch.base.errors import Refused, UsageProblem
from llmswitch.cli import console, shell
from llmswitch.cli.app import App
from llmswitch.commands.env import CALLING, FORMATS, Exporter, spelled
from llmswitch.keys.sources import KeySource


@click.command("env")
@click.argument("preset", required=False, shell_complete=shell.presets)
@click.option(
    "--format", "form", type=click.Choice(FORMATS), default="sh", show_default=True, help="How to write them."
)
@click.option("--with-key", is_flag=True, help="The key itself, and not a command that prints it; not to a terminal.")
@click.pass_obj
def env(app: App, preset: str | None, form: str, with_key: bool) -> None:
    """Print this worktree's pin, or PRESET, as exported variables.

    For direnv, editors, the Agent SDK, CI and `docker run --env-file`. A settings file that Claude Code reads beats an
    exported variable: where one in this folder says something else, this refuses and names it.
    """
    if with_key and sys.stdout.isatty():
        raise Refused(
            "--with-key does not print a key to a terminal.", hint="Send it to a file, or leave --with-key out."
        )
    exporter = Exporter(app.catalog, KeySource(app.environ, app.keyring, app.key_names), app.gateway, app.key_helper)
    exports = exporter.exports(preset, app.checkouts.at(".", os.getcwd()), with_key)
    if exports.called and form not in CALLING:
        raise UsageProblem(
            f"{form} cannot call a command for the key.",
            hint="Add --with-key to put the key itself in, or use sh or fish.",
        )
    console.answer(spelled(exports, form).split("\n"))
    if exports.left_out:
        console.note(f"Left out, since only a settings file can say it: {', '.join(exports.left_out)}.")
