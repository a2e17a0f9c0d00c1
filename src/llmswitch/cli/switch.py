"""The part of the command line that switches: every preset as a command, `use`, and `run`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import click

from llmswitch.base.addresses import url_problem
from llmswitch.base.errors import UsageProblem
from llmswitch.claude.variables import SLOTS
from llmswitch.cli import console, hot_switch, picker, prompts, shell
from llmswitch.cli.app import App
from llmswitch.cli.many import Teller
from llmswitch.commands.back import back as go_back
from llmswitch.commands.back import first as to_first
from llmswitch.commands.back import sent_now
from llmswitch.commands.ladder import with_ladder
from llmswitch.commands.request import Request
from llmswitch.commands.run import in_use, start
from llmswitch.commands.switch import Tools
from llmswitch.presets.preset import TIERS
from llmswitch.settings.checkout import Checkout
from llmswitch.settings.neighbours import all_of
from llmswitch.views import switch as view
from llmswitch.views import switch_json


def _slot_options(command: Any) -> Any:
    tiers = {slot: tier for tier, slot in TIERS.items()}
    for slot in reversed(SLOTS):
        names = [f"--{slot}", *([f"--{tiers[slot]}"] if slot in tiers else [])]
        command = click.option(
            *names, slot, metavar="MODEL", shell_complete=shell.models, help=f"Model for the {slot} slot."
        )(command)
    return command


def _apply(options: list[Any], command: Any) -> Any:
    for option in reversed(options):
        command = option(command)
    return command


def _safety_options(command: Any) -> Any:
    options = [
        click.option("-n", "--dry-run", is_flag=True, help="Show the change, write nothing, read no key."),
        click.option("--key-stdin", is_flag=True, help="Read the key from standard input, for this pin."),
        click.option("--adopt-key", metavar="NAME", help="Save a credential in the file that is not ours as NAME."),
        click.option("--discard-key", is_flag=True, help="Let a credential in the file that is not ours go."),
        click.option("--anyway", is_flag=True, help="Go on where llmswitch would refuse for safety."),
        click.option("--json", "as_json", is_flag=True, help="Print what changed in each worktree as JSON."),
    ]
    return _apply(options, command)


def _go_on_options(command: Any) -> Any:
    where = click.option(
        "-w", "--worktree", default=".", metavar="PATH", shell_complete=shell.worktrees, help="Another worktree."
    )
    return _apply([where, _safety_options], command)


def _model_options(command: Any) -> Any:
    options = [
        _slot_options,
        click.option(
            "--model",
            metavar="MODEL",
            shell_complete=shell.models,
            help="One model for every slot; a slot's own option beats it.",
        ),
        click.option("--start", metavar="SLOT", shell_complete=shell.starts, help="What a new session starts on."),
        click.option(
            "--also", multiple=True, metavar="ID", help="A further model that /model may choose; any: every one."
        ),
    ]
    return _apply(options, command)


def _endpoint(ctx: click.Context, option: click.Parameter, url: str | None) -> str | None:
    """Return the value of --base-url; UsageProblem where it is no address for a key."""
    if url is not None and (problem := url_problem(url)):
        raise UsageProblem(f"--base-url {problem}.")
    return url


def _switch_options(command: Any) -> Any:
    options = [
        _model_options,
        click.option("--ladder", is_flag=True, help="Slots from this worktree's .claude/model-ladder.json."),
        click.option("--base-url", metavar="URL", callback=_endpoint, help="Another endpoint for this pin."),
        click.option(
            "-w",
            "--worktree",
            "worktrees",
            multiple=True,
            metavar="PATH",
            shell_complete=shell.worktrees,
            help="Another worktree; may be repeated.",
        ),
        click.option(
            "--all", "all_worktrees", is_flag=True, help="Every worktree of this repository, or of the one -w names."
        ),
        click.option(
            "--key-helper/--no-key-helper",
            default=None,
            help="Keep the key off the disk: Claude Code asks llmswitch for it.",
        ),
        click.option("--live", is_flag=True, help="With `claude`: take open sessions back too (2 seconds)."),
        _safety_options,
    ]
    return _apply(options, command)


def switch(app: App, preset: str, options: Mapping[str, Any]) -> None:
    """Switch to a preset, as the options say, and print what changed."""
    request, paths = hot_switch.request_of(app, preset, options), options.get("worktrees") or ["."]
    if options.get("all_worktrees"):
        checkouts, left_out = all_of(app.checkouts, paths)
        console.note(*left_out)
    else:
        checkouts = [app.checkouts.at(path) for path in paths]
    if options.get("ladder"):
        request, remarks = with_ladder(request, checkouts, app.catalog)
        console.note(*remarks)
    _carry_out(app, request, checkouts, options)


def _carry_out(app: App, request: Request, checkouts: list[Checkout], options: Mapping[str, Any]) -> None:
    """Do what a request asks for; with --json what it did is printed at the end, as data."""
    if not options.get("as_json"):
        if len(checkouts) > 1:
            options = {**options, "tell": Teller(len(checkouts)).tell}
        return hot_switch.carry_out(app, request, checkouts, options)
    found: list[Mapping[str, object]] = []

    def tell(_: App, *did: Any) -> None:
        found.append(switch_json.switched(*did))

    hot_switch.carry_out(app, request, checkouts, {**options, "tell": tell})
    return console.print_data(True, {"switched": found}, list)


def switch_command(name: str) -> click.Command:
    """Return the command that switches to the preset of that name."""

    @click.command(name, help=f"Switch this worktree to the preset {name}.")
    @_switch_options
    @click.pass_obj
    def command(app: App, /, **options: Any) -> None:
        switch(app, name, options)

    made: click.Command = command
    return made


@click.command()
@click.argument("preset", required=False, shell_complete=shell.presets)
@_switch_options
@click.pass_obj
def use(app: App, /, preset: str | None, **options: Any) -> int:
    """Switch to PRESET (as `llmswitch PRESET`), or on a terminal choose one: Esc, or an empty line, changes nothing."""
    if preset is None and (preset := picker.pick(app)) is None:
        console.note("Nothing was changed.")
        return 130
    switch(app, preset, options)
    return 0


@click.command("-")
@click.option("--to", type=click.Choice(["first"]), help="What stood here before the first switch of llmswitch.")
@_go_on_options
@click.pass_obj
def back(app: App, /, **options: Any) -> None:
    """Go back to what this worktree had before, or with --to first to what stood here before any switch."""
    checkout = app.checkouts.at(options["worktree"])
    ask = prompts.secrets(bool(options["key_stdin"]))
    request = (to_first if options["to"] else go_back)(checkout.state, options, ask)
    promised = options["key_stdin"] and request.members is None  # those took what was piped in
    _carry_out(app, request, [checkout], {**options, "key_stdin": promised})
    if request.members is not None and not request.dry_run:
        console.note(*sent_now(checkout.root, app.environ, app.state))


class WithRest(click.Command):
    """A command that hands everything behind `--` on as it is, in `ctx.meta["rest"]`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse what stands before `--`."""
        cut = args.index("--") if "--" in args else len(args)
        ctx.meta["rest"] = args[cut + 1 :]
        return super().parse_args(ctx, args[:cut])


@click.command("run", cls=WithRest, options_metavar="[PRESET] [OPTIONS] [-- CLAUDE-ARGUMENTS…]")
@click.argument("preset", required=False, metavar="", shell_complete=shell.presets)
@_model_options
@click.option("--anyway", is_flag=True, help="Go on where llmswitch would refuse for safety.")
@click.pass_context
def run_(ctx: click.Context, /, preset: str | None, **options: Any) -> None:
    """Start Claude Code with this worktree's pin.

    Or with PRESET, on top of every settings file and without writing any: right in every layout, from any
    folder. The key comes from a helper and is in no file. Models without PRESET go on top of the one in use here, or on
    your own login.
    """
    app: App = ctx.obj
    checkout = app.checkouts.at(".", os.getcwd())
    anyway = options.pop("anyway")
    asked = {name: value for name, value in options.items() if value not in (None, ())}
    if asked and not preset:
        preset, asked = in_use(checkout, asked)
    request = hot_switch.request_of(app, preset, asked) if preset else None
    console.note(*view.exported(request) if request else ())
    keys = prompts.key_source(app, promised=False)
    tools = Tools(app.catalog, keys, app.gateway, app.key_helper, app.typed)
    start(request, checkout, tools, app.state, app.environ, ctx.meta["rest"], anyway, console.note)
