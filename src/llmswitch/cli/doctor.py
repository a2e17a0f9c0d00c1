"""The part of the command line that examines: `doctor` and `statusline`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from llmswitch.cli import console
from llmswitch.cli import hot as everyday
from llmswitch.cli import shell as cli_shell

if TYPE_CHECKING:
    from collections.abc import Callable

    from llmswitch.base.problem import Problem
    from llmswitch.cli.app import App
    from llmswitch.doctor.facts import Facts
    from llmswitch.settings.checkout import Target


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
    from llmswitch.doctor import findings as command
    from llmswitch.doctor import fix as doctor_fix
    from llmswitch.views import doctor as report_doctor

    facts, problems = _examine(app, app.target(worktree), asked)
    safe, failed = doctor_fix.safe(problems, facts), list[str]()
    # A mend can bring to light what was behind it: a file that is read again, the next field a provider rejects.
    for _ in range(doctor_fix.ROUNDS if fix else 0):
        if failed or not safe:
            break
        console.note("These are mended now:", *report_doctor.findings(safe))
        failed = doctor_fix.fix(safe, app.target(worktree))
        console.note(*(f"Not mended: {why}" for why in failed))
        facts, problems = _examine(app, app.target(worktree), asked)
        safe = doctor_fix.safe(problems, facts)
    lines = [*report_doctor.looked_at(facts, app.home), *report_doctor.findings(problems, [] if fix else safe)]
    console.print_data(as_json, command.data(facts, problems), lambda: lines)
    return command.exit_code(problems)


def _examine(app: App, target: Target, asked: dict[str, Any]) -> tuple[Facts, list[Problem]]:
    """Return the facts and all findings; what costs time or money only where it was `asked` for."""
    from llmswitch.cli import prompts
    from llmswitch.doctor import ask as doctor_ask
    from llmswitch.doctor import findings as command
    from llmswitch.doctor.examiner import Examiner
    from llmswitch.status.report import status

    examiner, around = Examiner(app), app.surroundings()(target)
    facts = examiner.facts(target, status(target, app.catalog, around, target.worktree.branch()), around)
    ways: dict[str, Callable[[], list[Problem]]] = {
        "client": lambda: doctor_ask.client(facts, lambda: examiner.ask_client(facts.program, target)),
        "history": lambda: doctor_ask.history(facts, lambda: examiner.leaks(target)),
        "models": lambda: examiner.asker(facts, prompts.answered).served(),
        "probe": lambda: examiner.asker(facts, prompts.answered).probe(),
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
    everyday.statusline(app)
