"""`--json` of a switch: the same as the reply, as data, without a secret."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import KEY, Cli, git, settings_of


def switched(cli: Cli, *words: str, cwd: Path) -> list[dict[str, Any]]:
    """Switch, and return what is said of each worktree."""
    reply = cli(*words, "--json", cwd=cwd)
    assert reply.code == 0, reply
    assert KEY not in reply.out + reply.err
    found: list[dict[str, Any]] = json.loads(reply.out)["switched"]
    return found


@pytest.mark.parametrize("words", [["openrouter"], ["use", "openrouter"]])
def test_what_a_switch_changed(cli: Cli, repo: Path, key: str, words: list[str]) -> None:
    """Each member before and after, the key masked, an absent one null; and `-` the other way round."""
    [there] = switched(cli, *words, cwd=repo)
    assert (there["worktree"], there["preset"], there["host"]) == (str(repo), "openrouter", "openrouter.ai")
    assert (there["written"], there["dry_run"], there["follows_main"]) == (True, False, False)
    assert there["changes"]["ANTHROPIC_BASE_URL"] == {"before": None, "after": "https://openrouter.ai/api"}
    assert there["changes"]["ANTHROPIC_AUTH_TOKEN"] == {"before": None, "after": "********" + KEY[-4:]}
    assert there["changes"]["ANTHROPIC_API_KEY"] == {"before": None, "after": ""}
    assert "mistralai/devstral-2512" in there["changes"]["availableModels"]["after"]
    assert any("info/exclude" in remark for remark in there["remarks"])
    [again] = switched(cli, *words, cwd=repo)
    assert (again["written"], again["changes"]) == (False, {})
    [back] = switched(cli, "-", cwd=repo)
    assert back["preset"] == "claude"
    assert back["changes"]["ANTHROPIC_AUTH_TOKEN"]["after"] is None
    assert not settings_of(repo).exists()


def test_what_else_decides_the_host_is_named_beside_it(cli: Cli, repo: Path, key: str, sealed: dict[str, str]) -> None:
    """The host is a host, whoever names it."""
    user = Path(sealed["HOME"], ".claude", "settings.json")
    user.parent.mkdir(exist_ok=True)
    user.write_text('{"env": {"ANTHROPIC_BASE_URL": "https://corp.example/api"}}')
    [there] = switched(cli, "openrouter", cwd=repo)
    assert (there["host"], there["decided_by"]) == ("openrouter.ai", None)
    [there] = switched(cli, "claude", cwd=repo)
    assert (there["host"], there["decided_by"]) == ("corp.example", str(user))


def test_a_dry_run_and_several_worktrees(cli: Cli, repo: Path, key: str) -> None:
    """One object for each worktree; nothing is written."""
    git(repo, "worktree", "add", "--quiet", str(repo.parent / "one"))
    found = switched(cli, "devstral", "--all", "-n", cwd=repo)
    assert {each["worktree"] for each in found} == {str(repo), str(repo.parent / "one")}
    assert all(each["dry_run"] and not each["written"] for each in found)
    assert not settings_of(repo).exists()


def test_a_failed_switch_prints_no_data(cli: Cli, repo: Path) -> None:
    """The error and its exit code are as without it."""
    reply = cli("openrouter", "--json", cwd=repo)
    assert (reply.code, reply.out) == (4, "")
    assert "Nothing was changed" in reply.err
