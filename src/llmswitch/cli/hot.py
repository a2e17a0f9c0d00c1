"""What the commands of everyday use answer: the front door and click's command line call the same functions."""

from __future__ import annotations

from llmswitch.cli import console

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from llmswitch.cli.app import App
    from llmswitch.commands.request import Request
    from llmswitch.keys.obtain import KeySource
    from llmswitch.settings.checkout import Target


def status(
    app: App,
    as_json: bool = False,
    short: bool = False,
    check: bool = False,
    all_worktrees: bool = False,
    worktree: str = ".",
) -> int:
    """Print what Claude Code uses in a worktree, or in all, and return the exit code."""
    from llmswitch.status import report as command
    from llmswitch.views import status as report_status

    if all_worktrees:
        rows = command.status_all(app.everywhere(worktree), app.catalog, app.surroundings())
        data = {"worktrees": [row.data() for row in rows]} if as_json else None
        shape = report_status.short_all if short else report_status.status_all
        console.print_data(as_json, data, lambda: shape(rows, app.home))
        return 3 if check and any(row.differs for row in rows) else 0
    target = app.target(worktree)
    found = command.status(target, app.catalog, app.surroundings()(target), target.worktree.branch())
    if not short:  # which is for prompts
        found.problems += app.open_here(target)
    lines = (lambda: report_status.short(found)) if short else (lambda: report_status.status(found, app.home))
    console.print_data(as_json, found.data() if as_json else None, lines)
    return found.exit_code(check)


def statusline(app: App) -> None:
    """Print one line for Claude Code's status line, from what it says of the session on standard input."""
    from llmswitch.commands import statusline as command
    from llmswitch.status.report import status

    said = command.Said(console.piped())
    target = app.target(said.folder or ".")
    report = status(target, app.catalog, app.surroundings()(target, said.folder or None), None)
    console.answer([command.line(report, said, app.environ)])


def print_key(app: App, name: str | None, preset: str | None) -> None:
    """Print one key and nothing else."""
    from llmswitch.commands import keys

    console.answer([keys.print_key(name, preset, app.catalog, app.environ, app.keyring()).reveal()])


def back(app: App, options: Mapping[str, Any]) -> None:
    """Switch to what the worktree had before."""
    from llmswitch.commands.back import back as request

    target = app.target(options["worktree"])
    _carry_out(app, request(target.journal, options), [target], options)


def switch(app: App, preset: str, options: Mapping[str, Any]) -> None:
    """Switch to a preset, as the options say, and print what changed."""
    request, targets = app.request(preset, options), _targets(app, options)
    if options.get("ladder"):
        from llmswitch.commands.ladder import with_ladder

        request, remarks = with_ladder(request, targets, app.catalog)
        console.note(*remarks)
    _carry_out(app, request, targets, options)


def _carry_out(app: App, request: Request, targets: list[Target], options: Mapping[str, Any]) -> None:
    from llmswitch.commands.several import switch_all
    from llmswitch.views import switch as report_switch

    source = _key_source(app, options.get("key_stdin", False))
    for target in targets:
        request.settled += source.adopt(target, options.get("adopt_key"), _ask_name(request))
    sites = [app.site(target) for target in targets]
    switched = switch_all(request, sites, catalog=app.catalog, key_source=source, main_rules=app.main_rules)
    for site, done in zip(sites, switched, strict=True):
        done.open = app.open_sessions(site.reached)
        console.answer(report_switch.switched(done, request.dry_run, app.home))
        console.note(*report_switch.remarks(done, request))


def _targets(app: App, options: Mapping[str, Any]) -> list[Target]:
    if not options.get("all_worktrees"):
        return [app.target(path) for path in options.get("worktrees") or ["."]]
    found = [row for path in options.get("worktrees") or ["."] for row in app.everywhere(path)]
    console.note(*(f"Left out: {entry.path} ({entry.state})." for entry, target in found if target is None))
    return list({target.worktree.root: target for _, target in found if target}.values())


def _key_source(app: App, from_stdin: bool) -> KeySource:
    from llmswitch.cli import prompts
    from llmswitch.keys.obtain import KeySource

    ask = prompts.ask_key if prompts.attended() else None
    given = prompts.key_text if from_stdin else None
    return KeySource(app.catalog, app.environ, app.keyring(), app.key_names(), ask, console.note, given, app.key_helper)


def _ask_name(request: Request) -> Callable[[str], str] | None:
    from llmswitch.cli import prompts

    return prompts.ask_name if prompts.attended() and not (request.discard or request.dry_run) else None
