"""`status --everywhere`: the pins of this machine, there or not."""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest
from conftest import KEY, Cli, git, settings_of

pytestmark = pytest.mark.usefixtures("key")


@pytest.fixture
def linked(repo: Path, tmp_path: Path) -> Path:
    """A linked worktree of the repository."""
    path = tmp_path / "linked"
    git(repo, "worktree", "add", "--quiet", str(path))
    return path


def rows(cli: Cli, *words: str) -> dict[str, Any]:
    """Return the rows by path."""
    return {
        row["worktree"]: row for row in json.loads(cli("status", "--everywhere", "--json", *words).out)["worktrees"]
    }


def notes(tmp_path: Path) -> list[Path]:
    """Return the files that the switches left."""
    return sorted((tmp_path / "home" / ".local" / "state" / "llmswitch" / "pins").glob("*"))


def test_it_lists_what_was_switched_wherever_it_is_typed(cli: Cli, repo: Path, linked: Path, tmp_path: Path) -> None:
    """Every worktree with a pin of ours, from a folder that has none; `claude` takes it off the list."""
    assert rows(cli) == {}
    cli("openrouter", cwd=linked)
    other = tmp_path / "plain"
    other.mkdir()
    cli("deepseek", cwd=other)
    found = rows(cli)
    assert {path: (row["preset"], row["there"]) for path, row in found.items()} == {
        str(linked): ("openrouter", True),
        str(other): ("deepseek", True),
    }
    assert all(isinstance(row["switched"], float) for row in found.values())
    cli("claude", cwd=linked)
    assert list(rows(cli)) == [str(other)]


def test_a_switch_of_no_consequence_notes_a_pin_that_is_not_noted(cli: Cli, repo: Path, tmp_path: Path) -> None:
    """The notes may be deleted; the next switch brings each back."""
    cli("openrouter", cwd=repo)
    for note in notes(tmp_path):
        note.unlink()
    assert rows(cli) == {}
    assert "Nothing to do" in cli("openrouter", cwd=repo).out
    assert list(rows(cli)) == [str(repo)]


def test_a_disk_that_is_not_there_is_not_forgotten(cli: Cli, repo: Path, tmp_path: Path) -> None:
    """Gone with its repository, it may come back; it stays until somebody says --forget."""
    cli("openrouter", cwd=repo)
    away = repo.rename(tmp_path / "unmounted")
    row = rows(cli)[str(repo)]
    assert (row["there"], row["preset"], [each["code"] for each in row["problems"]]) == (
        False,
        "openrouter",
        ["not-there"],
    )
    assert f"{repo}" in cli("status", "--everywhere").out
    assert "not there" in cli("status", "--everywhere").out
    away.rename(repo)
    assert rows(cli)[str(repo)]["there"]
    away = repo.rename(tmp_path / "unmounted")
    fix = shlex.split(rows(cli)[str(repo)]["problems"][0]["fix"])  # the path has a space
    assert "Forgot" in cli(*fix[1:]).out
    assert "Nothing to do" in cli("status", "--forget", str(repo)).out
    assert rows(cli) == {}


def test_what_git_no_longer_lists_goes(cli: Cli, repo: Path, linked: Path, tmp_path: Path) -> None:
    """A linked worktree whose folder is gone is kept until git has pruned it."""
    cli("openrouter", cwd=linked)
    shutil.rmtree(linked)
    assert not rows(cli)[str(linked)]["there"]
    git(repo, "worktree", "prune")
    assert rows(cli) == {}
    assert notes(tmp_path) == []


def test_a_moved_worktree_is_listed_where_it_is(cli: Cli, repo: Path, linked: Path, tmp_path: Path) -> None:
    """Git knows where; and a switch there adds no second entry."""
    cli("openrouter", cwd=linked)
    git(repo, "worktree", "move", str(linked), str(tmp_path / "moved"))
    assert list(rows(cli)) == [str(tmp_path / "moved")]
    cli("deepseek", cwd=tmp_path / "moved")
    assert rows(cli)[str(tmp_path / "moved")]["preset"] == "deepseek"
    assert len(notes(tmp_path)) == 1


def test_another_repository_in_its_place_is_not_taken_for_it(cli: Cli, repo: Path) -> None:
    """Its pin is not that one's."""
    cli("openrouter", cwd=repo)
    shutil.move(repo / ".git", repo / "old.git")
    git(repo, "init", "--quiet", "--separate-git-dir", str(repo.parent / "elsewhere.git"))
    assert not rows(cli)[str(repo)]["there"]


def test_notes_hold_no_key_and_may_be_broken(cli: Cli, repo: Path, tmp_path: Path) -> None:
    """One that says nothing is passed over."""
    cli("openrouter", cwd=repo)
    (note,) = notes(tmp_path)
    assert KEY not in note.read_text()
    assert note.stat().st_mode & 0o077 == 0
    for text in ("", "[]", '{"path": 1, "state": 2}', '{"path": "/x", "state": "/y", "switched": "z"', "\xff"):
        (note.parent / "broken").write_text(text)
        assert list(rows(cli)) == [str(repo)]


def test_check_looks_everywhere(cli: Cli, repo: Path, tmp_path: Path) -> None:
    """Exit 3 where one of them is not as it was put there."""
    cli("openrouter", cwd=repo)
    assert cli("status", "--everywhere", "--check").code == 0
    path = settings_of(repo)
    path.write_text(path.read_text().replace("google/gemini-2.5-pro", "qwen/qwen3-coder"))
    assert cli("status", "--everywhere", "--check").code == 3
