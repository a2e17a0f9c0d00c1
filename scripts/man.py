"""Prints llmswitch(1), the manual page, from the command line's own definitions, into the package."""

from __future__ import annotations

import inspect
import os
import re
from collections.abc import Iterator
from pathlib import Path

import click

from llmswitch import __version__
from llmswitch.cli.app import App
from llmswitch.cli.main import cli
from llmswitch.cli.switch import switch_command

PAGE = Path(__file__).parent.parent / "src/llmswitch/help/llmswitch.1"
PRESET = "openrouter"


def text(words: str) -> str:
    """Return words as troff takes them: nothing in them is a request, a line of click's `\\b` blocks stays a line."""
    lines = []
    for line in words.replace("\\", "\\e").replace("-", "\\-").splitlines():
        lines.append(f"\\&{line}" if line.startswith((".", "'")) else line)
    return "\n".join(lines)


def paragraphs(help_text: str) -> Iterator[str]:
    """Yield a help text's paragraphs, those that click shall not wrap as they stand."""
    for part in re.split(r"\n\s*\n", inspect.cleandoc(help_text)):
        if part.startswith("\b"):
            yield ".nf\n" + text(part.removeprefix("\b").strip("\n")) + "\n.fi"
        else:
            yield text(" ".join(part.split()))


def about(context: click.Context) -> Iterator[str]:
    """Yield the lines about one command and those below it."""
    command = context.command
    path = context.command_path.replace(PRESET, "PRESET")
    yield f".SS {text(' '.join([path, *command.collect_usage_pieces(context)]))}"
    yield "\n.PP\n".join(paragraphs((command.help or "").replace(f"the preset {PRESET}", "PRESET")))
    for param in command.get_params(context):
        if record := param.get_help_record(context):
            yield f".TP\n\\fB{text(record[0])}\\fR\n{text(record[1])}"
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            if (inner := command.get_command(context, name)) and not inner.hidden:
                yield from about(click.Context(inner, info_name=name, parent=context))


def page() -> str:
    """Return the whole page."""
    app = App({"HOME": "/nowhere", "LLMSWITCH_HOME": "/nowhere"})
    root = click.Context(cli, info_name="llmswitch", obj=app)
    out = [
        f'.TH LLMSWITCH 1 "" "llmswitch {__version__}"',
        ".SH NAME\nllmswitch \\- point Claude Code at another backend, one git worktree at a time",
        ".SH SYNOPSIS\n.B llmswitch\n[\\fIPRESET\\fR | \\fICOMMAND\\fR] [\\fIOPTIONS\\fR]",
        ".SH DESCRIPTION\n" + "\n.PP\n".join(paragraphs(cli.help or "")),
        ".PP\nThe guide is in \\fBllmswitch help\\fR.",
        ".SH COMMANDS",
        *about(click.Context(switch_command(PRESET), info_name=PRESET, parent=root)),
    ]
    for name in cli.list_commands(root):
        if command := cli.get_command(root, name):
            out += about(click.Context(command, info_name=name, parent=root))
    out.append(".SH EXAMPLES AND EXIT CODES\n" + "\n.PP\n".join(paragraphs(cli.epilog or "")))
    return "\n".join(out) + "\n"


if __name__ == "__main__":
    os.environ["COLUMNS"] = "100"
    PAGE.write_text(page())
