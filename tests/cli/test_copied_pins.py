"""A pin that came by copy goes whole: hooks that copy the settings file into new worktrees are common."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import Cli, git, settings_of
from test_switch import env_of, write

USERS = {"permissions": {"allow": ["Bash(ls:*)"]}, "env": {"EDITOR": "vi"}}
PINS = [
    ["openrouter"],
    ["openrouter", "--key-helper"],
    ["openrouter", "--also", "any", "--haiku", "x/y"],
    ["or-claude"],
    ["ollama"],
    ["openrouter", "--model", "deepseek/deepseek-v3.2"],
]
# What happens to main after the copy, so that its record knows the pin as the current one, the one before, or not.
MAIN = {"stays": [], "freed": ["claude"], "long ago": ["deepseek", "claude"]}


@pytest.fixture
def copy(repo: Path) -> Path:
    """A linked worktree with a `.claude` folder."""
    linked = repo.parent / "linked"
    git(repo, "worktree", "add", "--quiet", str(linked), "-b", "linked")
    (linked / ".claude").mkdir()
    return linked


@pytest.mark.parametrize("pin", PINS, ids=" ".join)
@pytest.mark.parametrize("main", MAIN)
@pytest.mark.parametrize("own", [{}, USERS], ids=["nothing else", "the user's own"])
def test_the_whole_pin_goes_from_a_copy(
    cli: Cli, repo: Path, copy: Path, key: str, pin: list[str], main: str, own: dict[str, object]
) -> None:
    """With its tuning members, record or not; all that was the user's own stays."""
    if own:
        write(repo, json.dumps(own))
    assert cli(*pin, cwd=repo).code == 0
    pinned = settings_of(repo).read_bytes()
    for name in MAIN[main]:
        assert cli(name, cwd=repo).code == 0
    settings_of(copy).write_bytes(pinned)
    gone = set(env_of(copy)) - {"EDITOR"}
    known = main != "long ago" or "--key-helper" in pin or pin == ["ollama"]
    reply = cli("claude", *([] if known else ["--discard-key"]), cwd=copy)
    assert reply.code == 0
    left = json.loads(settings_of(copy).read_text()) if settings_of(copy).exists() else {}
    assert {name: value for name, value in left.items() if value != {}} == own
    tuning = {name for name in gone if name.startswith(("CLAUDE_CODE_MAX", "CLAUDE_CODE_ATTR", "API_T"))}
    assert all(name in reply.out for name in tuning)


def test_back_brings_a_copied_pin_back(cli: Cli, repo: Path, copy: Path, key: str) -> None:
    """With its key, and as the preset that it is."""
    cli("openrouter", "--haiku", "x/y", cwd=repo)
    settings_of(copy).write_bytes(settings_of(repo).read_bytes())
    copied = settings_of(copy).read_bytes()
    cli("claude", cwd=repo)
    assert cli("claude", cwd=copy).code == 0
    assert cli("-", cwd=copy).code == 0
    assert settings_of(copy).read_bytes() == copied
    assert json.loads(cli("status", "--json", cwd=copy).out)["overrides"] == ["haiku"]


def test_a_copied_pin_without_a_record_comes_back_byte_for_byte(cli: Cli, repo: Path, key: str) -> None:
    """Copied from elsewhere, of a preset that needs no key."""
    cli("ollama", cwd=repo)
    copied = settings_of(repo).read_bytes()
    (repo / ".git/llmswitch/state.json").unlink()
    assert cli("claude", cwd=repo).code == 0
    assert not settings_of(repo).exists() or "CLAUDE_CODE" not in settings_of(repo).read_text()
    assert cli("-", cwd=repo).code == 0
    assert settings_of(repo).read_bytes() == copied


def test_a_file_made_by_hand_keeps_its_own_tuning(cli: Cli, repo: Path, key: str) -> None:
    """It has the preset's values, but was written by no switch: not all identity members are there."""
    own = {"ANTHROPIC_BASE_URL": "https://api.z.ai/api/anthropic", "API_TIMEOUT_MS": "3000000"}
    write(repo, json.dumps({"env": own}))
    assert cli("claude", cwd=repo).code == 0
    assert env_of(repo) == {"API_TIMEOUT_MS": "3000000"}


def test_a_dry_run_in_a_copy_writes_nothing(cli: Cli, repo: Path, copy: Path, key: str) -> None:
    """No state either."""
    cli("openrouter", cwd=repo)
    settings_of(copy).write_bytes(settings_of(repo).read_bytes())
    assert cli("claude", "-n", cwd=copy).code == 0
    assert not (repo / ".git/worktrees/linked/llmswitch").exists()
