"""Worktrees that Claude Code makes for itself, and how they get a pin."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import KEY, Cli, git, settings_of
from support.claude_client import ClaudeClient, require_program
from support.messages_server import MessagesServer
from test_real_client import write_preset


@pytest.fixture(scope="module")
def program() -> str:
    """Find the client, before any test's environment is replaced."""
    return require_program()


def test_a_worktree_of_claude_code_runs_no_hook_of_git_and_follows_main(
    program: str, cli: Cli, repo: Path, tmp_path: Path, sealed: dict[str, str]
) -> None:
    """`claude --worktree NAME` (2.1.332): the rules come by `apply`; a pin of main counts from the first request on."""
    with MessagesServer() as server:
        extra = write_preset(tmp_path, "mine", base_url=server.url, key="mine")
        extra["LLMSWITCH_KEY_MINE"] = KEY
        sealed.update(extra)
        (tmp_path / "own" / "config.json5").write_text('{apply: [{branch: "worktree-*", preset: "mine"}]}')
        hook = repo / ".git" / "hooks" / "post-checkout"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(cli("hook", "git").out)
        hook.chmod(0o755)
        client = ClaudeClient(program, tmp_path / "client", tmp_path / "tmp")
        client.log_in()
        made = repo / ".claude" / "worktrees"
        assert client.run(repo, "--worktree", "one", env=extra).returncode == 0
        assert not settings_of(made / "one").exists()
        assert server.messages == []
        assert "to mine" in cli("apply", cwd=made / "one").out
        assert client.run(made / "one", env=extra).outside_messages == []
        assert {request.bearer for request in server.messages} == {KEY}
        assert cli("mine", cwd=repo).code == 0
        before = len(server.messages)
        assert client.run(repo, "--worktree", "two", env=extra).outside_messages == []
        assert {request.bearer for request in server.messages[before:]} == {KEY}


@pytest.fixture
def ruled(
    program: str, cli: Cli, tmp_path: Path, sealed: dict[str, str]
) -> Iterator[tuple[ClaudeClient, MessagesServer]]:
    """A client with our hooks and a login, and a rule for its own worktrees that leads to a server on loopback."""
    with MessagesServer() as server:
        extra = write_preset(tmp_path, "mine", base_url=server.url, key="mine")
        sealed.update(extra, LLMSWITCH_KEY_MINE=KEY)
        (tmp_path / "own" / "config.json5").write_text('{apply: [{branch: "worktree-*", preset: "mine"}]}')
        client = ClaudeClient(program, tmp_path / "client", tmp_path / "tmp")
        client.log_in()
        (client.home / ".claude" / "settings.json").write_text(cli("hook", "claude").out)
        yield client, server


def test_with_our_hook_the_first_request_goes_to_the_pin(
    ruled: tuple[ClaudeClient, MessagesServer], cli: Cli, repo: Path, sealed: dict[str, str]
) -> None:
    """From a folder of the main checkout and from a linked worktree, with what `.worktreeinclude` names."""
    client, server = ruled
    env = {name: sealed[name] for name in ("LLMSWITCH_HOME", "LLMSWITCH_KEY_MINE")}
    (repo / ".gitignore").write_text(".env\nother.log\n")
    (repo / ".worktreeinclude").write_text(".env\ntracked\n")
    (repo / ".env").write_text("A=1")
    (repo / "other.log").write_text("x")
    (repo / "tracked").write_text("x")
    git(repo, "add", ".")
    git(repo, "commit", "--quiet", "-m", "second")
    git(repo, "worktree", "add", "--quiet", str(repo.parent / "linked"))
    (repo / "sub").mkdir()
    made = repo / ".claude" / "worktrees"
    for folder, name in ((repo / "sub", "one"), (repo.parent / "linked", "a/b")):
        before = len(server.messages)
        outcome = client.run(folder, "--worktree", name, env=env)
        assert outcome.returncode == 0, outcome
        assert outcome.outside_messages == []
        sent = server.messages[before:]
        assert sent
        assert {request.bearer for request in sent} == {KEY}
        there = made / name.replace("/", "+")
        assert str(there) in json.dumps(sent[0].body, ensure_ascii=False)
        assert (there / ".env").read_text() == "A=1"
        assert not (there / "other.log").exists()
        assert git(there, "branch", "--show-current").strip() == f"worktree-{there.name}"
        assert json.loads(cli("status", "--json", cwd=there).out)["preset"] == "mine"
    again = client.run(repo, "--worktree", "one", env=env)
    assert (again.returncode, again.outside_messages) == (0, [])


def test_a_worktree_without_a_rule_is_made_all_the_same(
    ruled: tuple[ClaudeClient, MessagesServer], repo: Path, tmp_path: Path, sealed: dict[str, str]
) -> None:
    """And so is one whose pin fails: no worktree fails by us."""
    client, server = ruled
    env = {"LLMSWITCH_HOME": sealed["LLMSWITCH_HOME"]}  # no key
    assert client.run(repo, "--worktree", "one", env=env).returncode == 0
    (tmp_path / "own" / "config.json5").write_text("{apply: []}")
    assert client.run(repo, "--worktree", "two", env=env).returncode == 0
    for name in ("one", "two"):
        assert git(repo / ".claude" / "worktrees" / name, "status", "--short") == ""
        assert not settings_of(repo / ".claude" / "worktrees" / name).exists()
    assert server.messages == []
