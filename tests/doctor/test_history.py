"""`doctor --history`: credentials in git's history, wherever a ref or the reflog still reaches them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import KEY, Cli, git

OTHER = "sk-or-v1-other-9876543210fedcba9876543210"
NAME = ".claude/settings.local.json"
LEAK = json.dumps({"env": {"ANTHROPIC_AUTH_TOKEN": OTHER}})


def commit(repo: Path, path: str, text: str | None) -> str:
    """Commit a file, or its removal, and return the commit."""
    file = repo / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.unlink(missing_ok=True) if text is None else file.write_text(text)
    git(repo, "add", "--all", "--force", path)
    git(repo, "commit", "--quiet", "-m", "a commit")
    return git(repo, "rev-parse", "HEAD").strip()


def found(cli: Cli, repo: Path, **env: str) -> list[dict[str, str]]:
    """Return the findings about history, and see that no value is among them."""
    reply = cli("doctor", "--history", "--json", cwd=repo, env=env)
    assert OTHER not in reply.out + reply.err
    assert KEY not in reply.out + reply.err
    data = json.loads(reply.out)
    leaks = [problem for problem in data["problems"] if problem["code"] == "history-key"]
    assert bool(leaks) != any(each["code"] == "history-clean" for each in data["proven"])
    return leaks


def test_a_clean_history(cli: Cli, repo: Path) -> None:
    """Settings without a credential, a dummy, a placeholder, and a key in a file that is no settings file."""
    for text in ("", "llmswitch-keyless", "your-key-goes-here", "${MY_OTHER_KEY}", "short"):
        commit(repo, NAME, json.dumps({"env": {"ANTHROPIC_AUTH_TOKEN": text}}))
    commit(repo, "README.md", OTHER)
    assert found(cli, repo) == []


@pytest.mark.parametrize(
    "path",
    [NAME, ".claude/settings.json", f"{NAME}.bak", f"{NAME}.tmp.12.ab", ".claude/.llmswitch-1-ab.tmp", f"a/b ö/{NAME}",
     ".claude/old-settings.txt"],
)  # fmt: skip
def test_commit_and_path_are_named(cli: Cli, repo: Path, path: str) -> None:
    """Although the file is gone again; only the commit that brought it is named."""
    first = commit(repo, path, LEAK)
    commit(repo, path, None)
    [leak] = found(cli, repo)
    assert leak["level"] == "warning"
    assert f"Commit {first[:12]}" in leak["message"]
    assert path in leak["message"]
    assert "revoke" in leak["fix"]


def amended(repo: Path) -> None:
    """The commit is only in the reflog."""
    commit(repo, NAME, LEAK)
    git(repo, "reset", "--quiet", "--hard", "HEAD~1")


def tagged(repo: Path) -> None:
    """The commit is only below a tag."""
    amended(repo)
    git(repo, "tag", "old", "HEAD@{1}")
    git(repo, "reflog", "expire", "--expire=now", "--all")


def stashed(repo: Path) -> None:
    """The file was stashed."""
    commit(repo, NAME, "{}")
    (repo / NAME).write_text(LEAK)
    git(repo, "stash", "--quiet")


def merged(repo: Path) -> None:
    """The key came in with a merge commit."""
    git(repo, "checkout", "--quiet", "-b", "side")
    commit(repo, "side", "x")
    git(repo, "checkout", "--quiet", "trunk")
    git(repo, "merge", "--quiet", "--no-ff", "--no-commit", "side")
    commit(repo, NAME, LEAK)


def packed(repo: Path) -> None:
    """All objects are in a pack."""
    commit(repo, NAME, LEAK)
    git(repo, "gc", "--quiet")


def linked(repo: Path) -> None:
    """The branch of a linked worktree, detached."""
    folder = repo.parent / "linked"
    git(repo, "worktree", "add", "--quiet", "--detach", str(folder))
    commit(folder, NAME, LEAK)


def bare_key(repo: Path) -> None:
    """A key by its prefix, outside the two variables."""
    commit(repo, NAME, json.dumps({"note": OTHER}))


@pytest.mark.parametrize("make", [amended, tagged, stashed, merged, packed, linked, bare_key])
def test_wherever_it_is_reachable(cli: Cli, repo: Path, make: Callable[[Path], None]) -> None:
    """Refs of all kinds, the reflog, merges, packs."""
    make(repo)
    assert found(cli, repo)


def test_from_a_linked_worktree_and_with_a_misleading_git_dir(cli: Cli, repo: Path, tmp_path: Path) -> None:
    """The history is the repository's."""
    commit(repo, NAME, LEAK)
    folder = tmp_path / "linked"
    git(repo, "worktree", "add", "--quiet", "-b", "topic", str(folder))
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "--quiet")
    assert found(cli, folder, GIT_DIR=str(other / ".git"), GIT_WORK_TREE=str(other))


def test_the_key_in_use_is_an_error(cli: Cli, repo: Path, key: str) -> None:
    """It is not revoked, so it must be."""
    commit(repo, NAME, json.dumps({"env": {"ANTHROPIC_AUTH_TOKEN": KEY}}))
    commit(repo, NAME, None)
    assert found(cli, repo)[0]["level"] == "warning"
    cli("openrouter", cwd=repo)
    [leak] = found(cli, repo)
    assert leak["level"] == "error"
    assert "in use here" in leak["message"]
    assert "llmswitch save-key openrouter; llmswitch renew openrouter --everywhere; " in leak["fix"]


def test_outside_a_repository_and_without_a_commit(cli: Cli, tmp_path: Path) -> None:
    """There is no history, which is no problem."""
    assert found(cli, tmp_path) == []
    empty = tmp_path / "empty"
    empty.mkdir()
    git(empty, "init", "--quiet")
    assert found(cli, empty) == []


def test_a_broken_repository_is_said(cli: Cli, repo: Path) -> None:
    """No traceback; and no claim that all is well."""
    commit(repo, NAME, LEAK)
    blob = git(repo, "rev-parse", f"HEAD:{NAME}").strip()
    (repo / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    data = json.loads(cli("doctor", "--history", "--json", cwd=repo).out)
    assert "history-unread" in {problem["code"] for problem in data["problems"]}
    assert data["proven"] == []
