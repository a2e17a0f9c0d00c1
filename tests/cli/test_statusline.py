"""`llmswitch statusline`: what the session that shows it really uses."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import Cli, git
from support.claude_client import ClaudeClient, require_program
from support.messages_server import Internet
from support.terminal import Terminal
from test_switch import write

OPENROUTER = "https://openrouter.ai/api"
INSIDE = {"CLAUDECODE": "1"}


@pytest.fixture(scope="module")
def program() -> str:
    """Find the client, before any test's environment is replaced."""
    return require_program()


def shown(cli: Cli, folder: Path, model: str, **env: str) -> str:
    """Return the line for a session that was started in this folder."""
    said = {"model": {"id": model}, "workspace": {"project_dir": str(folder)}, "cwd": "/elsewhere"}
    reply = cli("statusline", env=env, text=json.dumps(said))
    assert reply.code == 0, reply
    assert reply.err == ""
    return reply.out


def test_preset_slot_and_model(cli: Cli, repo: Path, key: str) -> None:
    """The start slot, where several have the model; another slot; [1m]; a model of none; an own override."""
    cli("openrouter", cwd=repo)
    env = {**INSIDE, "ANTHROPIC_BASE_URL": OPENROUTER}
    assert shown(cli, repo, "google/gemini-2.5-pro", **env) == "openrouter · sonnet · google/gemini-2.5-pro\n"
    assert "· opus · " in shown(cli, repo, "anthropic/claude-opus-5.5[1m]", **env)
    assert shown(cli, repo, "claude-opus-5-5", **env) == "openrouter ≠ claude-opus-5-5\n"
    cli("openrouter", "--haiku", "x/y", cwd=repo)
    assert shown(cli, repo, "x/y", **env) == "openrouter* · haiku · x/y\n"
    cli("deepseek", cwd=repo)
    assert shown(cli, repo, "deepseek/deepseek-v3.2", **env) == "deepseek · sonnet · deepseek/deepseek-v3.2\n"


def test_a_session_that_is_elsewhere_is_marked(cli: Cli, repo: Path, key: str) -> None:
    """It kept an old backend, or the pin went; and one started before the first switch is not on it yet."""
    env = {**INSIDE, "ANTHROPIC_BASE_URL": OPENROUTER}
    assert shown(cli, repo, "x/y", **env) == "claude ≠ this session is on openrouter.ai · x/y\n"
    cli("openrouter", cwd=repo)
    assert shown(cli, repo, "claude-x", **INSIDE) == "openrouter ≠ this session is on Anthropic · claude-x\n"
    assert "· sonnet ·" in shown(cli, repo, "google/gemini-2.5-pro")  # typed in a shell: nothing is known of a session


def test_without_a_pin(cli: Cli, repo: Path) -> None:
    """Claude Code's own backend and its own names."""
    assert shown(cli, repo, "claude-opus-5-5", **INSIDE) == "claude · claude-opus-5-5\n"


def test_in_a_subfolder_of_a_linked_worktree(cli: Cli, repo: Path, key: str, tmp_path: Path) -> None:
    """A session started there does not read the worktree's pin."""
    linked = tmp_path / "linked"
    git(repo, "worktree", "add", "--quiet", "-b", "topic", str(linked))
    cli("openrouter", cwd=linked)
    (linked / "sub").mkdir()
    assert shown(cli, linked / "sub", "claude-opus-5-5", **INSIDE) == "claude · claude-opus-5-5\n"


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"model": 5}', '{"model": {"id": ["x"]}, "workspace": null}', "[" * 9999]
)
def test_what_is_no_status_says_nothing_of_the_session(cli: Cli, repo: Path, key: str, text: str) -> None:
    """The pin of the folder is shown all the same."""
    cli("openrouter", cwd=repo)
    assert cli("statusline", cwd=repo, text=text).out == "openrouter\n"


def test_a_broken_file(cli: Cli, repo: Path) -> None:
    """As in the prompt."""
    write(repo, "{")
    assert shown(cli, repo, "x/y", **INSIDE) == "! · x/y\n"


def test_the_real_client_shows_it(
    cli: Cli, repo: Path, key: str, sealed: dict[str, str], program: str, tmp_path: Path
) -> None:
    """On a terminal, at the bottom of its screen: the start slot, with what the client itself says of the model."""
    client = ClaudeClient(program, tmp_path / "user", tmp_path / "tmp")
    known = {"hasCompletedOnboarding": True, "theme": "dark"}
    trusted: dict[str, Any] = {"projects": {str(repo.resolve()): {"hasTrustDialogAccepted": True}}}
    (client.home / ".claude.json").write_text(json.dumps(known | trusted))
    (client.home / ".claude").mkdir(exist_ok=True)
    command = shlex.join([sys.executable, "-m", "llmswitch", "statusline"])
    line = {"statusLine": {"type": "command", "command": command}}
    (client.home / ".claude" / "settings.json").write_text(json.dumps(line))
    cli("openrouter", cwd=repo)
    with Internet(client.hosts, Path(client.environment("")["NODE_EXTRA_CA_CERTS"])) as internet:
        env = {**client.environment(internet.url), "TERM": "xterm-256color"}
        with Terminal([program], repo, env) as terminal:
            terminal.expect("openrouter · sonnet")
            assert "this session is on" not in terminal.output
