"""The part of the command line that pins new worktrees by the user's own rules."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from llmswitch.base.shell import own_command
from llmswitch.claude import program
from llmswitch.cli import console, hot_switch, shell
from llmswitch.commands import apply as command
from llmswitch.commands.several import switch_all
from llmswitch.commands.switch import Tools
from llmswitch.keys.sources import KeySource
from llmswitch.presets import config
from llmswitch.views.text import short_path

if TYPE_CHECKING:
    from llmswitch.cli.app import App


@click.command("apply")
@click.option("-w", "--worktree", default=".", metavar="PATH", shell_complete=shell.worktrees, help="Another worktree.")
@click.pass_obj
def apply(app: App, worktree: str) -> None:
    """Give a worktree without a pin the preset that your own rules say.

    The rules are in config.json5 of your config folder, the first that fits wins:
    apply: [{folder: "~/work/*", branch: "try/*", remote: "*github.com/acme/*", preset: "openrouter"}].
    Nothing is done, or said, where none fits, where there is a pin, and where `llmswitch claude` was typed.
    """
    checkout = app.checkouts.at(worktree)
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
            console.answer([f"Switched {where}, by your rule for {rule.described}."])


@click.group("hook")
def hook() -> None:
    """Print what lets other programs call llmswitch."""


@hook.command("git")
def hook_git() -> None:
    """Print a git hook that applies your rules to new worktrees and branches.

    Save it as .git/hooks/post-checkout and make it executable. No checkout fails by it. Claude Code's own worktrees
    (`claude --worktree`) run no hook of git (2.1.332): they follow the main checkout's pin, or `llmswitch apply` there.
    """
    console.answer(command.git_hook(own_command()).split("\n"))
