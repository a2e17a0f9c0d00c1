"""What `doctor` finds in files as people have them, and that its advice keeps every other choice."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest
from conftest import Cli, git, settings_of

SECRET = "Bash(SECRETS_PIN=123456 openssl enc)"


def doctor(cli: Cli, repo: Path, *words: str) -> dict[str, dict[str, str]]:
    """Return {code: problem} of what doctor says, what is proven good included."""
    data = json.loads(cli("doctor", "--json", *words, cwd=repo).out)
    return {each["code"]: each for each in [*data["problems"], *data["proven"]]}


def write(repo: Path, data: object) -> None:
    """Write the settings file."""
    settings_of(repo).parent.mkdir(exist_ok=True)
    settings_of(repo).write_text(json.dumps(data))


def test_a_secret_in_a_rule_is_found_as_it_is_and_in_history(cli: Cli, repo: Path) -> None:
    """With rule, file and commit, and never the value."""
    write(repo, {"permissions": {"allow": [SECRET]}})
    git(repo, "add", "--force", ".")
    git(repo, "commit", "--quiet", "-m", "x")
    found = doctor(cli, repo, "--history")
    assert "an assignment to a secret's name" in found["secret-in-rule"]["message"]
    assert "an assignment to a secret's name" in found["history-key"]["message"]
    assert "123456" not in str(found)


def test_a_clean_history_says_what_was_looked_for(cli: Cli, repo: Path) -> None:
    """And claims no more."""
    assert "looked for: keys of known providers" in doctor(cli, repo, "--history")["history-clean"]["message"]


@pytest.mark.parametrize("text", ["${ZAI_API_KEY}", "$ZAI_API_KEY"])
def test_a_placeholder_is_sent_as_it_stands(cli: Cli, repo: Path, text: str) -> None:
    """Claude Code expands nothing in env."""
    write(repo, {"env": {"ANTHROPIC_BASE_URL": "https://api.z.ai/api/anthropic", "ANTHROPIC_AUTH_TOKEN": text}})
    assert "expands no variables" in doctor(cli, repo)["placeholder"]["message"]


def test_a_name_that_nobody_reads_is_told_with_the_right_one(cli: Cli, repo: Path) -> None:
    """As people write it."""
    write(repo, {"env": {"ANTHROPIC_AUTH_KEY": "x"}})
    assert "ANTHROPIC_AUTH_TOKEN" in doctor(cli, repo)["misnamed"]["fix"]


def test_a_probe_of_a_stranger_says_what_came_of_it(cli: Cli, repo: Path) -> None:
    """A base URL on this machine that nobody answers is found; with no model it says that it did not ask."""
    env = {"ANTHROPIC_BASE_URL": "http://127.0.0.1:9", "ANTHROPIC_AUTH_TOKEN": "test", "ANTHROPIC_MODEL": "m"}
    write(repo, {"env": env})
    assert doctor(cli, repo, "--probe").keys() - doctor(cli, repo).keys()
    write(repo, {"env": {**env, "ANTHROPIC_MODEL": ""}})
    assert "not-asked" in doctor(cli, repo, "--probe")


def test_advice_for_one_slot_keeps_the_others(cli: Cli, repo: Path, key: str) -> None:
    """The advised command is run: this finding is gone, and every other choice still stands."""
    cli("openrouter", "--model", "deepseek/deepseek-v3.2", "--haiku", "deepseek/deepseek-v3.2[1m]", cwd=repo)
    fix = doctor(cli, repo)["one-million"]["fix"]
    assert cli(*shlex.split(fix)[1:], cwd=repo).code == 0
    assert "one-million" not in doctor(cli, repo)
    slots = json.loads(cli("status", "--json", cwd=repo).out)["slots"]
    assert {each["model"] for name, each in slots.items() if name != "subagent"} == {"deepseek/deepseek-v3.2"}


def test_advice_for_a_slot_from_the_ladder_is_not_the_ladder(cli: Cli, repo: Path, key: str) -> None:
    """Which names the dead model still: the advised command is run, the other rungs stand, and the file is told."""
    ladder = repo / ".claude/model-ladder.json"
    ladder.parent.mkdir(exist_ok=True)
    ladder.write_text('["deepseek/deepseek-v3.2", "z-ai/glm-5.3", "anthropic/claude-opus-4"]')
    assert cli("openrouter", "--ladder", cwd=repo).code == 0
    found = doctor(cli, repo)["dead-id"]
    assert ".claude/model-ladder.json names it too." in found["message"]
    assert cli(*shlex.split(found["fix"])[1:], cwd=repo).code == 0
    assert "dead-id" not in doctor(cli, repo)
    slots = json.loads(cli("status", "--json", cwd=repo).out)["slots"]
    assert [slots[name]["model"] for name in ("haiku", "sonnet")] == ["deepseek/deepseek-v3.2", "z-ai/glm-5.3"]


def test_a_mend_does_not_make_the_next_finding(cli: Cli, repo: Path, key: str) -> None:
    """What --fix took away, the next doctor does not put back."""
    cli("openrouter", "--model", "deepseek/deepseek-v3.2[1m]", cwd=repo)
    cli("doctor", "--fix", cwd=repo)
    assert "[1m]" not in cli("doctor", cwd=repo).out


def test_opusplan_is_a_start(cli: Cli, repo: Path, key: str) -> None:
    """An alias of Claude Code's that follows the slots."""
    assert cli("openrouter", "--start", "opusplan", cwd=repo).code == 0
    assert json.loads(settings_of(repo).read_text())["env"]["ANTHROPIC_MODEL"] == "opusplan"
    assert cli("status", "--check", cwd=repo).code == 0


@pytest.mark.parametrize("command", ["openrouter", "status"])
def test_a_work_tree_that_git_puts_elsewhere_is_refused(cli: Cli, repo: Path, key: str, command: str) -> None:
    """core.worktree in the shared configuration: git takes every worktree for main."""
    git(repo, "config", "core.worktree", str(repo))
    linked = repo.parent / "linked"
    git(repo, "worktree", "add", "--quiet", str(linked), "-b", "linked")
    git(repo, "config", "extensions.worktreeConfig", "true")
    reply = cli(command, cwd=linked)
    assert (reply.code, "core.worktree" in reply.err) == (5, True)
    assert not settings_of(repo).exists()
