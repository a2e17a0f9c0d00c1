"""The part of the command line about presets and models: `list`, `show`, `models`, `cost`, `ladder`, `presets`."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

from llmswitch.base.errors import COMMANDS, UsageProblem
from llmswitch.base.secret import Secret
from llmswitch.cli import console, shell, terminal
from llmswitch.cli.app import App
from llmswitch.commands.cost import cost as compare
from llmswitch.commands.keys import print_key
from llmswitch.commands.ladder import find as find_ladder
from llmswitch.commands.list_show import key_state, list_presets, pin_here, preset_here
from llmswitch.commands.list_show import show as show_preset
from llmswitch.commands.models import Model
from llmswitch.commands.models import known as known_models
from llmswitch.commands.own_presets import check, new
from llmswitch.presets.catalog import Catalog
from llmswitch.presets.listing import names, own_files
from llmswitch.presets.preset import Preset
from llmswitch.presets.prices import own_file
from llmswitch.presets.sessions import Moment, Session
from llmswitch.views import catalog as view
from llmswitch.views.text import short_path


@click.command("list")
@click.argument("word", default="", metavar="[WORD]")
@click.option("--all", "whole", is_flag=True, help="Every preset, a line each.")
@click.option("--names", "only_names", is_flag=True, help="The names alone, one a line.")
@click.option("--json", "as_json", is_flag=True, help="Print the list as JSON: always every preset that has WORD.")
@click.pass_obj
def list_(app: App, word: str, whole: bool, only_names: bool, as_json: bool) -> None:
    """List the presets, the current one marked: those whose key is known, and of the rest the names by group.

    With the price of each one's start slot (USD per million tokens in and out, and its date), whether its key is
    known to be saved, and when its facts were checked. With WORD: those that have it in their name, title, group, key
    or host, a line each.
    """

    found, problems = list_presets(app.catalog, preset_here(app.checkouts), app.environ, app.key_names().load())
    rows = [row for row in found if view.has(row, word)]
    if not rows and word and not as_json:
        raise UsageProblem(f"No preset has {word!r} in its name, title, group, key or host.", hint="llmswitch list")
    if only_names and not as_json:
        console.answer([str(row["name"]) for row in rows])
        return
    width = terminal.width()
    shape = view.presets if whole or word else view.short_list
    console.print_data(as_json, rows, lambda: shape(rows, width))
    console.note(*(f"Left out: {problem.args[0]}" for problem in problems))


@click.command()
@click.argument("preset", shell_complete=shell.presets)
@click.option("--json", "as_json", is_flag=True, help="Print the preset as JSON.")
@click.pass_obj
def show(app: App, preset: str, as_json: bool) -> None:
    """Show one preset in full: slots, models, prices, and exactly what it writes."""

    data = show_preset(preset, app.catalog, app.gateway, app.key_helper if app.prefers_helper() else None)
    console.print_data(as_json, data, lambda: view.preset(data))


@click.command()
@click.argument("word", default="", metavar="[WORD]", shell_complete=shell.models)
@click.option("--live", is_flag=True, help="Ask the provider of the preset in use here what it serves now.")
@click.option("--json", "as_json", is_flag=True, help="Print the models as JSON.")
@click.pass_obj
def models(app: App, word: str, live: bool, as_json: bool) -> None:
    """List the models that are known, or of them those with WORD in their id, name, provider or preset.

    With window, price (USD per million tokens in and out, and its date), ratings, and the slots that use each. A
    rating is somebody's opinion, with its source and date; — is unknown.
    """

    found = _served(app, word) if live else known_models(app.catalog, word)
    ratings = app.catalog.models.data["ratings"]
    console.print_data(
        as_json, [{**model.data(), "ratings": dict(ratings)} for model in found],
        lambda: view.models(found, ratings, terminal.width()),
    )  # fmt: skip


def _served(app: App, word: str) -> list[Model]:
    """Return the models that the provider of the preset in use here serves now."""
    name = preset_here(app.checkouts)
    preset = app.catalog.load(name) if name else None

    def key(asked: Preset) -> Secret:
        return print_key(None, asked.name, app.catalog, app.environ, app.keyring)

    served: list[Model] = _network()[0].live(preset, app.catalog, key, time.strftime("%Y-%m-%d", time.gmtime()), word)
    return served


def _network() -> tuple[Any, Any]:
    from llmswitch.commands import models_live, prices  # what reaches the network is slow to import

    return models_live, prices


@click.command()
@click.argument("presets", nargs=-1, metavar="[PRESET|MODEL]…", shell_complete=shell.presets)
@click.option("--calls", type=click.IntRange(1), default=10, show_default=True, help="Calls in a session.")
@click.option("--input", type=click.IntRange(0), default=50_000, show_default=True, help="Tokens in, a call.")
@click.option("--output", type=click.IntRange(0), default=15_000, show_default=True, help="Tokens out, a call.")
@click.option("--cached", type=click.IntRange(0), default=0, show_default=True, help="Of the tokens in, from a cache.")
@click.option("--against", default="", metavar="NAME", shell_complete=shell.presets,
              help="Compare with this preset or model, and not with the one in use here.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the prices as JSON.")
@click.option("--refresh", is_flag=True, help="First get today's prices from openrouter.ai and genai-prices.")
@click.pass_obj
def cost(app: App, /, presets: tuple[str, ...], against: str, as_json: bool, refresh: bool, **session: int) -> None:
    """Print what a session costs with each preset or model, the cheapest first.

    Without a name: those whose key is known, and the one in use here. By the prices of each preset's own provider, at
    this hour; the start slot's price counts and is compared with the preset in use here, or with --against.
    """

    catalog = _refreshed(app) if refresh else app.catalog
    chosen = Session(**session)
    saved = app.key_names().load()

    def has_key(preset: Preset) -> bool:
        return key_state(preset, app.environ, saved) == "saved"

    rows = compare(presets, catalog, chosen, _now(), pin_here(app.checkouts), has_key, against)
    data = {"session": vars(chosen), "rows": [row.data() for row in rows]}
    console.print_data(as_json, data, lambda: view.costs(rows, chosen, terminal.width(), against))


def _now() -> Moment:

    now = time.gmtime()
    return Moment(now.tm_wday, time.strftime("%H:%M", now))


def _refreshed(app: App) -> Catalog:
    """Get the prices of today and return a catalog that has them."""

    prices = _network()[1]

    def fetch(url: str) -> Any:
        with _progress(url.split("/")[2]) as tell:
            return prices.download(url, tell)

    rows, changed = prices.refresh(app.catalog, fetch, time.strftime("%Y-%m-%d", time.gmtime()))
    prices.save_prices(own_file(app.catalog), rows)
    console.note(f"{len(changed)} prices changed; they are in {own_file(app.catalog)}.")
    return App(app.environ, COMMANDS).catalog


@click.command()
@click.option("-w", "--worktree", default=".", metavar="PATH", shell_complete=shell.worktrees, help="Another worktree.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@click.pass_obj
def ladder(app: App, worktree: str, as_json: bool) -> None:
    """Show which model each effort band means here.

    By .claude/model-ladder.json of this worktree, a list of models, cheapest first; without one, by the preset.
    `llmswitch PRESET --ladder` maps low, medium and high to haiku, sonnet and opus.
    """

    found = find_ladder(app.checkouts.at(worktree), app.catalog)
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
@click.option("--from", "parent", default=None, metavar="PRESET", shell_complete=shell.presets,
              help="The preset it builds on; openrouter, or the shipped one of that name.")  # fmt: skip
@click.pass_obj
def presets_new(app: App, name: str, parent: str | None) -> None:
    """Make a preset of your own on top of another.

    With the name of a shipped one it changes that preset, and keeps what you do not mention through upgrades.
    """

    path = new(name, parent or (name if name in names(app.catalog) else "openrouter"), app.catalog)
    console.answer([f"Wrote {short_path(path, app.home)}. Edit it, then: llmswitch presets check; llmswitch {name}"])


@presets.command("check")
@click.argument("files", nargs=-1, metavar="[FILE]…", type=click.Path())
@click.option("--json", "as_json", is_flag=True, help="Print the same as JSON.")
@click.pass_obj
def presets_check(app: App, files: tuple[str, ...], as_json: bool) -> int:
    """Say everything that is wrong with preset files; without FILE, with your own presets."""

    paths = list(files) or own_files(app.catalog)
    wrong, known = check(paths, app.catalog)
    data = {"files": paths, "errors": wrong, "warnings": known}
    lines = [*wrong, *(f"warning: {line}" for line in known), view.checked(len(paths), len(wrong))]
    console.print_data(as_json, data, lambda: lines)
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
