"""The command line: arguments in, answers out. What a command does is in `commands`."""

from __future__ import annotations

import json
import os
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from llmswitch import __version__, cli_keys, console, report
from llmswitch.app import App
from llmswitch.slots import SLOTS, TIERS

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmswitch.commands.obtain_key import KeySource
    from llmswitch.commands.switch import Request, Target

EXAMPLES = """\b
Examples:
  llmswitch save-key              store your OpenRouter key in the OS keyring
  llmswitch openrouter            point Claude Code in this worktree at OpenRouter
  llmswitch openrouter --sonnet qwen/qwen3-coder --start opus
  llmswitch status                what Claude Code uses here, slot by slot
  llmswitch claude                back to Claude Code's own backend

\b
Exit codes: 0 done or nothing to do, 1 failed, 2 wrong usage, 3 `status --check` found a difference,
4 key or keyring, 5 refused for safety, 130 interrupted.
"""


class Commands(click.Group):
    """The commands, and every preset as a command of its own; a command's name wins."""

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Return a command, or the switch to the preset of that name."""
        found = super().get_command(ctx, name)
        if found or name.startswith("-"):
            return found
        return _switch_command(name)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order in which people need them."""
        return list(self.commands)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands, then the presets."""
        super().format_commands(ctx, formatter)
        presets = ctx.find_root().obj.catalog.load_all()[0]
        with formatter.section("Presets (llmswitch PRESET, the same as llmswitch use PRESET)"):
            formatter.write_dl([(preset.name, preset.title) for preset in presets])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[Any]:
        """Complete preset names as well."""
        from click.shell_completion import CompletionItem

        names = ctx.find_root().obj.catalog.names()
        presets = [CompletionItem(name) for name in names if name.startswith(incomplete)]
        return [*super().shell_complete(ctx, incomplete), *presets]


class WithRest(click.Command):
    """A command that hands everything behind `--` on as it is, in `ctx.meta["rest"]`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse what stands before `--`."""
        cut = args.index("--") if "--" in args else len(args)
        ctx.meta["rest"] = args[cut + 1 :]
        return super().parse_args(ctx, args[:cut])


@click.group(
    cls=Commands,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=EXAMPLES,
)
@click.version_option(__version__, "--version", prog_name="llmswitch")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Point Claude Code at another backend, in this git worktree only.

    Without a command: `llmswitch status`.
    """
    if ctx.invoked_subcommand is None:
        ctx.invoke(status)


def _slot_options(command: Any) -> Any:
    tiers = {slot: tier for tier, slot in TIERS.items()}
    for slot in reversed(SLOTS):
        names = [f"--{slot}", *([f"--{tiers[slot]}"] if slot in tiers else [])]
        command = click.option(*names, slot, metavar="MODEL", help=f"Model for the {slot} slot.")(command)
    return command


def _switch_options(command: Any) -> Any:
    options = [
        _slot_options,
        click.option("--model", metavar="MODEL", help="One model for every slot; a slot's own option beats it."),
        click.option("--start", metavar="SLOT", help="What a new session starts on."),
        click.option("--base-url", metavar="URL", help="Another endpoint for this pin."),
        click.option(
            "-w",
            "--worktree",
            "worktrees",
            multiple=True,
            metavar="PATH",
            help="Another worktree; may be repeated.",
        ),
        click.option("--all", "all_worktrees", is_flag=True, help="Every worktree of this repository."),
        click.option("-n", "--dry-run", is_flag=True, help="Show the change, write nothing, read no key."),
        click.option("--key-stdin", is_flag=True, help="Read the key from standard input, for this pin."),
        click.option(
            "--adopt-key", metavar="NAME", help="Save a credential in the file that is not ours as NAME."
        ),
        click.option("--discard-key", is_flag=True, help="Let a credential in the file that is not ours go."),
        click.option("--anyway", is_flag=True, help="Go on where llmswitch would refuse for safety."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def _switch_command(name: str) -> click.Command:
    @click.command(name, help=f"Switch this worktree to the preset {name}.")
    @_switch_options
    @click.pass_obj
    def command(app: App, /, **options: Any) -> None:
        _switch(app, name, options)

    made: click.Command = command
    return made


@cli.command()
@click.argument("preset")
@_switch_options
@click.pass_obj
def use(app: App, /, preset: str, **options: Any) -> None:
    """Switch to PRESET (as `llmswitch PRESET`)."""
    _switch(app, preset, options)


def _switch(app: App, preset: str, options: dict[str, Any]) -> None:
    from llmswitch.client import main_rules
    from llmswitch.commands.switch import Request
    from llmswitch.commands.switch_all import switch_all

    request = Request(preset, options, app.environ)
    source = _key_source(app, options["key_stdin"])
    targets = _targets(app, options)
    for target in targets:
        request.settled += source.adopt(target, options["adopt_key"], _ask_name(request))
    sites = [app.site(target) for target in targets]
    rules = partial(main_rules, app.environ)
    for done in switch_all(request, sites, catalog=app.catalog, obtain_key=source.obtain, main_rules=rules):
        console.answer(report.switched(done, request.dry_run, app.home))
        console.note(*report.remarks(done, request))


def _targets(app: App, options: dict[str, Any]) -> list[Target]:
    if not options["all_worktrees"]:
        return [app.target(path) for path in options["worktrees"] or ["."]]
    found = app.everywhere()
    console.note(*(f"Left out: {entry.path} ({entry.state})." for entry, target in found if target is None))
    return [target for _, target in found if target]


def _key_source(app: App, from_stdin: bool) -> KeySource:
    from llmswitch.commands.obtain_key import KeySource

    ask = console.ask_key if console.attended() else None
    given = console.key_text if from_stdin else None
    return KeySource(app.catalog, app.environ, app.keyring(), app.key_names(), ask, console.note, given)


def _ask_name(request: Request) -> Callable[[str], str] | None:
    return console.ask_name if console.attended() and not (request.discard or request.dry_run) else None


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.option("--short", is_flag=True, help="One word, for a prompt: preset, * where it differs, ! if unreadable.")
@click.option("--check", is_flag=True, help="Exit 3 where the pin is not as it was put here.")
@click.option("-w", "--worktree", default=".", metavar="PATH", help="Another worktree.")
@click.pass_obj
def status(app: App, as_json: bool = False, short: bool = False, check: bool = False, worktree: str = ".") -> int:
    """Show what Claude Code uses here, slot by slot."""
    from llmswitch.commands.status import status as find_status

    target = app.target(worktree)
    found = find_status(target, app.catalog, app.surroundings(target), target.worktree.branch())
    if as_json:
        _print_json(found.data())
    else:
        console.answer([report.short(found)] if short else report.status(found, app.home))
    return found.exit_code(check)


@cli.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print the list as JSON.")
@click.pass_obj
def list_(app: App, as_json: bool) -> None:
    """List the presets, the current one marked."""
    from llmswitch.commands.presets import list_presets

    rows, problems = list_presets(app.catalog, app.preset_here())
    _print_json(rows) if as_json else console.answer(report.presets(rows))
    console.note(*(f"Left out: {problem.args[0]}" for problem in problems))


@cli.command()
@click.argument("preset")
@click.option("--json", "as_json", is_flag=True, help="Print the preset as JSON.")
@click.pass_obj
def show(app: App, preset: str, as_json: bool) -> None:
    """Show one preset in full."""
    from llmswitch.commands.presets import show as find_preset

    data = find_preset(preset, app.catalog)
    _print_json(data) if as_json else console.answer(report.preset(data))


@cli.command("run", cls=WithRest, options_metavar="[PRESET] [-- CLAUDE-ARGUMENTS…]")
@click.argument("preset", required=False, metavar="")
@click.pass_context
def run_(ctx: click.Context, preset: str | None) -> None:
    """Start Claude Code with this worktree's pin.

    Or with PRESET, on top of every settings file and without writing any: right in every layout, from any
    folder. The key comes from a helper and is in no file.
    """
    from llmswitch import client
    from llmswitch.commands.run import arguments, overlay

    app: App = ctx.obj
    target = app.target()
    around = app.surroundings(target, folder=os.getcwd())
    found = overlay(preset, target, around, app.catalog, app.key_helper)
    settings = app.overlay(target, preset, found) if found else None
    client.become(client.find(app.environ), arguments(ctx.meta["rest"], settings), app.environ)


for command in (cli_keys.save_key, cli_keys.keys, cli_keys.print_key):
    cli.add_command(command)


def _print_json(data: object) -> None:
    console.answer([json.dumps(data, indent=2, ensure_ascii=False)])


def main() -> None:
    """Run the command line and end with its exit code."""
    sys.exit(console.run(cli, sys.argv[1:], App(os.environ, reserved=cli.commands)))
