"""The commands of every day, which run in prompts and status lines: the front door and click call the same functions.

An import inside a function here is what only that command needs.
"""

from __future__ import annotations

from llmswitch.cli import console, prompts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from llmswitch.cli.app import App
    from llmswitch.commands.request import Request
    from llmswitch.settings.checkout import Checkout


def status(
    app: App,
    worktree: str = ".",
    *,
    as_json: bool = False,
    short: bool = False,
    check: bool = False,
    all_worktrees: bool = False,
) -> int:
    """Print what Claude Code uses in a worktree, or in all, and return the exit code."""
    from llmswitch.claude.sessions import Sessions
    from llmswitch.status.judge import judge
    from llmswitch.status.report import Row
    from llmswitch.views import status as view
    from llmswitch.worktrees.worktree import branch

    sessions = None if short else Sessions().of  # `short` is for prompts
    if all_worktrees:
        rows = [
            Row(entry, judge(each, entry.branch, app.catalog, app.gateway, sessions) if each else None)
            for entry, each in app.checkouts.everywhere(worktree)
        ]
        data = {"worktrees": [row.data() for row in rows]} if as_json else None
        shape = view.short_all if short else view.status_all
        console.print_data(as_json, data, lambda: shape(rows, app.home))
        return 3 if check and any(row.differs for row in rows) else 0
    checkout = app.checkouts.at(worktree)
    found = judge(checkout, branch(checkout.worktree), app.catalog, app.gateway, sessions)
    lines = (lambda: view.short(found)) if short else (lambda: view.status(found, app.home))
    console.print_data(as_json, found.data() if as_json else None, lines)
    return found.exit_code(check)


def statusline(app: App) -> None:
    """Print one line for Claude Code's status line, from what it says of the session on standard input."""
    from llmswitch.commands import statusline as command
    from llmswitch.status.judge import judge

    said = command.Said(console.piped())
    checkout = app.checkouts.at(said.folder or ".", said.folder)
    console.answer([command.line(judge(checkout, None, app.catalog, app.gateway), said, app.environ)])


def print_key(app: App, name: str | None, preset: str | None) -> None:
    """Print one key and nothing else."""
    from llmswitch.commands import keys

    console.answer([keys.print_key(name, preset, app.catalog, app.environ, app.keyring).reveal()])


def back(app: App, options: Mapping[str, Any]) -> None:
    """Switch to what the worktree had before."""
    from llmswitch.commands.back import back as request

    checkout = app.checkouts.at(options["worktree"])
    _carry_out(app, request(checkout.state, options), [checkout], options)


def switch(app: App, preset: str, options: Mapping[str, Any]) -> None:
    """Switch to a preset, as the options say, and print what changed."""
    request, checkouts = request_of(app, preset, options), _checkouts(app, options)
    if options.get("ladder"):
        from llmswitch.commands.ladder import with_ladder

        request, remarks = with_ladder(request, checkouts, app.catalog)
        console.note(*remarks)
    _carry_out(app, request, checkouts, options)


def request_of(app: App, preset: str, options: Mapping[str, Any]) -> Request:
    """Return what the command line asks for, and what the user prefers where it is silent."""
    from llmswitch.commands.request import Request
    from llmswitch.presets import config

    said = {name: value for name, value in options.items() if value is not None}
    if app.catalog.load(preset).is_claude:  # it takes neither preferences nor exported models
        return Request(preset, said, {})
    said.setdefault("key_helper", config.load(app.config)["key_delivery"] == "helper")
    return Request(preset, said, app.environ)


def _carry_out(app: App, request: Request, checkouts: list[Checkout], options: Mapping[str, Any]) -> None:
    from llmswitch.claude import program
    from llmswitch.claude.sessions import Sessions
    from llmswitch.commands.several import switch_all
    from llmswitch.commands.switch import Tools
    from llmswitch.keys.obtain import KeySource
    from llmswitch.views import switch as view

    attended, tell = prompts.attended(), console.note
    ask, given = prompts.ask_key if attended else None, prompts.key_text if options.get("key_stdin") else None
    keys = KeySource(app.catalog, app.environ, app.keyring, app.key_names, ask, tell, given)
    tools = Tools(app.catalog, keys, app.gateway, app.key_helper)
    ask_name = prompts.ask_name if attended and not (request.discard or request.dry_run) else None
    save_adopted = None
    if options.get("adopt_key") or ask_name:
        from llmswitch.keys.adopt import Adoption

        adoption = Adoption(app.catalog, app.keyring, app.key_names, tell)
        request.settled += adoption.take(checkouts, options.get("adopt_key"), ask_name)
        save_adopted = adoption.save
    for done in switch_all(request, checkouts, tools, lambda: program.main_rules(app.environ), save_adopted):
        found = Sessions().of(*done.checkout.reached)
        console.answer(view.switched(done, request.dry_run, app.home))
        console.note(*view.remarks(done, request, found))


def _checkouts(app: App, options: Mapping[str, Any]) -> list[Checkout]:
    if not options.get("all_worktrees"):
        return [app.checkouts.at(path) for path in options.get("worktrees") or ["."]]
    found = [row for path in options.get("worktrees") or ["."] for row in app.checkouts.everywhere(path)]
    console.note(*(f"Left out: {entry.path} ({entry.state})." for entry, each in found if each is None))
    return list({each.root: each for _, each in found if each}.values())
