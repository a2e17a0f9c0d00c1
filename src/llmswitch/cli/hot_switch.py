"""`llmswitch PRESET` and `llmswitch -`, for the front door and for click."""

from __future__ import annotations

from llmswitch.cli import console
from llmswitch.commands.request import Request
from llmswitch.commands.several import switch_all
from llmswitch.commands.switch import Tools
from llmswitch.keys.sources import KeySource
from llmswitch.views import switch as view

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from llmswitch.cli.app import App
    from llmswitch.settings.checkout import Checkout


def switch(app: App, preset: str, options: Mapping[str, Any]) -> None:
    """Switch to a preset, as the options say, and print what changed."""
    request, checkouts = request_of(app, preset, options), _checkouts(app, options)
    if options.get("ladder"):
        from llmswitch.commands.ladder import with_ladder  # only with --ladder

        request, remarks = with_ladder(request, checkouts, app.catalog)
        console.note(*remarks)
    carry_out(app, request, checkouts, options)


def request_of(app: App, preset: str, options: Mapping[str, Any]) -> Request:
    """Return what the command line asks for, and what the user prefers where it is silent."""
    said = {name: value for name, value in options.items() if value is not None}
    if app.catalog.load(preset).is_claude:  # it takes neither preferences nor exported models
        return Request(preset, said, {})
    if any(name.endswith(("_BASE_URL", "_API_KEY")) and name != "ANTHROPIC_API_KEY" for name in app.environ):
        from llmswitch.commands import tiers  # only where a variable may be meant for one slot

        console.note(*tiers.remarks(app.environ))
    said.setdefault("key_helper", app.prefers_helper())
    return Request(preset, said, app.environ)


def _main_rules(app: App) -> bool:
    from llmswitch.claude import program  # starts Claude Code; only before a refusal

    return program.main_rules(app.environ)


def _checkouts(app: App, options: Mapping[str, Any]) -> list[Checkout]:
    paths = options.get("worktrees") or ["."]
    if not options.get("all_worktrees"):
        return [app.checkouts.at(path) for path in paths]
    from llmswitch.settings.neighbours import all_of  # only with --all

    found, left_out = all_of(app.checkouts, paths)
    console.note(*left_out)
    return found


def carry_out(app: App, request: Request, checkouts: list[Checkout], options: Mapping[str, Any]) -> None:
    """Do what a request asks for in these worktrees, and print what changed in each."""
    keys, ask_name, save_adopted = KeySource(app.environ, app.keyring, app.key_names), None, None
    if (attended := console.attended()) or options.get("key_stdin"):
        from llmswitch.cli import prompts  # only where somebody, or a pipe, can be asked

        keys = prompts.key_source(app, attended, bool(options.get("key_stdin")))
        ask_name = prompts.ask_name if attended and not (request.discard or request.dry_run) else None
    if options.get("adopt_key") or ask_name:
        from llmswitch.keys.adopt import Adoption  # only where a key in the file may be saved

        adoption = Adoption(app.catalog, app.keyring, app.key_names, console.note)
        request.settled += adoption.take(checkouts, options.get("adopt_key"), ask_name)
        save_adopted = adoption.save
    tools = Tools(app.catalog, keys, app.gateway, app.key_helper, app.typed)
    for done in switch_all(request, checkouts, tools, lambda: _main_rules(app), save_adopted):
        found = app.sessions(*done.checkout.reached)
        console.answer(view.switched(done, request.dry_run, app.home))
        console.note(*view.remarks(done, request, found))
    console.note(*(f"Left out: {problem.args[0]}" for problem in app.catalog.left_out))
