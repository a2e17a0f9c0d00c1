"""The part of the command line that examines: `doctor` and `statusline`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from llmswitch import cli_shell, console, report_doctor

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmswitch.app import App
    from llmswitch.commands.switch import Target
    from llmswitch.facts import Facts
    from llmswitch.problems import Problem


@click.command()
@click.option("--probe", is_flag=True, help="Send one real request, for one token, to each model that is mapped.")
@click.option("--models", is_flag=True, help="Ask the provider for its list of models.")
@click.option("--client", is_flag=True, help="Ask the installed Claude Code what it will use; it makes no request.")
@click.option("--history", is_flag=True, help="Look for credentials in every version in git's history.")
@click.option("--fix", is_flag=True, help="Do the safe mends, after showing them.")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@click.option(
    "-w", "--worktree", default=".", metavar="PATH", shell_complete=cli_shell.worktrees, help="Another worktree."
)
@click.pass_obj
def doctor(app: App, /, fix: bool, as_json: bool, worktree: str, **asked: bool) -> int:
    """Say what is wrong here, and the command that mends it.

    Exits 1 where an error is among it. It changes nothing without --fix, and goes to the network with --probe and
    --models only.
    """
    from llmswitch.commands import doctor as command
    from llmswitch.commands import doctor_fix

    target = app.target(worktree)
    facts, problems = _examine(app, target, asked)
    safe = doctor_fix.safe(problems, facts)
    if fix and safe:
        console.note("These are mended now:", *report_doctor.findings(safe))
        failed = doctor_fix.fix(safe, target)
        facts, problems = _examine(app, app.target(worktree), asked)
        console.note(*(f"Not mended: {why}" for why in failed), "What is left:")
        safe = []
    lines = [*report_doctor.looked_at(facts, app.home), *report_doctor.findings(problems, safe)]
    console.print_data(as_json, command.data(facts, problems), lambda: lines)
    return command.exit_code(problems)


def _examine(app: App, target: Target, asked: dict[str, Any]) -> tuple[Facts, list[Problem]]:
    """Return the facts and all findings; what costs time or money only where it was `asked` for."""
    from llmswitch.app_doctor import Examiner
    from llmswitch.commands import doctor as command
    from llmswitch.commands import doctor_ask
    from llmswitch.commands.status import status

    examiner, around = Examiner(app), app.surroundings(target)
    facts = examiner.facts(target, status(target, app.catalog, around, target.worktree.branch()), around)
    ways: dict[str, Callable[[], list[Problem]]] = {
        "client": lambda: doctor_ask.client(facts, lambda: examiner.ask_client(facts.program, target)),
        "history": lambda: doctor_ask.history(facts, lambda: examiner.leaks(target)),
        "models": lambda: examiner.asker(facts, console.answered).served(),
        "probe": lambda: examiner.asker(facts, console.answered).probe(),
    }
    found = [problem for name, way in ways.items() if asked[name] for problem in way()]
    return facts, command.by_level([*command.doctor(facts), *found])


@click.command()
@click.pass_obj
def statusline(app: App) -> None:
    """Print one line for Claude Code's status line: preset, slot and model in use.

    \b
    In ~/.claude/settings.json:
      "statusLine": {"type": "command", "command": "llmswitch statusline"}

    It reads what Claude Code says of the session on standard input. ≠ marks a session that is not on what the pin
    says, * a pin that is not as its preset.
    """
    from llmswitch.commands import statusline as command
    from llmswitch.commands.status import status

    said = command.Said(console.piped())
    target = app.target(said.folder or ".")
    report = status(target, app.catalog, app.surroundings(target, folder=said.folder or None), None)
    console.answer([command.line(report, said, app.environ)])
