"""The part of the command line about presets and models: `list`, `show`, `cost`, `ladder`, `presets`."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from llmswitch.cli import console
from llmswitch.cli import shell as cli_shell

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from llmswitch.cli.app import App
    from llmswitch.presets.prices import Moment


@click.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print the list as JSON.")
@click.pass_obj
def list_(app: App, as_json: bool) -> None:
    """List the presets, the current one marked.

    With the price of each one's start slot (USD per million tokens in and out, and its date), whether its key is
    known to be saved, and when its facts were checked.
    """
    from llmswitch.cli import prompts
    from llmswitch.commands.list_show import list_presets
    from llmswitch.views import catalog as report_catalog

    rows, problems = list_presets(app.catalog, app.preset_here(), app.environ, app.key_names().load())
    console.print_data(as_json, rows, lambda: report_catalog.presets(rows, prompts.width()))
    console.note(*(f"Left out: {problem.args[0]}" for problem in problems))


@click.command()
@click.argument("preset", shell_complete=cli_shell.presets)
@click.option("--json", "as_json", is_flag=True, help="Print the preset as JSON.")
@click.pass_obj
def show(app: App, preset: str, as_json: bool) -> None:
    """Show one preset in full: slots, models, prices, and exactly what it writes."""
    from llmswitch.commands.list_show import show as find_preset
    from llmswitch.views import catalog as report_catalog

    data = find_preset(preset, app.catalog)
    console.print_data(as_json, data, lambda: report_catalog.preset(data))


@click.command()
@click.argument("presets", nargs=-1, metavar="[PRESET]…", shell_complete=cli_shell.presets)
@click.option("--calls", type=click.IntRange(1), default=10, show_default=True, help="Calls in a session.")
@click.option("--input", type=click.IntRange(0), default=50_000, show_default=True, help="Tokens in, a call.")
@click.option("--output", type=click.IntRange(0), default=15_000, show_default=True, help="Tokens out, a call.")
@click.option("--cached", type=click.IntRange(0), default=0, show_default=True, help="Of the tokens in, from a cache.")
@click.option("--json", "as_json", is_flag=True, help="Print the prices as JSON.")
@click.option("--refresh", is_flag=True, help="First get today's prices from openrouter.ai and genai-prices.")
@click.pass_obj
def cost(app: App, /, presets: tuple[str, ...], as_json: bool, refresh: bool, **session: int) -> None:
    """Print what a session costs with each preset, the cheapest first.

    By the prices of each preset's own provider, at this hour; the start slot's price counts and is compared with
    the preset in use here.
    """
    from llmswitch.commands.cost import cost as compare
    from llmswitch.presets.prices import Session
    from llmswitch.views import catalog as report_catalog

    if refresh:
        _refresh(app)
    chosen = Session(**session)
    rows = compare(presets, app.catalog, chosen, _now(), app.pin_here())
    data = {"session": vars(chosen), "rows": [row.data() for row in rows]}
    console.print_data(as_json, data, lambda: report_catalog.costs(rows, chosen))


def _now() -> Moment:
    from llmswitch.presets.prices import Moment

    now = time.gmtime()
    return Moment(now.tm_wday, time.strftime("%H:%M", now))


def _refresh(app: App) -> None:
    from llmswitch.commands.cost import refresh
    from llmswitch.presets.user_files import download, save_prices

    def fetch(url: str) -> Any:
        with _progress(url.split("/")[2]) as tell:
            return download(url, tell)

    rows, changed = refresh(app.catalog, fetch, time.strftime("%Y-%m-%d", time.gmtime()))
    save_prices(app.catalog.own_prices, rows)
    app.catalog.forget_prices()
    console.note(f"{len(changed)} prices changed; they are in {app.catalog.own_prices}.")


@click.command()
@click.option(
    "-w", "--worktree", default=".", metavar="PATH", shell_complete=cli_shell.worktrees, help="Another worktree."
)
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@click.pass_obj
def ladder(app: App, worktree: str, as_json: bool) -> None:
    """Show which model each effort band means here.

    By .claude/model-ladder.json of this worktree, a list of models, cheapest first; without one, by the preset.
    `llmswitch PRESET --ladder` maps low, medium and high to haiku, sonnet and opus.
    """
    from llmswitch.commands.ladder import Ladder

    found = Ladder(app.target(worktree), app.catalog)
    console.print_data(as_json, found.data(), found.lines)
    console.note(*found.remarks)


@click.group(invoke_without_command=True)
@click.pass_context
def presets(ctx: click.Context) -> None:
    """Your own presets: make one, check files."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


@presets.command("new")
@click.argument("name")
@click.option("--from", "parent", default=None, metavar="PRESET", shell_complete=cli_shell.presets,
              help="The preset it builds on; openrouter, or the shipped one of that name.")  # fmt: skip
@click.pass_obj
def presets_new(app: App, name: str, parent: str | None) -> None:
    """Make a preset of your own on top of another.

    With the name of a shipped one it changes that preset, and keeps what you do not mention through upgrades.
    """
    from llmswitch.commands.own_presets import new
    from llmswitch.views import text as report

    path = new(name, parent or (name if name in app.catalog.names() else "openrouter"), app.catalog)
    console.answer(
        [f"Wrote {report.short_path(path, app.home)}. Edit it, then: llmswitch presets check; llmswitch {name}"]
    )


@presets.command("check")
@click.argument("files", nargs=-1, metavar="[FILE]…", type=click.Path())
@click.pass_obj
def presets_check(app: App, files: tuple[str, ...]) -> int:
    """Say everything that is wrong with preset files; without FILE, with your own presets."""
    from llmswitch.commands.own_presets import check
    from llmswitch.views import catalog as report_catalog

    paths = list(files) or app.catalog.own_files()
    wrong, known = check(paths, app.catalog)
    console.answer([*wrong, *(f"warning: {line}" for line in known), report_catalog.checked(len(paths), len(wrong))])
    return 1 if wrong else 0


@contextmanager
def _progress(label: str) -> Iterator[Callable[[int, int], None]]:
    """Show how a download goes on, on a terminal; the function yielded takes the bytes so far and of all."""
    if not sys.stderr.isatty():
        console.note(f"Asking {label} …")
        yield lambda got, total: None
        return
    with click.progressbar(length=1, label=label, file=sys.stderr, show_eta=False) as bar:

        def tell(got: int, total: int) -> None:
            bar.length = max(total, got)
            bar.update(got - bar.pos)

        yield tell
