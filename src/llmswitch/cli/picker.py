"""`llmswitch use` without a preset: choose one, in fzf where it is there, else from a short numbered list."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

import click

from llmswitch.base.errors import UsageProblem
from llmswitch.base.shell import own_command
from llmswitch.cli import console
from llmswitch.cli.app import App
from llmswitch.commands.list_show import list_presets, preset_here
from llmswitch.presets.listing import names
from llmswitch.views import catalog as view

MOST = 20  # lines of the numbered list


def pick(app: App) -> str | None:
    """Return the preset that the person at the terminal chooses, None for none; UsageProblem where nobody is there."""
    if not console.attended():
        raise UsageProblem("Name a preset: llmswitch use PRESET.", hint="See `llmswitch list`.")
    rows, _ = list_presets(app.catalog, preset_here(app.checkouts), app.environ, app.key_names().load())
    known, others = view.by_key(rows)
    program = shutil.which("fzf", path=app.environ.get("PATH"))
    return _by_fzf(program, [*known, *others]) if program else _by_number(app, [*known, *others], len(known))


def _by_fzf(program: str, rows: Sequence[Mapping[str, Any]]) -> str | None:
    """Return what is chosen in fzf, which shows each preset in full beside the list."""
    preview = f"{shlex.join(own_command())} show {{1}}"
    # A name that is typed comes before a title that has it; by itself fzf (0.60) takes the shortest line.
    argv = [program, "--no-multi", "--tiebreak=begin", "--header", "Switch this worktree to:", "--preview", preview]
    text = "".join(f"{line}\n" for line in view.choices(rows))
    done = subprocess.run(argv, input=text, stdout=subprocess.PIPE, text=True, check=False)  # noqa: S603
    words = done.stdout.split() if done.returncode == 0 else []
    return words[0] if words else None


def _by_number(app: App, rows: Sequence[Mapping[str, Any]], known: int) -> str | None:
    """Return what is chosen by its number or name; the end of the input, Ctrl-C or an empty line is none."""
    listed = rows[: min(MOST, max(known, 1))]
    console.note(*(f"{number:2}  {line}" for number, line in enumerate(view.choices(listed), 1)))
    if len(listed) < len(rows):
        console.note(f"    and {len(rows) - len(listed)} more by name: llmswitch list")
    while True:
        try:
            answer = click.prompt("Number or name (empty: none)", default="", show_default=False, err=True).strip()
        except click.Abort:
            return None
        if not answer or answer == "\x1b":
            return None
        if answer.isdecimal() and 1 <= int(answer) <= len(listed):
            return str(listed[int(answer) - 1]["name"])
        if answer in names(app.catalog):
            return str(answer)
        console.note(f"There is no {answer!r} here.")
