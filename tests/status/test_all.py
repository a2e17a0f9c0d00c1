"""`status --all` says of each worktree what `status` says in it, though those without a word of their own share it."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from conftest import Cli, git, settings_of


def write(path: Path, text: str) -> None:
    """Write a file, and its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def linked(repo: Path, *names: str) -> list[Path]:
    """Make linked worktrees."""
    for name in names:
        git(repo, "worktree", "add", "--quiet", "-b", name, str(repo.parent / name))
    return [repo.parent / name for name in names]


@pytest.mark.parametrize("main", ["openrouter", "claude", ""])
def test_a_row_is_what_status_says_there(cli: Cli, repo: Path, key: str, main: str) -> None:
    """Whatever a worktree has of its own: a pin, a state, settings of the repository's, a broken file, nothing."""
    plain, other, pinned, back, shared, broken, copied, moved = folders = linked(
        repo, "plain", "other", "pinned", "back", "shared", "broken", "copied", "moved"
    )
    assert cli("openrouter", "--haiku", "a/b", cwd=pinned).code == 0
    assert cli("openrouter", cwd=back).code == cli("claude", cwd=back).code == 0
    write(shared / ".claude" / "settings.json", '{"env": {"ANTHROPIC_MODEL": "opus"}}')
    write(settings_of(broken), "{")
    write(copied / ".worktreeinclude", ".claude/settings.local.json\n")
    moved.rename(repo.parent / "elsewhere")
    if main:
        assert cli(main, "--anyway", cwd=repo).code == 0
    rows: list[dict[str, Any]] = json.loads(cli("status", "--all", "--json", cwd=repo).out)["worktrees"]
    by_path = {row["worktree"]: row for row in rows}
    assert by_path.keys() == {str(repo), *map(str, folders)}
    assert by_path.pop(str(moved))["preset"] is None
    for path, row in by_path.items():
        assert row == json.loads(cli("status", "--json", cwd=path).out)
    assert by_path[str(plain)]["branch"] == "plain"
    assert by_path[str(other)]["branch"] == "other"
    table = cli("status", "--all", cwd=repo).out.splitlines()
    assert len(table) == 1 + len(rows)


def test_what_takes_a_worktree_that_is_gone_off_the_list(cli: Cli, repo: Path) -> None:
    """One that is locked is unlocked first; a bare main is nothing to mend."""
    folders = [*linked(repo, "gone"), repo.parent / "locked away"]
    git(repo, "worktree", "add", "--quiet", "--detach", str(folders[1]))
    git(repo, "worktree", "lock", str(folders[1]))
    for folder in folders:
        shutil.rmtree(folder)

    def fixes() -> dict[str, str]:
        rows = json.loads(cli("status", "--all", "--json", cwd=repo).out)["worktrees"]
        return {row["worktree"]: row["problems"][0]["fix"] for row in rows if row["problems"]}

    found = fixes()
    assert found.keys() == set(map(str, folders))
    assert found[str(folders[0])] == "git worktree prune"
    subprocess.run(found[str(folders[1])], shell=True, cwd=repo, check=True)
    assert fixes() == {}


def test_a_bare_repository_is_nothing_to_prune(cli: Cli, repo: Path) -> None:
    """It has no folder that a session could start in."""
    bare = repo.parent / "bare.git"
    git(repo, "clone", "--quiet", "--bare", str(repo), str(bare))
    git(bare, "worktree", "add", "--quiet", str(repo.parent / "tree"))
    rows = json.loads(cli("status", "--all", "--json", cwd=repo.parent / "tree").out)["worktrees"]
    assert rows[0]["problems"][0]["fix"] == ""
