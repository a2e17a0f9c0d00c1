"""The part of the command line that explains: `help`."""

from __future__ import annotations

import os
import sys
from typing import cast

import click

from llmswitch.base.errors import COMMANDS, UsageProblem
from llmswitch.cli import console, terminal
from llmswitch.commands import guide
from llmswitch.presets.listing import names
from llmswitch.views.guide import fitted


def _topics(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    return [name for name in guide.topics() if name.startswith(incomplete)]


@click.command("help")
@click.argument("topic", required=False, shell_complete=_topics)
@click.pass_context
def help_(ctx: click.Context, topic: str | None) -> None:
    """Show a page of the guide, or what a command takes.

    Without TOPIC, what there is.
    """
    pages, root = guide.topics(), ctx.find_root()
    if topic is None:
        width = max(map(len, pages))
        console.answer(["The guide, a page each (llmswitch help TOPIC):"])
        console.answer([f"  {name:{width}}  {title}" for name, title in pages.items()])
        console.answer(["What a command takes: llmswitch help COMMAND. All commands: llmswitch --help"])
    elif topic in pages:
        columns, page = terminal.width(), guide.page(topic)
        _show(fitted(terminal.letters(page, os.environ), columns) if columns else page)
    elif topic in COMMANDS or topic in names(root.obj.catalog):
        group = cast(click.Group, root.command)
        command = cast(click.Command, group.get_command(root, topic))
        _show(command.get_help(click.Context(command, info_name=topic, parent=root)) + "\n")
    else:
        raise UsageProblem(f"There is no page about {topic!r}.", hint="See `llmswitch help`.")


def _show(text: str) -> None:
    if sys.stdout.isatty():
        click.echo_via_pager(text)
    else:
        console.answer(text.rstrip("\n").split("\n"))
