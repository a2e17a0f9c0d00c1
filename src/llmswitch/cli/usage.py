"""The part of the command line that shows what was used: `usage`."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click

from llmswitch.base import files
from llmswitch.base.errors import LlmswitchError, UsageProblem
from llmswitch.cli import console, shell, terminal
from llmswitch.cli.app import App
from llmswitch.commands import usage as command
from llmswitch.commands.usage import Answer
from llmswitch.views import usage as view
from llmswitch.views.usage_page import page

SLOW = 20_000_000  # bytes to read, from which on progress is shown


@click.command()
@click.option("--all", "repository", is_flag=True, help="Every worktree of this repository.")
@click.option("--everywhere", is_flag=True, help="Every session on this machine.")
@click.option("--since", default="", metavar="WHEN", help="A date, a span (12h, 7d, 4w), today, or switch: the last.")
@click.option(
    "--by", default="", type=click.Choice(["", *view.KEYS]), metavar="|".join(view.KEYS), help="What rows are told by."
)
@click.option("--compare", multiple=True, metavar="PRESET", shell_complete=shell.presets,
              help="What the same tokens would have cost with another preset.")  # fmt: skip
@click.option("--forget", "what", default="", metavar="WHAT",
              help="Take a worktree's path, all, or what was before a time out of the index.")  # fmt: skip
@click.option("--html", "file", default="", metavar="FILE", help="Write it as a page of HTML too.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@click.option("-w", "--worktree", default=".", metavar="PATH", shell_complete=shell.worktrees, help="Another worktree.")
@click.pass_obj
def usage(
    app: App, repository: bool, everywhere: bool, since: str, by: str, compare: tuple[str, ...], what: str, file: str,
    as_json: bool, worktree: str,
) -> None:  # fmt: skip
    """Show what the sessions here really asked, what answered, the tokens, and what they cost.

    From Claude Code's own transcripts: no network, and nothing of them is kept but counts and ids. The cost is at
    the prices of the provider that was asked, each with its date. Requests of sub-agents are counted too.
    """
    if repository and everywhere:
        raise UsageProblem("--all and --everywhere exclude each other.")
    days = by == "day" or bool(file) or not as_json
    asked = command.Asked(since, by, everywhere, repository, compare, days)
    place = app.checkouts.at(worktree).worktree
    if what:
        forgotten, messages = command.forget(place, app.state, what)
        console.answer([f"Forgot {forgotten}: {messages:,} messages. Claude Code's own transcripts are not touched."])
        return
    with _progress() as tell:
        answer = command.usage(place, app.catalog, app.state, app.environ, asked, tell)
    if file:
        _write(file, page(answer, app.home, _when, _when(round(time.time() * 1000))))
    data = answer.data() if as_json else None
    console.print_data(as_json, data, lambda: view.usage(answer, app.home, terminal.width(), _when))
    console.note(*_remarks(answer))


def _write(path: str, text: str) -> None:
    """Write the page; LlmswitchError where that fails."""
    try:
        files.replace(os.path.realpath(path), text.encode(), 0o644)
    except OSError as error:
        raise LlmswitchError(f"{path}: cannot write it: {error.strerror}.") from None
    console.note(f"Wrote {path}.")


def _remarks(answer: Answer) -> Iterator[str]:
    read = answer.read
    if answer.set_aside:
        yield f"The index was broken. It is kept as {answer.set_aside}, and a new one was made from the transcripts."
    if answer.is_new:
        yield (
            "This is the first use: it has what Claude Code's transcripts still hold. Claude Code deletes them after "
            "30 days, or after `cleanupPeriodDays` of its settings; what `llmswitch usage` has counted stays. "
            "Between its runs nothing is counted."
        )
    if read.broken:
        yield f"{read.broken:,} lines of the transcripts could not be read, and are not counted."
    if read.denied:
        more = f" and {len(read.denied) - 1} more" if len(read.denied) > 1 else ""
        yield f"{read.denied[0]}{more} cannot be read."


def _when(moment: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(moment / 1000))


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """Show on a terminal how far the reading is, where there is much to read."""
    shown = False

    def tell(got: int, total: int) -> None:
        nonlocal shown
        if total > SLOW and sys.stderr.isatty():
            shown = True
            sys.stderr.write(f"\rReading transcripts: {got / 1e6:,.0f} of {total / 1e6:,.0f} MB …")
            sys.stderr.flush()

    try:
        yield tell
    finally:
        if shown:
            sys.stderr.write("\r\033[K")
            sys.stderr.flush()
