"""Worktrees that Claude Code makes for itself, and how they get a pin."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import KEY, Cli, settings_of
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
