"""Small things an unlucky machine brings: huge numbers, relative folders, git's complaints, keys mixed up."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import KEY, Cli, git, settings_of
from support.tree import SOURCE

DIGITS = "9" * 5000  # more than Python's `int` takes


@pytest.mark.parametrize("place", [".claude/settings.json", ".claude/settings.local.json", "home"])
@pytest.mark.parametrize(
    "form", ['{"n": %s}', '{"env": {"N": %s}}', '{"a": {"b": [%s]}}', '{"model": "opus", "n": -%s}']
)
def test_a_huge_number_is_a_number(
    cli: Cli, repo: Path, key: str, sealed: dict[str, str], place: str, form: str
) -> None:
    """Claude Code reads such a file; a switch keeps its bytes."""
    file = Path(sealed["HOME"], ".claude", "settings.json") if place == "home" else repo / place
    file.parent.mkdir(exist_ok=True)
    file.write_text(form % DIGITS)
    for words in (["status"], ["doctor"], ["openrouter"], ["status"], ["claude"]):
        reply = cli(*words, cwd=repo)
        assert reply.code == 0, reply
        assert not any(word in reply.out + reply.err for word in ("digits", "Claude Code ignores", "not JSON")), reply
    assert file.read_text() == form % DIGITS


def test_claude_codes_own_file_may_hold_one(cli: Cli, repo: Path, sealed: dict[str, str]) -> None:
    """It was set up, whatever else it counts."""
    Path(sealed["HOME"], ".claude.json").write_text(f'{{"hasCompletedOnboarding": true, "n": {DIGITS}}}')
    codes = {each["code"] for each in json.loads(cli("doctor", "--json", cwd=repo).out)["problems"]}
    assert "first-run" not in codes


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("LLMSWITCH_HOME", "own", 2), ("LLMSWITCH_HOME", ".", 2), ("HOME", ".", 2), ("HOME", "../home", 2),
        ("XDG_CONFIG_HOME", "config", 0), ("XDG_STATE_HOME", "./state", 0), ("XDG_CONFIG_HOME", "", 0),
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "words", [["status"], ["openrouter"], ["list"], ["doctor"], ["keys"], ["print-key", "openrouter"]]
)
def test_a_folder_that_depends_on_where_one_is(
    cli: Cli, repo: Path, key: str, name: str, text: str, code: int, words: list[str]
) -> None:
    """Refused by name; the XDG rule says to ignore it, and that is done. Nothing is made here."""
    before = {path.name for path in repo.iterdir()}
    reply = cli(*words, cwd=repo, env={name: text})
    assert reply.code == code, reply
    assert (f"{name} is {text}" in reply.err) == (code == 2)
    assert {path.name for path in repo.iterdir()} - before <= {".claude"}


@pytest.mark.parametrize("link", ["file", "folder"])
def test_an_ignore_file_elsewhere_is_not_ours_to_write(
    cli: Cli, repo: Path, key: str, tmp_path: Path, link: str
) -> None:
    """`info/exclude`, or its folder, as a link out of the repository: refused, with the lines to add by hand."""
    info, outside = repo / ".git" / "info", tmp_path / "outside"
    outside.mkdir()
    (outside / "exclude").write_text("# somebody's\n")
    if link == "file":
        info.mkdir(exist_ok=True)
        (info / "exclude").unlink(missing_ok=True)
        (info / "exclude").symlink_to(outside / "exclude")
    else:
        for path in info.iterdir():
            path.unlink()
        info.rmdir()
        info.symlink_to(outside)
    reply = cli("openrouter", cwd=repo)
    assert (reply.code, str(outside) in reply.err) == (5, True), reply
    assert (outside / "exclude").read_text() == "# somebody's\n"
    assert not settings_of(repo).exists()


@pytest.mark.parametrize(
    "config", ["[core\nx", "[core]\n\tbare = maybe\n", "[extensions]\n\tnoSuchThing = true\n\tnorThis = 1\n"]
)
@pytest.mark.parametrize(
    "words", [["openrouter"], ["openrouter", "--all"], ["status", "--all"], ["doctor"], ["claude"]]
)
def test_gits_complaints_are_words_on_a_line(cli: Cli, repo: Path, key: str, config: str, words: list[str]) -> None:
    """Of however many lines: no escapes of line breaks or tabs."""
    path = repo / ".git" / "config"
    path.write_text("[core]\n\trepositoryformatversion = 1\n" + config)
    reply = cli(*words, cwd=repo)
    assert not any(escape in reply.out + reply.err for escape in ("\\n", "\\t", "\\r")), reply
    assert not re.search(r"[^.] Nothing was changed", reply.err), reply  # it ends before that


@pytest.mark.parametrize("words", [["openrouter"], ["ollama"], ["openrouter", "--key-helper"]])
def test_outside_a_repository_a_switch_says_how_far_it_goes(
    cli: Cli, tmp_path: Path, sealed: dict[str, str], key: str, words: list[str]
) -> None:
    """That folder only, in the home too; a home that is a repository is told apart; the way back says nothing of it."""
    plain, home = tmp_path / "plain", Path(sealed["HOME"])
    plain.mkdir()
    for folder in (plain, home):
        assert "in this very folder" in cli(*words, cwd=folder).err
        assert "folder" not in cli("claude", cwd=folder).err
    git(home, "init", "--quiet")
    assert "This is your home folder" in cli(*words, cwd=home).err


@pytest.mark.parametrize(
    ("name", "key", "owner"),
    [
        ("zai", "sk-or-v1-0123456789abcdef0123456789", "openrouter"),
        ("openrouter", "sk-ant-api03-0123456789abcdef", "anthropic"),
        ("moonshot", "gsk_0123456789abcdef0123456789", "groq"),
        ("mimo", "tp-0123456789abcdef0123456789", "mimo-plan-ams"),
        ("zai", "0123456789abcdef.0123456789", ""),
        ("openrouter", KEY, ""),
        ("moonshot", "sk-0123456789abcdef01234", ""),
        ("kimi-code", "sk-kimi-0123456789abcdef0123", ""),
        ("anthropic", "sk-ant-api03-0123456789abcdef", ""),
    ],
)  # fmt: skip
def test_a_key_of_another_provider_is_doubted_in_a_pipe(cli: Cli, repo: Path, name: str, key: str, owner: str) -> None:
    """By a prefix that nobody else's keys have; `sk-` is everybody's."""
    preset = {"zai": "glm"}.get(name, name)
    reply = cli(preset, "--key-stdin", cwd=repo, text=key)
    assert reply.code == 0, reply
    assert ("This looks like a key of" in reply.err) == bool(owner), reply
    assert owner in reply.err


def test_a_bug_names_few_places(cli: Cli, repo: Path, tmp_path: Path) -> None:
    """However deep it was."""
    script = tmp_path / "deep.py"
    script.write_text(
        f"import sys; sys.path.insert(0, {SOURCE!r})\n"
        "from llmswitch.cli import failure\n"
        "def down(): down()\n"
        "try: down()\n"
        "except RecursionError as error: print(len(' '.join(failure.ended(error, [], 0, [])[0])))\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 500
