"""The command line: arguments in, answers out. What a command does is in `commands`."""

from __future__ import annotations

import io
import os
import textwrap
from collections.abc import Sequence
from typing import Any

import click
from click.shell_completion import CompletionItem

from llmswitch import __version__
from llmswitch.cli import shell, terminal
from llmswitch.cli.app import COMPLETION, App, at
from llmswitch.cli.failure import CommandLineProblem
from llmswitch.presets.catalog import Catalog
from llmswitch.presets.listing import names
from llmswitch.presets.words import preset_named, stranger

CLICKS_NARROWEST = 52
EXAMPLES = """\b
Examples:
  llmswitch save-key              store your OpenRouter key in the OS keyring
  llmswitch openrouter            point Claude Code in this worktree at OpenRouter
  llmswitch openrouter --sonnet qwen/qwen3-coder --start opus
  llmswitch status                what Claude Code uses here, slot by slot
  llmswitch claude                back to Claude Code's own backend

\b
Words:
  preset    a backend by name: its address, its key, a model for each slot
  slot      a role that Claude Code gives a model: haiku (small), sonnet, opus, fable (largest), subagent
  pin       a preset as it is written into one worktree's .claude/settings.local.json
  start     the slot that a new session begins on

\b
Exit codes: 0 done or nothing to do, 1 failed, 2 wrong usage, 3 `status --check` found a difference,
4 key or keyring, 5 refused for safety, 130 interrupted.
"""


# command → where it is (the module here, and its name there) and what it does; in the order in which people need them.
# Said here too, so that help and completion import none of them: all together take longer than the rest.
PLACES = {
    "status": ("status:status", "Show what Claude Code uses here, slot by slot."),
    "-": ("switch:back", "Go back to what this worktree had before."),
    "use": ("switch:use", "Switch to a preset, or choose one on a terminal."),
    "log": ("log:log", "Show the switches of this worktree."),
    "run": ("switch:run_", "Start Claude Code with this worktree's pin, or with a preset."),
    "list": ("catalog:list_", "List the presets."),
    "show": ("catalog:show", "Show one preset in full, and what it writes."),
    "models": ("catalog:models", "List the models that are known, or served now."),
    "cost": ("catalog:cost", "Show what a session would cost with each preset."),
    "usage": ("usage:usage", "Show what sessions really asked, got and cost."),
    "save-key": ("keys:save_key", "Store a key in the OS keyring."),
    "keys": ("keys:keys", "List the keys and where they are, never a value."),
    "balance": ("balance:balance", "Ask providers what credit or quota is left."),
    "renew": ("keys:renew", "Put a new key into every pin that holds an older one."),
    "print-key": ("keys:print_key", "Print one key, for Claude Code's apiKeyHelper."),
    "env": ("env:env", "Print a pin as exported variables."),
    "apply": ("apply:apply", "Give a new worktree the preset that your rules say."),
    "hook": ("apply:hook", "Print what lets other programs call llmswitch."),
    "presets": ("catalog:presets", "Make a preset of your own, or check files."),
    "ladder": ("catalog:ladder", "Show which model each effort band means here."),
    "doctor": ("doctor:doctor", "Say what is wrong here, and what mends it."),
    "statusline": ("doctor:statusline", "Print one line for Claude Code's status line."),
    "gateway": ("gateway:gateway", "Run the local gateway, for slots at several providers."),
    "shell-init": ("completion:shell_init", "Print completion and a claude function for a shell."),
    "help": ("help:help_", "Show a page of the guide, or what a command takes."),
}


class Commands(click.Group):
    """The commands, each loaded when it is asked for, and every preset as one too; a command's name wins."""

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Return a command, or the switch to the preset of that name."""
        command: click.Command | None = None
        if name in PLACES:
            command = at(f"llmswitch.cli.{PLACES[name][0]}")
        elif not name.startswith("-"):
            command = at("llmswitch.cli.switch:switch_command")(name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Look for the preset before its options: a name that nobody knows is said first."""
        if args[0] not in PLACES and not args[0].startswith("-") and not ctx.resilient_parsing:
            _check_preset(args, ctx.find_root().obj.catalog)
        return super().resolve_command(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order in which people need them."""
        return list(PLACES)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands, then the names of the presets: to open all their files takes longer than the rest."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, about) for name, (_, about) in PLACES.items()])
        with formatter.section("Presets (llmswitch PRESET; more about them: llmswitch list)"):
            found = ", ".join(names(ctx.find_root().obj.catalog))
            for line in textwrap.wrap(found, formatter.width - formatter.current_indent, break_on_hyphens=False):
                formatter.write(f"{'':{formatter.current_indent}}{line}\n")

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[Any]:
        """Complete commands and presets, then options."""
        found = [CompletionItem(name, help=about) for name, (_, about) in PLACES.items() if name.startswith(incomplete)]
        presets = map(CompletionItem, shell.presets(ctx, None, incomplete))
        return [*found, *presets, *click.Command.shell_complete(self, ctx, incomplete)]


def _check_preset(words: Sequence[str], catalog: Catalog) -> None:
    """Raise UsageProblem, with the command that was meant, where the first word is no preset."""
    if len(words) > 1 and words[0] not in names(catalog) and not preset_named(words[0], catalog):
        raise stranger(words, catalog)


@click.group(
    cls=Commands,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=EXAMPLES,
)
@click.version_option(__version__, "--version", prog_name="llmswitch")
@click.pass_context
def cli(ctx: click.Context) -> int:
    """Point Claude Code at another backend, in this git worktree only.

    Without a command: `llmswitch status`.
    """
    return int(ctx.invoke(at("llmswitch.cli.status:status"))) if ctx.invoked_subcommand is None else 0


def _narrow() -> int | None:
    """Return the width of a terminal that is narrower than what click (8.5) makes of its help at least."""
    width = terminal.width()
    return width if width and width < CLICKS_NARROWEST else None


def run(app: App, arguments: Sequence[str]) -> object:
    """Do what the arguments say; CommandLineProblem where they cannot be read."""
    if COMPLETION in os.environ:
        at("llmswitch.cli.completion:SHELLS")  # tells click our way with each shell
    try:
        return cli.main(list(arguments), "llmswitch", standalone_mode=False, obj=app, terminal_width=_narrow())
    except click.ClickException as error:
        text = io.StringIO()
        error.show(text)
        raise CommandLineProblem(text.getvalue().expandtabs(2).splitlines(), error.exit_code) from None
    except click.Abort:
        raise KeyboardInterrupt from None
    except SystemExit as end:
        if end.code == 1:  # click's own, where the reader of its help has gone
            return 0
        raise
