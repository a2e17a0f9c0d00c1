"""A linked worktree whose `.claude`, or settings file, is a link to main's: one file, and every word about it true."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest
from conftest import Cli, git, settings_of


@pytest.fixture(params=["folder", "file"])
def linked(request: pytest.FixtureRequest, repo: Path) -> Path:
    """The worktree."""
    path = repo.parent / "linked"
    git(repo, "worktree", "add", "--quiet", str(path), "-b", "linked")
    (repo / ".claude").mkdir(exist_ok=True)
    if request.param == "folder":
        (path / ".claude").symlink_to(repo / ".claude")
    else:
        (path / ".claude").mkdir()
        settings_of(path).symlink_to(settings_of(repo))
    return path


@pytest.mark.parametrize("pinned", [True, False])
@pytest.mark.parametrize("command", ["deepseek", "claude"])
def test_a_switch_there_says_that_it_is_mains_file(
    cli: Cli, repo: Path, linked: Path, key: str, pinned: bool, command: str
) -> None:
    """Refused, by -w or from inside, and the advised command works; --anyway switches main, and says so."""
    if pinned:
        assert cli("openrouter", cwd=repo).code == 0
    for words, cwd in ((["-w", str(linked)], repo), ([], linked)):
        reply = cli(command, *words, cwd=cwd)
        assert reply.code == 5
        assert "these worktrees have one settings file, main's" in reply.err
        assert "another repository" not in reply.err
    advised = reply.err.partition("Switch main: ")[2].partition(";")[0]
    assert cli(*shlex.split(advised)[1:], cwd=linked).code == 0
    assert json.loads(cli("status", "--json", cwd=repo).out)["preset"] == command
    cli("openrouter", cwd=repo)
    reply = cli(command, "-w", str(linked), "--anyway", cwd=repo)
    assert reply.code == 0
    assert reply.out.startswith(f"Switched {repo} to {command}")
    assert json.loads(cli("status", "--json", cwd=repo).out)["preset"] == command


def test_status_says_that_it_follows_main(cli: Cli, repo: Path, linked: Path, key: str) -> None:
    """No stranger's pin, no doubt of git, and main can be switched on."""
    assert cli("openrouter", cwd=repo).code == 0
    reply = cli("status", cwd=linked)
    assert "follows main: openrouter" in reply.out
    assert "did not put it here" not in reply.out
    assert cli("status", "--check", cwd=linked).code == 0
    codes = {each["code"] for each in json.loads(cli("doctor", "--json", cwd=linked).out)["problems"]}
    assert "symlink" in codes
    assert not codes & {"unknown-preset", "alike", "git-doubts", "shadowed"}
    assert cli("deepseek", cwd=repo).code == 0
    assert "follows main: deepseek" in cli("status", cwd=linked).out


def test_a_link_to_another_worktrees_file_is_ignored_by_the_same_rule(
    cli: Cli, repo: Path, key: str, tmp_path: Path
) -> None:
    """One repository has one exclude file; a link to main's would be main's."""
    one, two = repo.parent / "one", repo.parent / "two"
    for path in (one, two):
        git(repo, "worktree", "add", "--quiet", str(path), "-b", path.name)
    (one / ".claude").mkdir()
    (two / ".claude").symlink_to(one / ".claude")
    assert "symbolic link" in cli("openrouter", cwd=two).err
    reply = cli("openrouter", "--anyway", cwd=two)
    assert (reply.code, "another repository" in reply.err) == (0, False)
    assert git(one, "status", "--short") == ""
