"""`llmswitch status` with all its options; the forms for prompts and status lines have a shorter way, in front."""

from __future__ import annotations

from typing import Any

import click

from llmswitch.cli import everywhere, hot_status, hot_status_all, shell
from llmswitch.cli.app import App
from llmswitch.cli.prompt import prompt


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.option("--short", is_flag=True, help="One word, for a prompt: preset, * where it differs, ! if unreadable.")
@click.option("--prompt", is_flag=True, hidden=True)  # for the functions of shell-init; see `cli.prompt`
@click.option("--check", is_flag=True, help="Exit 3 where the pin is not as it was put here.")
@click.option("--all", "all_worktrees", is_flag=True, help="Every worktree of this repository.")
@click.option("--everywhere", is_flag=True, help="Every worktree on this machine that was pinned, there or not.")
@click.option("--forget", metavar="PATH", help="Leave a worktree out of --everywhere from now on; its pin stays.")
@click.option("-w", "--worktree", default=".", metavar="PATH", shell_complete=shell.worktrees, help="Another worktree.")
@click.pass_obj
def status(app: App, /, **options: Any) -> int:
    """Show what Claude Code uses here, slot by slot."""
    if options.pop("prompt"):
        return prompt(app)
    machine, path = options.pop("everywhere"), options.pop("forget")
    if machine or path is not None:
        del options["all_worktrees"], options["worktree"]
        return everywhere.forget(app, path) if path is not None else everywhere.status(app, **options)
    show = hot_status_all.status_all if options.pop("all_worktrees") else hot_status.status
    return show(app, options.pop("worktree"), **options)
