"""The part of the command line that examines: `doctor` and `statusline`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from llmswitch import cli_shell, console, report_doctor

if TYPE_CHECKING:
    from llmswitch.app import App
    from llmswitch.commands.switch import Target
    from llmswitch.facts import Facts


@click.command()
@click.option("--client", "ask_client", is_flag=True, help="Ask the installed Claude Code; it makes no request.")
@click.option("--fix", "mend", is_flag=True, help="Do the safe mends, after showing them.")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@click.option(
    "-w", "--worktree", default=".", metavar="PATH", shell_complete=cli_shell.worktrees, help="Another worktree."
)
@click.pass_obj
def doctor(app: App, ask_client: bool, mend: bool, as_json: bool, worktree: str) -> int:
    """Say what is wrong here, and the command that mends it.

    Exits 1 where an error is among it. It never changes anything without --fix.
    """
    from llmswitch.commands import doctor as command
    from llmswitch.commands import doctor_ask, doctor_fix

    target = app.target(worktree)
    facts = _facts(app, target)
    problems = command.doctor(facts)
    safe = doctor_fix.safe(problems, facts)
    if mend and safe:
        console.note("These are mended now:", *report_doctor.findings(safe))
        failed = doctor_fix.fix(safe, target)
        facts = _facts(app, app.target(worktree))
        problems, safe = command.doctor(facts), []
        console.note(*(f"Not mended: {why}" for why in failed), "Mended. What is left:")
    if ask_client:
        problems += doctor_ask.client(facts, lambda: app.ask_client(facts.program, target))
    problems = command.by_level(problems)
    lines = [*report_doctor.looked_at(facts, app.home), *report_doctor.findings(problems, safe)]
    console.answer([json.dumps(command.data(facts, problems), indent=2, ensure_ascii=False)] if as_json else lines)
    return command.exit_code(problems)


def _facts(app: App, target: Target) -> Facts:
    from llmswitch.commands.status import status

    around = app.surroundings(target)
    return app.facts(target, status(target, app.catalog, around, target.worktree.branch()), around)
