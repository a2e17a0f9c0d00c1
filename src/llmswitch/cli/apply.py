"""The part of the command line that pins new worktrees by the user's own rules."""

from __future__ import annotations

from collections.abc import Callable

import click

from llmswitch.base.errors import LlmswitchError
from llmswitch.base.shell import helper, own_command
from llmswitch.claude import program
from llmswitch.cli import console, hot_switch, shell
from llmswitch.cli.app import App
from llmswitch.commands import apply as command
from llmswitch.commands import worktree_hook
from llmswitch.commands.several import switch_all
from llmswitch.commands.switch import Tools
from llmswitch.keys.sources import KeySource
from llmswitch.presets import config
from llmswitch.settings.checkout import Checkout
from llmswitch.views import switch as view
from llmswitch.views.text import short_path


@click.command("apply")
@click.option("-w", "--worktree", default=".", metavar="PATH", shell_complete=shell.worktrees, help="Another worktree.")
@click.pass_obj
def apply(app: App, worktree: str) -> None:
    """Give a worktree without a pin the preset that your own rules say.

    The rules are in config.json5 of your config folder, the first that fits wins:
    apply: [{folder: "~/work/*", branch: "try/*", remote: "*github.com/acme/*", preset: "openrouter"}].
    Nothing is done, or said, where none fits, where there is a pin, and where `llmswitch claude` was typed.
    """
    _pin(app, app.checkouts.at(worktree), console.answer)


def _pin(app: App, checkout: Checkout, tell: Callable[[list[str]], None]) -> None:
    """Give a worktree the preset of the first rule that fits, and tell so."""
    rule = command.rule_for(checkout, config.rules(app.config), app.home)
    if rule is None:
        return
    tools = Tools(
        app.catalog, KeySource(app.environ, app.keyring, app.key_names), app.gateway, app.key_helper, app.typed
    )
    request = hot_switch.request_of(app, rule.preset, {})
    for done in switch_all(request, [checkout], tools, lambda: program.main_rules(app.environ)):
        if done.written:
            where = f"{short_path(checkout.root, app.home)} to {done.chosen.preset.name} ({done.host})"
            tell([f"Switched {where}, by your rule for {rule.described}."])
            console.note(*view.remarks(done, request, app.sessions(*done.checkout.reached)))


@click.group("hook")
def hook() -> None:
    """Print what lets other programs call llmswitch."""


@hook.command("git")
def hook_git() -> None:
    """Print a git hook that applies your rules to new worktrees and branches.

    Save it as .git/hooks/post-checkout and make it executable. No checkout fails by it. Claude Code's own worktrees
    (`claude --worktree`) run no hook of git (2.1.332): for these there is `llmswitch hook claude`.
    """
    console.answer(command.git_hook(own_command()).split("\n"))


@hook.command("claude")
def hook_claude() -> None:
    """Print the hooks with which Claude Code's own worktrees get a pin by your rules, from their first request on.

    Put them into ~/.claude/settings.json. For `claude --worktree` and agents in worktrees, llmswitch then makes the
    worktree, as Claude Code does: .claude/worktrees/NAME, branch worktree-NAME, .worktreeinclude; but it fetches
    nothing before. One that has changes stays when the session ends.
    """
    console.print_data(True, worktree_hook.settings(helper("hook", "worktree")), list)


@hook.command("worktree", hidden=True)
@click.pass_obj
def hook_worktree(app: App) -> None:
    """Make or remove a worktree, as Claude Code's hook asks on standard input."""

    def pin(checkout: Checkout) -> None:
        try:
            _pin(app, checkout, lambda lines: console.note(*lines))
        except LlmswitchError as error:  # no worktree fails by us
            console.note(f"llmswitch: {error.args[0]} {error.hint}".rstrip())

    path, lacking = worktree_hook.called(console.piped(), app.checkouts, app.environ, pin)
    console.note(*lacking)
    if path:
        console.answer([path])
