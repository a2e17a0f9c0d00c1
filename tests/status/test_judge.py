"""What can be wrong where a pin is not by itself: each state has its finding, and a healthy pin has none."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Cli, git, settings_of

from llmswitch.base.errors import COMMANDS
from llmswitch.cli.app import App
from llmswitch.status.judge import judge
from llmswitch.status.report import Report
from llmswitch.worktrees.layout import branch

Change = Callable[[Path], object]


def write(path: Path, data: object) -> None:
    """Write a settings file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(data))


def edit(**env: str | None) -> Change:
    """Return what sets or drops variables of the pin's file."""

    def change(repo: Path) -> None:
        data = json.loads(settings_of(repo).read_text())
        data["env"] = {name: text for name, text in {**data["env"], **env}.items() if text is not None}
        write(settings_of(repo), data)

    return change


def shared(data: object) -> Change:
    """Return what writes the repository's own settings."""
    return lambda repo: write(repo / ".claude" / "settings.json", data)


def report_of(environ: dict[str, str], folder: Path) -> Report:
    """Return the report of a worktree."""
    app = App(environ, COMMANDS)
    checkout = app.checkouts.at(str(folder))
    return judge(checkout, branch(checkout.worktree), app.catalog, app.gateway)


# state → what is changed after a switch to openrouter, what is exported, and the findings
STATES: dict[str, tuple[Change, dict[str, str], set[str]]] = {
    "healthy": (lambda repo: None, {}, set()),
    "other settings that say nothing of the backend": (shared({"env": {"EDITOR": "vi"}}), {}, set()),
    "a member that is not as the preset wants it": (edit(ANTHROPIC_DEFAULT_OPUS_MODEL="a/b"), {}, {"drift"}),
    "another host": (edit(ANTHROPIC_BASE_URL="https://a.example"), {}, {"strange-host", "other-key", "unknown-preset"}),
    "no slot but one": (
        edit(ANTHROPIC_DEFAULT_OPUS_MODEL=None, ANTHROPIC_DEFAULT_FABLE_MODEL=None), {}, {"drift", "slots-narrowed"},
    ),
    "a file that is ignored": (lambda repo: settings_of(repo).write_text("{"), {}, {"settings-ignored"}),
    "an export that the pin cancels": (lambda repo: None, {"ANTHROPIC_API_KEY": "x"}, set()),
    "an export that nothing cancels": (edit(ANTHROPIC_API_KEY=None), {"ANTHROPIC_API_KEY": "x"},
                                       {"drift", "exported", "mixed", "two-credentials"}),
    "a cloud's switch": (lambda repo: None, {"CLAUDE_CODE_USE_BEDROCK": "1"}, set()),
}  # fmt: skip


@pytest.mark.parametrize("state", STATES)
def test_a_state_has_its_findings(cli: Cli, repo: Path, sealed: dict[str, str], key: str, state: str) -> None:
    """Besides notes."""
    assert cli("openrouter", cwd=repo).code == 0
    change, exported, codes = STATES[state]
    change(repo)
    problems = report_of({**sealed, **exported}, repo).problems
    assert {problem.code for problem in problems if problem.level != "note"} == codes
    assert all(problem.message and "sk-or-v1" not in problem.message for problem in problems)


def test_main_wins_over_a_linked_worktree_and_that_is_said(
    cli: Cli, repo: Path, sealed: dict[str, str], key: str
) -> None:
    """With main's preset, and one command that is right everywhere."""
    linked = repo.parent / "linked"
    git(repo, "worktree", "add", "--quiet", "-b", "topic", str(linked))
    cli("openrouter", cwd=linked)
    cli("openrouter", "--haiku", "a/b", "--anyway", cwd=repo)
    report = report_of(sealed, linked)
    [shadowed] = [problem for problem in report.problems if problem.code == "shadowed"]
    assert "SHADOWED by main (openrouter)" in shadowed.message
    assert shadowed.fix == "llmswitch run"
    assert report.shadows.keys() >= {"ANTHROPIC_DEFAULT_HAIKU_MODEL"}


def test_a_worktree_without_a_pin_follows_main(cli: Cli, repo: Path, sealed: dict[str, str], key: str) -> None:
    """Its preset is main's, and nothing differs."""
    linked = repo.parent / "linked"
    git(repo, "worktree", "add", "--quiet", "-b", "topic", str(linked))
    cli("openrouter", cwd=repo)
    report = report_of(sealed, linked)
    assert (report.preset, report.follows_main, report.drift, report.shadows) == ("openrouter", True, [], {})
    assert report.exit_code(True) == 0


@pytest.mark.parametrize(("state", "plain", "checked"), [("healthy", 0, 0), ("another host", 0, 3),
                                                         ("a file that is ignored", 1, 1)])  # fmt: skip
def test_the_exit_code_says_whether_it_is_as_it_was_put_here(
    cli: Cli, repo: Path, sealed: dict[str, str], key: str, state: str, plain: int, checked: int
) -> None:
    """3 with --check where it is not; 1 where the file is ignored."""
    cli("openrouter", cwd=repo)
    STATES[state][0](repo)
    report = report_of(sealed, repo)
    assert (report.exit_code(False), report.exit_code(True)) == (plain, checked)
