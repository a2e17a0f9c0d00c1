"""What `status` says of a worktree, in words, and a prompt in one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import KEY, Cli, git, settings_of

from llmswitch.base.errors import COMMANDS
from llmswitch.cli.app import App
from llmswitch.settings.neighbours import everywhere
from llmswitch.status.judge import judge
from llmswitch.status.report import Report
from llmswitch.status.rows import Row
from llmswitch.views import status as view
from llmswitch.views.status_all import short_all, status_all
from llmswitch.worktrees.layout import branch

Change = Callable[[Cli, Path], object]


def edit(**env: str) -> Change:
    """Return what sets variables of the file by hand."""

    def change(cli: Cli, repo: Path) -> None:
        data = json.loads(settings_of(repo).read_text())
        data["env"] |= env
        settings_of(repo).write_text(json.dumps(data))

    return change


def of(sealed: dict[str, str], folder: Path) -> Report:
    """Return the report of a worktree."""
    app = App(sealed, COMMANDS)
    checkout = app.checkouts.at(str(folder))
    return judge(checkout, branch(checkout.worktree), app.catalog, app.gateway)


STATES: dict[str, tuple[Change, str, str]] = {
    "a pin": (lambda cli, repo: None, "openrouter", "openrouter"),
    "a slot of one's own": (
        lambda cli, repo: cli("openrouter", "--haiku", "m/x", cwd=repo), "openrouter, haiku changed", "openrouter*",
    ),
    "edited": (edit(ANTHROPIC_CUSTOM_HEADERS="x: y"), "openrouter", "openrouter*"),
    "broken": (lambda cli, repo: settings_of(repo).write_text("{"), "Claude Code ignores the settings file", "!"),
    "nobody's": (edit(ANTHROPIC_BASE_URL="https://a.example"), "not a known preset", "?!"),
    "back": (lambda cli, repo: cli("claude", cwd=repo), "claude (Claude Code's own backend)", "claude"),
}  # fmt: skip


@pytest.mark.parametrize("state", STATES)
def test_a_state_in_a_few_words(cli: Cli, repo: Path, sealed: dict[str, str], key: str, state: str) -> None:
    """The first line of `status`, and the word in a prompt; no key in either, nor in the rest."""
    assert cli("openrouter", cwd=repo).code == 0
    change, headline, short = STATES[state]
    change(cli, repo)
    report = of(sealed, repo)
    lines = view.status(report, str(repo.parent))
    assert lines[0] == f"~/{repo.name} (trunk): {headline}"
    assert view.short(report) == [short]
    assert KEY not in "\n".join(lines)


def test_every_slot_has_a_line_and_a_change_both_models(cli: Cli, repo: Path, sealed: dict[str, str], key: str) -> None:
    """What is sent, and what the preset says."""
    cli("openrouter", "--haiku", "mine/x", cwd=repo)
    lines = view.status(of(sealed, repo), "")
    rows = {line.split()[0]: line.split() for line in lines[1:] if line.startswith("  ")}
    assert rows.keys() >= {"haiku", "sonnet", "opus", "fable", "subagent", "start", "key"}
    assert rows["haiku"][1:3] == ["mine/x", "≠"]
    assert len(rows["sonnet"]) == 2
    assert rows["key"][1] == f"********{KEY[-4:]}"


def test_a_problem_is_said_with_what_to_type(cli: Cli, repo: Path, sealed: dict[str, str], key: str) -> None:
    """Level, message, and behind an arrow the command."""
    cli("openrouter", cwd=repo)
    edit(ANTHROPIC_CUSTOM_HEADERS="x: y")(cli, repo)
    [line] = [line for line in view.status(of(sealed, repo), "") if line.startswith("warning: ")]
    assert line == "warning: Not as openrouter was put here: ANTHROPIC_CUSTOM_HEADERS. → llmswitch openrouter"


def test_all_worktrees_are_rows_of_one_table(cli: Cli, repo: Path, sealed: dict[str, str], key: str) -> None:
    """Main first; one that is gone says so; in a prompt's words each has one."""
    for name in ("one", "gone"):
        git(repo, "worktree", "add", "--quiet", "-b", name, str(repo.parent / name))
    (repo.parent / "gone" / ".git").unlink()
    cli("openrouter", "--model", "a/b", cwd=repo)
    app = App(sealed, COMMANDS)
    rows = [
        Row(entry, judge(each, entry.branch, app.catalog, app.gateway) if each else None)
        for entry, each in everywhere(app.checkouts, str(repo))
    ]
    lines = status_all(rows, str(repo.parent))
    assert lines[0].split() == ["WORKTREE", "BRANCH", "PRESET", "SLOTS", "PROBLEMS"]
    assert [line.partition("  ")[0] for line in lines[1:]] == [f"~/{repo.name}", "~/gone", "~/one"]
    assert any("follows main: openrouter" in line and "all b" in line for line in lines if line.startswith("~/one"))
    assert {line.split()[0] for line in short_all(rows, str(repo.parent))} == {"openrouter*", "—"}
