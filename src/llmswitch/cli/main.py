"""The command line: arguments in, answers out. What a command does is in `commands`."""

from __future__ import annotations

import io
import os
import textwrap
from typing import TYPE_CHECKING, Any

import click

from llmswitch import __version__
from llmswitch.base.errors import CommandLineProblem
from llmswitch.cli import catalog as cli_catalog
from llmswitch.cli import doctor as cli_doctor
from llmswitch.cli import gateway as cli_gateway
from llmswitch.cli import hot as everyday
from llmswitch.cli import keys as cli_keys
from llmswitch.cli import shell as cli_shell
from llmswitch.cli import switch as cli_switch
from llmswitch.cli.front import COMPLETION

if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmswitch.cli.app import App

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
        return cli_switch.switch_command(name)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order in which people need them."""
        return list(self.commands)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands, then the names of the presets: to open all their files takes longer than the rest."""
        super().format_commands(ctx, formatter)
        with formatter.section("Presets (llmswitch PRESET; more about them: llmswitch list)"):
            names = ", ".join(ctx.find_root().obj.preset_names())
            for line in textwrap.wrap(names, formatter.width - formatter.current_indent, break_on_hyphens=False):
                formatter.write(f"{'':{formatter.current_indent}}{line}\n")

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[Any]:
        """Complete preset names as well."""
        from click.shell_completion import CompletionItem

        presets = map(CompletionItem, cli_shell.presets(ctx, None, incomplete))
        return [*super().shell_complete(ctx, incomplete), *presets]


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
    return int(ctx.invoke(status)) if ctx.invoked_subcommand is None else 0


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.option("--short", is_flag=True, help="One word, for a prompt: preset, * where it differs, ! if unreadable.")
@click.option("--check", is_flag=True, help="Exit 3 where the pin is not as it was put here.")
@click.option("--all", "all_worktrees", is_flag=True, help="Every worktree of this repository.")
@click.option(
    "-w", "--worktree", default=".", metavar="PATH", shell_complete=cli_shell.worktrees, help="Another worktree."
)
@click.pass_obj
def status(app: App, /, **options: Any) -> int:
    """Show what Claude Code uses here, slot by slot."""
    return everyday.status(app, **options)


for command in (
    cli_switch.back,
    cli_switch.use,
    cli_switch.run_,
    cli_catalog.list_,
    cli_catalog.show,
    cli_catalog.cost,
    cli_keys.save_key,
    cli_keys.keys,
    cli_keys.print_key,
    cli_catalog.presets,
    cli_catalog.ladder,
    cli_doctor.doctor,
    cli_doctor.statusline,
    cli_gateway.gateway,
    cli_shell.shell_init,
):
    cli.add_command(command)


def run(app: App, arguments: Sequence[str]) -> object:
    """Do what the arguments say; CommandLineProblem where they cannot be read."""
    if COMPLETION in os.environ:
        import llmswitch.cli.completion  # noqa: F401  # tells click our way with each shell
    try:
        return cli.main(list(arguments), "llmswitch", standalone_mode=False, obj=app)
    except click.ClickException as error:
        text = io.StringIO()
        error.show(text)
        raise CommandLineProblem(text.getvalue().splitlines(), error.exit_code) from None
    except click.Abort:
        raise KeyboardInterrupt from None
