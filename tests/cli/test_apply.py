"""`llmswitch apply`: the user's own rules for worktrees without a pin, and the git hook that calls it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from conftest import Cli, git, settings_of
from support.tree import of_this_tree

pytestmark = pytest.mark.usefixtures("key")


@pytest.fixture
def rules(own: Path, tmp_path: Path) -> Path:
    """The user's own rules."""
    path = own.parent / "config.json5"
    path.write_text(f"""{{apply: [
        {{branch: "try/*", preset: "devstral"}},
        {{folder: "{tmp_path}/linked*", remote: "*example.com/acme/*", preset: "openrouter"}},
        {{folder: "~/src/*", preset: "deepseek"}},
    ]}}""")
    return path


def preset_of(cli: Cli, folder: Path) -> object:
    """Return the preset in use in a folder."""
    return json.loads(cli("status", "--json", cwd=folder).out)["preset"]


def test_the_first_rule_that_fits_is_applied(cli: Cli, repo: Path, rules: Path, tmp_path: Path) -> None:
    """By branch, by folder and remote together, by a folder of the home; and silent where none fits."""
    reply = cli("apply", cwd=repo)
    assert (reply.code, reply.out, reply.err) == (0, "", "")
    git(repo, "worktree", "add", "--quiet", "-b", "try/it", str(tmp_path / "linked-1"))
    git(repo, "worktree", "add", "--quiet", str(tmp_path / "linked-2"))
    assert cli("apply", cwd=tmp_path / "linked-1").out.count("\n") == 1
    assert preset_of(cli, tmp_path / "linked-1") == "devstral"
    assert cli("apply", "-w", str(tmp_path / "linked-2")).out == ""
    git(repo, "remote", "add", "origin", "git@example.com/acme/app.git")
    assert (
        "linked-2 to openrouter (openrouter.ai), by your rule for folder" in cli("apply", cwd=tmp_path / "linked-2").out
    )
    home = tmp_path / "home" / "src" / "plain"
    home.mkdir(parents=True)
    assert "deepseek" in cli("apply", cwd=home).out
    assert cli("apply", cwd=home).out == ""


def test_a_choice_of_the_user_is_left_alone(cli: Cli, repo: Path, rules: Path) -> None:
    """A pin, whoever made it, and a `claude` that was typed."""
    git(repo, "checkout", "--quiet", "-b", "try/it")
    cli("openrouter", cwd=repo)
    assert cli("apply", cwd=repo).out == ""
    assert preset_of(cli, repo) == "openrouter"
    cli("claude", cwd=repo)
    assert cli("apply", cwd=repo).out == ""
    assert not settings_of(repo).exists()


def test_no_rule_comes_from_the_repository(cli: Cli, repo: Path, rules: Path) -> None:
    """Whatever it brings along."""
    rules.unlink()
    text = '{apply: [{folder: "*", preset: "devstral"}]}'
    for name in ("config.json5", ".claude/config.json5", ".llmswitch/config.json5", "llmswitch/config.json5"):
        (repo / name).parent.mkdir(exist_ok=True)
        (repo / name).write_text(text)
    assert cli("apply", cwd=repo).out == ""


@pytest.mark.parametrize(
    "wrong", ['"x"', '[{preset: "openrouter"}]', '[{folder: "*"}]', '[{folder: 1, preset: "x"}]', "[[]]",
              '[{folder: "*", preset: "x", url: "y"}]'],
)  # fmt: skip
def test_a_wrong_rule_is_named(cli: Cli, repo: Path, rules: Path, wrong: str) -> None:
    """With its file; a switch says so too, for the whole file counts."""
    rules.write_text(f"{{apply: {wrong}}}")
    reply = cli("apply", cwd=repo)
    assert (reply.code, str(rules) in reply.err, "apply" in reply.err) == (1, True, True)


def test_the_hook_pins_a_new_worktree_and_no_checkout_fails_by_it(
    cli: Cli, repo: Path, rules: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sealed: dict[str, str]
) -> None:
    """One line where it pins, one line where it cannot, none else."""
    for name, value in of_this_tree(sealed).items():
        monkeypatch.setenv(name, value)
    hook = repo / ".git" / "hooks" / "post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(cli("hook", "git").out)
    hook.chmod(0o755)
    git(repo, "worktree", "add", "--quiet", "-b", "try/it", str(tmp_path / "new"))
    assert preset_of(cli, tmp_path / "new") == "devstral"
    git(repo, "checkout", "--quiet", "-b", "other")
    assert not settings_of(repo).exists()
    rules.write_text("{apply: [{branch: 'try/*', preset: 'nobody'}]}")
    git(repo, "worktree", "add", "--quiet", "-b", "try/again", str(tmp_path / "again"))
    assert os.path.isdir(tmp_path / "again")
    assert not settings_of(tmp_path / "again").exists()
