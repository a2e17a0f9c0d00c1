"""`llmswitch apply`: the user's own rules for worktrees without a pin, and the git hook that calls it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from conftest import Cli, Reply, git, settings_of
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


def asked(cli: Cli, event: str, cwd: Path, **given: str) -> Reply:
    """Call the hook as Claude Code does."""
    text = json.dumps({"hook_event_name": event, "session_id": "s", "cwd": str(cwd), **given})
    return cli("hook", "worktree", cwd=cwd, text=text)


def test_claude_codes_own_worktrees_are_made_and_pinned(cli: Cli, repo: Path, rules: Path, tmp_path: Path) -> None:
    """Standard output is the path alone; from origin's default branch, or from HEAD where settings say so."""
    rules.write_text('{apply: [{branch: "worktree-*", preset: "devstral"}]}')
    git(tmp_path, "clone", "--quiet", str(repo), "clone")
    clone = tmp_path / "clone"
    git(clone, "commit", "--quiet", "--allow-empty", "-m", "mine alone")
    reply = asked(cli, "WorktreeCreate", clone, name="one")
    there = clone / ".claude" / "worktrees" / "one"
    assert (reply.code, reply.out) == (0, f"{there}\n")
    assert "by your rule for branch worktree-*" in reply.err
    assert preset_of(cli, there) == "devstral"
    assert git(there, "rev-parse", "HEAD") == git(clone, "rev-parse", "origin/HEAD")
    (clone / ".claude" / "settings.json").write_text('{"worktree": {"baseRef": "head"}}')
    assert asked(cli, "WorktreeCreate", clone, name="two").code == 0
    assert git(there.parent / "two", "rev-parse", "HEAD") == git(clone, "rev-parse", "HEAD")
    (clone / ".claude" / "settings.json").unlink()
    os.mkfifo(clone / ".claude" / "settings.json")  # waits for nobody
    assert asked(cli, "WorktreeCreate", clone, name="three").code == 0


def test_a_file_that_cannot_be_copied_is_named_and_the_others_are(cli: Cli, repo: Path, rules: Path) -> None:
    """Of `.worktreeinclude`; and a folder whose name only begins like that of the worktrees is copied too."""
    (repo / ".gitignore").write_text("*.env\n")
    (repo / ".worktreeinclude").write_text("*.env\n")
    (repo / "a").write_text("in the way of a folder")
    git(repo, "add", "-f", "a")
    git(repo, "commit", "--quiet", "-m", "a file")
    (repo / "a").unlink()
    for name in ("a/x.env", "b.env", ".claude/worktrees-old/c.env"):
        (repo / name).parent.mkdir(parents=True, exist_ok=True)
        (repo / name).write_text(name)
    reply = asked(cli, "WorktreeCreate", repo, name="one")
    there = repo / ".claude" / "worktrees" / "one"
    assert (reply.code, reply.out) == (0, f"{there}\n")
    assert "a/x.env of .worktreeinclude was not copied" in reply.err
    assert (there / "b.env").read_text() == "b.env"
    assert (there / ".claude" / "worktrees-old" / "c.env").exists()


def test_a_worktree_of_claude_code_goes_when_nothing_is_lost(cli: Cli, repo: Path, rules: Path) -> None:
    """One with a change stays, and git's words say why."""
    made = {name: Path(asked(cli, "WorktreeCreate", repo, name=name).out.strip()) for name in ("one", "two")}
    (made["two"] / "new.txt").write_text("x")
    assert asked(cli, "WorktreeRemove", repo, worktree_path=str(made["one"])).code == 0
    assert not made["one"].exists()
    reply = asked(cli, "WorktreeRemove", repo, worktree_path=str(made["two"]))
    assert reply.code == 1
    assert f"{made['two']} stays: " in reply.err
    assert (made["two"] / "new.txt").exists()


@pytest.mark.parametrize("name", ["..", "-x", "", "a\nb"])
def test_a_name_that_leads_elsewhere_is_refused(cli: Cli, repo: Path, rules: Path, name: str) -> None:
    """Nothing is made; and an input that is none is called that."""
    reply = asked(cli, "WorktreeCreate", repo, name=name)
    assert (reply.code, reply.out) == (2, "")
    assert not (repo / ".claude").exists()
    assert cli("hook", "worktree", cwd=repo, text="x").code == 2


def test_git_says_why_it_makes_no_worktree(cli: Cli, repo: Path, rules: Path, tmp_path: Path) -> None:
    """A branch that is checked out elsewhere; a folder without a repository."""
    git(repo, "worktree", "add", "--quiet", "-b", "worktree-one", str(tmp_path / "elsewhere"))
    reply = asked(cli, "WorktreeCreate", repo, name="one")
    assert (reply.code, reply.out) == (1, "")
    assert "worktree-one" in reply.err
    assert asked(cli, "WorktreeCreate", tmp_path, name="one").code == 1
