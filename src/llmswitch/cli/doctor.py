"""The part of the command line that examines: `doctor` and `statusline`."""

from __future__ import annotations

import click

from llmswitch.base.install import off_path
from llmswitch.cli import console, hot_statusline, prompts, shell
from llmswitch.cli.app import App
from llmswitch.doctor.examine import Asked, examine, mended
from llmswitch.doctor.observe import Reach
from llmswitch.settings.checkout import Checkouts
from llmswitch.views import doctor as view


@click.command()
@click.option("--probe", is_flag=True, help="Send one real request, for one token, to each model that is mapped.")
@click.option("--models", is_flag=True, help="Ask the provider for its list of models.")
@click.option("--client", is_flag=True, help="Ask the installed Claude Code what it will use; it makes no request.")
@click.option("--history", is_flag=True, help="Look for credentials in every version in git's history.")
@click.option("--fix", is_flag=True, help="Do the safe mends, after showing them.")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
@click.option("-w", "--worktree", default=".", metavar="PATH", shell_complete=shell.worktrees, help="Another worktree.")
@click.pass_obj
def doctor(app: App, /, fix: bool, as_json: bool, worktree: str, **asked: bool) -> int:
    """Say what is wrong here, and the command that mends it.

    Exits 1 where an error is among it. It changes nothing without --fix, and goes to the network with --probe and
    --models only.
    """
    reach = Reach(
        app.catalog, app.environ, app.keyring, app.key_names, app.gateway, app.sessions,
        app.key_helper, prompts.answered,
    )  # fmt: skip
    questions = Asked(**asked)
    found = examine(app.checkouts.at(worktree), reach, questions)
    rounds = mended(lambda: Checkouts(app.environ, app.state).at(worktree), reach, questions, found)
    for after in rounds if fix else ():
        console.note("These are mended now:", *view.findings(after.mended))
        console.note(*(f"Not mended: {why}" for why in after.failed))
        found = after
    if fix and not found.mended and any(problem.level not in ("note", "ok") for problem in found.problems):
        console.note("Nothing was mended: --fix does only what loses nothing. Type what stands behind each arrow.")
    lines = [
        *view.looked_at(found.observed, app.home),
        *view.findings(found.problems, [] if fix else found.safe),
        *view.next_step(found.observed),
        *off_path(),
    ]
    data = view.homeless(found.data(), app.home) if as_json else None
    console.print_data(as_json, data, lambda: lines)
    return found.exit_code


@click.command()
@click.option("--cost", is_flag=True, help="Add what the session has cost so far, at its provider's own prices.")
@click.pass_obj
def statusline(app: App, cost: bool) -> None:
    """Print one line for Claude Code's status line: preset, slot and model in use.

    \b
    In ~/.claude/settings.json:
      "statusLine": {"type": "command", "command": "llmswitch statusline"}

    It reads what Claude Code says of the session on standard input. ≠ marks a session that is not on what the pin
    says, * a pin that is not as its preset.
    """
    hot_statusline.statusline(app, cost)
