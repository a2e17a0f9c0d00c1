"""`llmswitch PRESET` and `llmswitch -`, for the front door and for click."""

from __future__ import annotations

import os

from llmswitch.cli import console
from llmswitch.cli.app import PLACES, at
from llmswitch.commands.request import Request
from llmswitch.commands.several import switch_all
from llmswitch.commands.switch import Tools
from llmswitch.keys.sources import KeySource
from llmswitch.views import switch as view

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from llmswitch.claude.sessions import Session
    from llmswitch.cli.app import App
    from llmswitch.commands.several import Switched
    from llmswitch.settings.checkout import Checkout


def switch(app: App, preset: str) -> None:
    """Switch this worktree to a preset, and print what changed."""
    carry_out(app, request_of(app, preset, {}), [app.checkouts.at()], {})


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


def carry_out(app: App, request: Request, checkouts: list[Checkout], options: Mapping[str, Any]) -> None:
    """Do what a request asks for in these worktrees, and print what changed in each."""
    keys, save_adopted = KeySource(app.environ, app.keyring, app.key_names), None
    if console.attended() or options.get("key_stdin") or options.get("adopt_key"):
        from llmswitch.cli import prompts  # only where somebody, or a pipe, can be asked, or a key in the file is saved

        keys = prompts.key_source(app, bool(options.get("key_stdin")))
        save_adopted = prompts.adopted(app, request, checkouts, options.get("adopt_key"))
    tools = Tools(app.catalog, keys, app.gateway, app.key_helper, app.typed)
    tell = options.get("tell") or _told  # --json tells it otherwise
    for done in switch_all(
        request, checkouts, tools, lambda: bool(at(PLACES["main rules"])(app.environ)), save_adopted
    ):
        tell(app, done, request, app.sessions(*done.checkout.reached))
    console.note(*(f"Left out: {problem.args[0]}" for problem in app.catalog.left_out))


def _told(app: App, done: Switched, request: Request, found: Sequence[Session] | None) -> None:
    console.answer(view.switched(done, request.dry_run, app.home), people=True)
    console.note(*view.remarks(done, request, found))
    if done.written and _here().startswith(f"{done.checkout.root}/"):
        console.note(*at(PLACES["below"])(type(app)(app.environ).checkouts.at(".", os.getcwd())))  # read anew
    if done.checkout.root == app.home and done.checkout.worktree.in_repository and request.preset != "claude":
        console.note("This is your home folder: the pin holds for its own repository, not for others below it.")


def _here() -> str:
    """The current folder; "" where it is gone, and the switch was for another."""
    try:
        return os.path.realpath(os.getcwd())
    except FileNotFoundError:
        return ""
