"""`llmswitch doctor` for somebody who has set up nothing yet, and as text that can be shown to others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import KEY, Cli, git
from support.secret_service import SecretService


def lines(cli: Cli, folder: Path, **env: str) -> list[str]:
    """Return what `doctor` says."""
    return cli("doctor", cwd=folder, env=env).out.splitlines()


def test_it_says_what_there_is_and_what_to_type_next(cli: Cli, repo: Path, sealed: dict[str, str]) -> None:
    """Client, git with its worktrees, keyring, keys; without a keyring, the way that works without."""
    git(repo, "worktree", "add", "--quiet", "-b", "other", "../other")
    sealed["PATH"] = "/usr/bin:/bin"
    del sealed["PYTHON_KEYRING_BACKEND"]
    found = lines(cli, repo)
    assert found[0].endswith("claude (Claude Code's own backend)")
    assert found[1] == "  Claude Code  not found"
    assert found[2].startswith("  git          2.")
    assert found[2].endswith(", 2 worktrees")
    assert found[3] == "  keyring      none that can be used"
    assert found[4] == "  keys         none saved, none exported"
    assert found[-1].startswith("Next: export LLMSWITCH_KEY_OPENROUTER=YOUR_KEY, then: llmswitch openrouter ")
    assert not any("nlock" in line for line in found)


def test_a_key_that_is_there_is_the_next_step(cli: Cli, repo: Path, tmp_path: Path) -> None:
    """Without its value; outside a repository the first thing is a folder."""
    found = lines(cli, repo, LLMSWITCH_KEY_OPENROUTER=KEY)
    assert "  keys         openrouter (LLMSWITCH_KEY_OPENROUTER)" in found
    assert found[-1].startswith("Next: llmswitch openrouter ")
    plain = tmp_path / "plain"
    plain.mkdir()
    found = lines(cli, plain, LLMSWITCH_KEY_OPENROUTER=KEY)
    assert found[2].endswith(", no repository here")
    assert found[-1].startswith("Next: cd to a project of yours, then: llmswitch openrouter ")


def test_with_a_keyring_the_next_step_is_to_save_a_key(service: SecretService, cli: Cli, repo: Path) -> None:
    """And with a saved key to switch; once there is a pin, nothing is told."""
    assert "  keyring      Secret Service" in lines(cli, repo)
    assert lines(cli, repo)[-1].startswith("Next: llmswitch save-key openrouter, then: llmswitch openrouter ")
    cli("save-key", "openrouter", text=KEY)
    assert lines(cli, repo)[-1].startswith("Next: llmswitch openrouter ")
    cli("openrouter", cwd=repo)
    assert not any(line.startswith("Next: ") for line in lines(cli, repo))


def test_the_main_checkout_beside_a_pinned_worktree_is_told_no_next_step(cli: Cli, repo: Path) -> None:
    """A switch there is refused, since its pin would win in the other one too."""
    git(repo, "worktree", "add", "--quiet", "-b", "other", "../other")
    key = {"LLMSWITCH_KEY_OPENROUTER": KEY}
    assert cli("deepseek", cwd=repo.parent / "other", env=key).code == 0
    assert cli("openrouter", cwd=repo, env=key).code != 0
    assert not any(line.startswith("Next: ") for line in lines(cli, repo, **key))


def test_other_tools_that_chose_a_backend_here_are_named(cli: Cli, repo: Path, sealed: dict[str, str]) -> None:
    """By what they leave in a home; settings of theirs are findings."""
    Path(sealed["HOME"], ".claude-code-router").mkdir()
    Path(sealed["HOME"], ".claude").mkdir()
    Path(sealed["HOME"], ".claude/settings.json").write_text('{"env": {"ANTHROPIC_BASE_URL": "http://127.0.0.1:3456"}}')
    found = lines(cli, repo)
    assert "  also here    claude-code-router (~/.claude-code-router)" in found
    assert any("settings.json decides here about ANTHROPIC_BASE_URL" in line for line in found)


@pytest.mark.parametrize("pinned", [True, False])
def test_the_json_can_be_shown_to_others(cli: Cli, sealed: dict[str, str], key: str, pinned: bool) -> None:
    """No key, and `~` for the home in every text, findings and commands too."""
    home = Path(sealed["HOME"])
    repo = home / "src" / "app"
    repo.mkdir(parents=True)
    git(repo, "init", "--quiet")
    if pinned:
        cli("openrouter", cwd=repo)
        (repo / ".claude/settings.local.json").chmod(0o644)
        copy = repo / ".claude/settings.local.json.bak"
        copy.write_text((repo / ".claude/settings.local.json").read_text())
    reply = cli("doctor", "--json", cwd=repo)
    data = json.loads(reply.out)
    assert data["worktree"] == "~/src/app"
    assert {"llmswitch", "python", "system", "git", "worktrees", "keys", "others"} <= data.keys()
    assert str(home) not in reply.out
    assert home.parent.name not in reply.out
    assert KEY not in reply.out
    assert pinned is any("~/src/app/.claude" in problem["message"] for problem in data["problems"])
