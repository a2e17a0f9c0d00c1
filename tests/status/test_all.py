"""`status --all` says of each worktree what `status` says in it, though those without a word of their own share it."""

from __future__ import annotations

import json
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
