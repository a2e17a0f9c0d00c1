"""The part of the command line that handles keys: `save-key`, `keys`, `print-key`."""

from __future__ import annotations

import click

from llmswitch.base.errors import KeyProblem
from llmswitch.cli import console, hot_print_key, prompts, renewing, shell, terminal
from llmswitch.cli.app import App
from llmswitch.commands import keys as commands
from llmswitch.commands.key_name import key_name
from llmswitch.commands.list_show import preset_here
from llmswitch.keys import env_file
from llmswitch.keys.saved import save
from llmswitch.keys.sources import STDIN, checked, missing
from llmswitch.views import keys as view


@click.command("save-key")
@click.argument("name", required=False, shell_complete=shell.keys)
@click.option("--from-env-file", metavar="FILE", type=click.Path(), help="Take it out of a file of NAME=VALUE lines.")
@click.pass_obj
def save_key(app: App, name: str | None, from_env_file: str | None) -> None:
    """Store a key in the OS keyring.

    It is asked for without showing it, or read from standard input when piped. NAME is a key or a preset;
    without it, the key of the preset in use here.
    """

    name = key_name(name, app.catalog, preset_here(app.checkouts))
    try:
        where = app.keyring().title  # opened first: nobody should paste a key that no keyring will take
    except KeyProblem as error:
        raise missing(name, {}, error) from None
    secret = (
        env_file.read(from_env_file, name) if from_env_file else checked(prompts.key_text(name, app.catalog), STDIN)
    )
    warnings = save(name, secret, app.catalog, app.keyring(), app.key_names())
    console.answer([f"Saved the {name} key in {where} (read back and compared)."])
    renewing.after_saving(app, name)
    console.note(*(f"warning: {warning}" for warning in warnings))
    if from_env_file:
        console.note(f"{from_env_file} still holds it; delete it there when nothing else needs it.")


AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print the same as JSON.")


@click.group(invoke_without_command=True)
@AS_JSON
@click.pass_context
def keys(ctx: click.Context, as_json: bool) -> None:
    """List the keys that were saved or exported, or that presets of yours use, and the pins that hold a copy.

    Never a value.
    """
    if ctx.invoked_subcommand is None:
        ctx.invoke(keys_list, as_json=as_json)


@keys.command("list")
@AS_JSON
@click.pass_obj
def keys_list(app: App, as_json: bool) -> None:
    """List the keys that were saved or exported, or that presets of yours use, and the pins that hold a copy.

    Never a value.
    """
    rows = commands.list_keys(app.catalog, app.environ, app.keyring, app.key_names())
    pins = renewing.holders(app)
    data = {"keys": [row.data() for row in rows], "pins": [pin.data() for pin in pins]}
    width = terminal.width()
    console.print_data(as_json, data, lambda: [*view.keys(rows, width), *view.holders(pins, app.home, width)])


@keys.command("delete")
@click.argument("name", shell_complete=shell.keys)
@AS_JSON
@click.pass_obj
def keys_delete(app: App, name: str, as_json: bool) -> None:
    """Delete a key from the OS keyring, and say where it still stands. NAME is a key or a preset."""

    name = key_name(name, app.catalog, None)
    deleted = commands.delete_key(name, app.keyring, app.key_names())
    gateway = app.gateway()
    untold = [] if gateway.renew(name) else renewing.untold(gateway)  # one that runs forgets it
    standing = [pin for pin in renewing.holders(app) if pin.key == name]
    page, asking = commands.key_page(name, app.catalog), renewing.askers(app, name)
    data = {
        "key": name,
        "deleted": deleted,
        "standing_in": [pin.data() for pin in standing],
        "asking": asking,
        "revoke_at": page,
    }
    line = f"Deleted the {name} key." if deleted else f"Nothing to do: the keyring has no {name} key."
    console.print_data(as_json, data, lambda: [line])
    console.note(*untold)
    if deleted or standing:
        console.note(*view.without_key(asking, app.home), *view.still_standing(name, standing, page, app.home))
    renewing.after_deleting(app, standing, may_ask=not as_json)


@click.command("print-key")
@click.argument("name", required=False, shell_complete=shell.keys)
@click.option("--preset", metavar="PRESET", shell_complete=shell.presets, help="The key of this preset.")
@click.option("--overlay", metavar="NAME", hidden=True, help="The settings of `llmswitch run` that ask for it.")
@click.pass_obj
def print_key(app: App, name: str | None, preset: str | None, overlay: str | None) -> None:
    """Print one key, for Claude Code's apiKeyHelper.

    Nothing else is printed, and nobody is asked. NAME is a key or a preset.
    """
    hot_print_key.print_key(app, name, preset, overlay)


@click.command("renew")
@click.argument("name", required=False, shell_complete=shell.keys)
@click.option("--everywhere", is_flag=True, help="Every worktree on this machine that was pinned, and those beside it.")
@click.option("--key-helper", is_flag=True, help="Take the key out of the files: Claude Code asks llmswitch for it.")
@click.option("--json", "as_json", is_flag=True, help="Print what became of each pin as JSON.")
@click.pass_obj
def renew(app: App, name: str | None, everywhere: bool, key_helper: bool, as_json: bool) -> int:
    """Put the saved key into every pin of this repository that holds an older one.

    Only the characters of the key change. A key that came from elsewhere (--key-stdin, an exported variable, a
    command) is left alone. NAME is a key or a preset; without it, every saved key.
    """
    name = None if name is None else key_name(name, app.catalog, None)
    return renewing.renew(app, name, machine=everywhere, helper=key_helper, as_json=as_json)
