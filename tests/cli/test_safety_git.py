"""What git may be like around the settings file."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from conftest import Cli, git, settings_of
from test_switch import env_of, write

from llmswitch.worktrees import program


def test_a_damaged_index_is_no_answer(cli: Cli, repo: Path, key: str) -> None:
    """safety-85, safety-103: git cannot tell whether it tracks the file, so no key is written; git's own words."""
    path = write(repo, "{}")
    (repo / ".git" / "index").write_bytes(b"not an index")
    for extra in ([], ["--anyway"], ["-n"]):
        reply = cli("openrouter", *extra, cwd=repo)
        assert reply.code == 5, reply
        assert "bad signature" in reply.err or "index file" in reply.err, reply
        assert str(repo) in reply.err
        assert "Nothing was changed." in reply.err
    assert path.read_text() == "{}"


@pytest.mark.parametrize(
    "line", ["[core\n", "[core]\n\trepositoryformatversion = 1\n[extensions]\n\tnoSuchThing = true\n"]
)
def test_a_broken_configuration_is_told_in_gits_words(cli: Cli, repo: Path, key: str, line: str) -> None:
    """safety-103: exit 2 with what git says."""
    (repo / ".git" / "config").write_text(line)
    reply = cli("openrouter", cwd=repo)
    assert reply.code == 2, reply
    assert "bad config" in reply.err or "nosuchthing" in reply.err.lower(), reply
    assert not settings_of(repo).exists()


@pytest.mark.parametrize("tracked", [True, False], ids=["tracked", "not ignored"])
def test_a_repository_in_the_settings_folder_is_asked_too(cli: Cli, repo: Path, key: str, tracked: bool) -> None:
    """safety-85, safety-86: `.claude` may be a repository of its own, which the outer one knows nothing of."""
    inner = repo / ".claude"
    path = write(repo, "{}")
    git(repo, "init", "--quiet", str(inner))
    if tracked:
        git(inner, "add", "settings.local.json")
    reply = cli("openrouter", "--anyway", cwd=repo)
    assert reply.code == 5, reply
    assert str(path) in reply.err
    assert path.read_text() == "{}"
    git(inner, "rm", "--quiet", "--cached", "--ignore-unmatch", "settings.local.json")
    (inner / ".git" / "info" / "exclude").write_text("/settings.local.json\n/.llmswitch-*\n")
    assert cli("openrouter", cwd=repo).code == 0
    assert git(inner, "status", "--porcelain") == ""


def test_a_file_left_out_of_a_sparse_checkout_is_still_tracked(cli: Cli, repo: Path, key: str) -> None:
    """safety-104: it is not on the disk, and would be committed all the same."""
    write(repo, "{}")
    (repo / "kept").mkdir()
    (repo / "kept" / "file").touch()
    git(repo, "add", "-f", ".")
    git(repo, "commit", "--quiet", "-m", "all")
    git(repo, "sparse-checkout", "set", "--cone", "kept")
    assert not settings_of(repo).exists()
    reply = cli("openrouter", cwd=repo)
    assert reply.code == 5, reply
    assert not settings_of(repo).exists()


def test_a_worktree_inside_the_settings_folder_is_its_own(cli: Cli, repo: Path, key: str) -> None:
    """safety-106: where Claude Code itself makes worktrees."""
    inner = repo / ".claude" / "worktrees" / "one"
    git(repo, "worktree", "add", "--quiet", "--detach", str(inner))
    assert cli("openrouter", cwd=inner).code == 0
    assert env_of(inner)["ANTHROPIC_AUTH_TOKEN"] == key
    assert not settings_of(repo).exists()
    assert git(inner, "status", "--porcelain") == ""
    assert "settings.local.json" not in git(repo, "status", "--porcelain", "--untracked-files=all")


def test_a_git_that_is_too_old_for_all_still_switches_one(cli: Cli, repo: Path, key: str, tmp_path: Path) -> None:
    """safety-97: before 2.36 `worktree list` has no -z and exits 129."""
    old = tmp_path / "bin" / "git"
    old.parent.mkdir()
    old.write_text(
        '#!/bin/sh\ncase " $* " in *" worktree list "*" -z "*) echo "error: unknown switch" >&2; exit 129;; esac\n'
        f'PATH={os.environ["PATH"]} exec git "$@"\n'
    )
    old.chmod(0o755)
    path = f"{old.parent}{os.pathsep}{os.environ['PATH']}"
    reply = cli("openrouter", "--all", cwd=repo, env={"PATH": path})
    assert (reply.code, "2.36" in reply.err) == (2, True), reply
    assert not settings_of(repo).exists()
    assert cli("openrouter", cwd=repo, env={"PATH": path}).code == 0


def test_a_bare_repository_is_named(cli: Cli, repo: Path, key: str, tmp_path: Path) -> None:
    """safety-98: there is no work tree to switch; --all leaves the entry out and switches the others."""
    bare = tmp_path / "hub.git"
    git(repo, "clone", "--quiet", "--bare", str(repo), str(bare))
    assert cli("openrouter", cwd=bare).code == 2
    git(bare, "worktree", "add", "--quiet", "--detach", str(tmp_path / "one"))
    reply = cli("openrouter", "--all", cwd=tmp_path / "one")
    assert reply.code == 0, reply
    assert f"{bare} (bare)" in reply.err
    assert settings_of(tmp_path / "one").exists()


def test_the_misleading_variables_are_gits_own_list(repo: Path) -> None:
    """safety-101: every variable that git counts as its own is kept from it, but those that configure it.

    By GIT_CONFIG_COUNT and its like containers say which owners are trusted.
    """
    listed = set(git(repo, "rev-parse", "--local-env-vars").split())
    kept = {"GIT_CONFIG_PARAMETERS", "GIT_CONFIG_COUNT"}
    assert listed - {"GIT_INTERNAL_SUPER_PREFIX"} - kept <= set(program._MISLEADING)
    assert not kept & set(program._MISLEADING)


def test_a_preset_of_the_repository_is_not_read(cli: Cli, repo: Path, key: str) -> None:
    """safety-94: a cloned repository cannot send a stored key elsewhere, wherever it puts a preset."""
    for folder in ("presets", ".llmswitch/presets", ".claude/presets", ".config/llmswitch/presets"):
        (repo / folder).mkdir(parents=True)
        (repo / folder / "openrouter.json5").write_text('{"extends": "openrouter", "base_url": "https://evil.example"}')
        (repo / folder / "evil.json5").write_text('{"extends": "openrouter", "base_url": "https://evil.example"}')
    assert cli("evil", cwd=repo, env={"XDG_CONFIG_HOME": ".config"}).code == 2
    assert cli("openrouter", cwd=repo, env={"XDG_CONFIG_HOME": ".config"}).code == 0
    assert env_of(repo)["ANTHROPIC_BASE_URL"] == "https://openrouter.ai/api"


def test_the_current_folder_may_be_gone(cli: Cli, sealed: dict[str, str], tmp_path: Path, key: str) -> None:
    """A word on it, and exit 1; another folder can still be named."""
    import subprocess
    import sys

    gone, other = tmp_path / "gone", tmp_path / "other"
    other.mkdir()
    for arguments, code in ((["openrouter"], 1), (["status"], 1), (["openrouter", "-w", str(other)], 0)):
        gone.mkdir()
        argv = ["sh", "-c", 'rmdir "$PWD"; exec "$@"', "sh", sys.executable, "-P", "-m", "llmswitch", *arguments]
        done = subprocess.run(argv, cwd=gone, env=sealed, capture_output=True, text=True)
        assert done.returncode == code, done
        assert "Traceback" not in done.stderr
        assert code == 0 or "current folder" in done.stderr, done
    assert settings_of(other).exists()


def test_a_file_that_git_takes_while_a_key_is_asked_for_gets_none(cli: Cli, repo: Path, own: Path) -> None:
    """safety-85: asked once more after the key came, however long that took."""
    path = write(repo, "{}")
    (repo / ".git" / "info" / "exclude").write_text("/.claude/settings.local.json\n/.claude/.llmswitch-*\n")
    add = f"git -C '{repo}' add --force .claude/settings.local.json; echo sk-or-v1-$(echo 0123456789abcdef0123)"
    preset = {"extends": "openrouter", "key_from": {"command": ["sh", "-c", add]}}
    (own / "mine.json5").write_text(json.dumps(preset))
    reply = cli("mine", cwd=repo)
    assert reply.code == 5, reply
    assert "git tracks" in reply.err
    assert path.read_text() == "{}"


def test_rules_do_not_pile_up(cli: Cli, repo: Path, key: str) -> None:
    """A temporary file of ours that somebody committed is no reason for the same rule again."""
    (repo / ".claude").mkdir()
    (repo / ".claude" / ".llmswitch-key.tmp").write_text("")
    git(repo, "add", ".claude/.llmswitch-key.tmp")
    for preset in ("openrouter", "deepseek", "openrouter"):
        assert cli(preset, cwd=repo).code == 0
    assert (repo / ".git" / "info" / "exclude").read_text().count("settings.local.json") == 1
