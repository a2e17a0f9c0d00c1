"""Folders that others can write: no key goes into one, and no preset or configuration is read from one."""

from __future__ import annotations

import grp
import os
import pwd
from pathlib import Path
from typing import NamedTuple

import pytest
from conftest import KEY, Cli, git, settings_of
from support.programs import require_root
from support.secret_service import SecretService

from llmswitch.base import writable

GROUP, OTHERS, BOTH = 0o770, 0o707, 0o777


@pytest.fixture
def strangers() -> int:
    """A group that is nobody's private one: that of root's folders is root's own."""
    require_root("to give a folder to another group")
    return 65534


class Case(NamedTuple):
    """What a command does where a folder of that mode is in its way."""

    mode: int
    anyway: bool
    code: int


CASES = (
    Case(0o755, False, 0), Case(GROUP, False, 5), Case(OTHERS, False, 5), Case(BOTH, False, 5),
    Case(GROUP, True, 0), Case(OTHERS, True, 5), Case(BOTH, True, 5),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_no_key_is_written_where_others_can_write(cli: Cli, repo: Path, key: str, strangers: int, case: Case) -> None:
    """Whoever can write there can exchange the file; nothing is asked and nothing written, and the way back is open."""
    folder = repo / ".claude"
    folder.mkdir()
    settings_of(repo).write_text("{}")
    os.chown(folder, 0, strangers)
    folder.chmod(case.mode)
    for words in (["openrouter"], ["openrouter", "-n"], ["openrouter", "--key-stdin"]):
        reply = cli(*words, *(["--anyway"] if case.anyway else []), cwd=repo, text=key)
        assert reply.code == case.code, reply
        assert (f"chmod {'g' if case.mode == GROUP else 'go'}-w" in reply.err) == (case.code == 5)
        assert ("warning" in reply.err and "its group" in reply.err) == (case.anyway and case.code == 0)
        assert (key in settings_of(repo).read_text()) == (case.code == 0 and "-n" not in words)
        settings_of(repo).write_text("{}")
    for words in (["ollama"], ["openrouter", "--key-helper"], ["claude"]):  # they write no key
        assert cli(*words, cwd=repo).code == 0


def test_the_advised_chmod_is_enough(cli: Cli, repo: Path, key: str) -> None:
    """It is typed, and the switch goes through; the temporary files of the look are gone."""
    folder = repo / ".claude"
    folder.mkdir(mode=0o755)
    folder.chmod(BOTH)
    assert cli("openrouter", "--anyway", cwd=repo).code == 5
    assert os.listdir(folder) == []
    folder.chmod(0o755)
    assert cli("openrouter", cwd=repo).code == 0


def test_doctor_names_the_folder_of_a_key(cli: Cli, repo: Path, key: str) -> None:
    """With the chmod; a folder without a key in it is nobody's business."""
    assert cli("openrouter", cwd=repo).code == 0
    (repo / ".claude").chmod(BOTH)
    assert f"→ chmod go-w '{repo / '.claude'}'" in cli("doctor", cwd=repo).out
    assert cli("claude", cwd=repo).code == 0
    assert "chmod go-w" not in cli("doctor", cwd=repo).out


def test_renew_writes_no_key_there_either(cli: Cli, repo: Path, service: SecretService, strangers: int) -> None:
    """It names the file, with the chmod, and goes on with the others; after the chmod it is renewed."""
    other = repo.parent / "other"
    git(repo.parent, "init", "--quiet", str(other))
    older, newer = KEY, f"{KEY[:-4]}9999"
    assert cli("save-key", "openrouter", cwd=repo, text=older).code == 0
    for folder in (repo, other):
        assert cli("openrouter", cwd=folder).code == 0
    assert cli("save-key", "openrouter", cwd=repo, text=newer).code == 0
    before = settings_of(repo).read_bytes()
    os.chown(repo / ".claude", 0, strangers)
    for mode in (OTHERS, GROUP):
        (repo / ".claude").chmod(mode)
        reply = cli("renew", "--everywhere", cwd=repo)
        assert (reply.code, "chmod g" in reply.out + reply.err) == (1, True), reply
        assert settings_of(repo).read_bytes() == before
        assert newer in settings_of(other).read_text()
    (repo / ".claude").chmod(0o755)
    assert cli("renew", cwd=repo).code == 0
    assert settings_of(repo).read_bytes() == before.replace(older.encode(), newer.encode())


def test_a_change_of_models_writes_no_key_there_either(cli: Cli, repo: Path, key: str, strangers: int) -> None:
    """By whichever command: the file is as it was."""
    assert cli("openrouter", cwd=repo).code == 0
    before = settings_of(repo).read_bytes()
    os.chown(repo / ".claude", 0, strangers)
    (repo / ".claude").chmod(GROUP)
    assert cli("openrouter", "--haiku", "x/y", cwd=repo).code == 5
    assert settings_of(repo).read_bytes() == before
    assert cli("claude", cwd=repo).code == 0


@pytest.mark.parametrize("case", CASES, ids=str)
def test_no_preset_is_read_where_others_can_write(
    cli: Cli, repo: Path, own: Path, key: str, strangers: int, case: Case
) -> None:
    """Neither by its name nor by another name; those that are shipped go on, and so does the way back."""
    (own / "openrouter.json5").write_text('{extends: "openrouter", base_url: "https://evil.example"}')
    (own / "mine.json5").write_text('{extends: "openrouter", aliases: ["kimi"], base_url: "https://evil.example"}')
    os.chown(own, 0, strangers)
    own.chmod(case.mode)
    option = ["--anyway"] if case.anyway else []
    for name in ("openrouter", "mine", "kimi"):
        reply = cli(name, *option, "--dry-run", cwd=repo)
        assert reply.code == case.code, reply
        assert ("chmod" in reply.err) == (case.code == 5)
        assert ("evil.example" in reply.out) == (reply.code == 0)
    assert cli("deepseek", cwd=repo).code == 0
    reply = cli("list", cwd=repo)
    assert reply.code == 0
    assert reply.err.count(f"{own}: ") == (1 if case.mode != 0o755 else 0)
    assert cli("claude", cwd=repo).code == 0


@pytest.mark.parametrize("case", CASES, ids=str)
def test_no_configuration_is_read_where_others_can_write(
    cli: Cli, repo: Path, own: Path, key: str, strangers: int, case: Case
) -> None:
    """It says how a key is delivered, and which preset a new worktree gets."""
    (own.parent / "config.json5").write_text('{key_delivery: "helper", apply: [{folder: "*", preset: "openrouter"}]}')
    os.chown(own.parent, 0, strangers)
    own.parent.chmod(case.mode)
    assert cli("apply", cwd=repo).code == (0 if case.mode == 0o755 else 5)
    reply = cli("deepseek", *(["--anyway"] if case.anyway else []), cwd=repo)
    assert reply.code == case.code, reply
    assert cli("status", cwd=repo).code == 0
    assert cli("claude", cwd=repo).code == 0


@pytest.mark.parametrize(("name", "word"), [("openrouter", "presets/openrouter.json5"), ("deepseek", "config.json5")])
def test_a_file_that_others_can_write_is_no_better(
    cli: Cli, repo: Path, own: Path, key: str, name: str, word: str
) -> None:
    """In a folder that is the user's own."""
    (own / "openrouter.json5").write_text('{extends: "openrouter", base_url: "https://evil.example"}')
    (own.parent / "config.json5").write_text('{key_delivery: "token"}')
    (own.parent / word).chmod(0o646)
    reply = cli(name, cwd=repo)
    assert (reply.code, f"chmod go-w {own.parent / word}" in reply.err) == (5, True), reply
    (own.parent / word).chmod(0o644)
    assert cli(name, "-n", cwd=repo).code == 0


def test_a_private_group_is_nobody_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many systems make one for each user; with another member, or another name, it is a group."""
    owner = pwd.struct_passwd(("ann", "x", os.getuid(), os.getgid(), "", "/", "/bin/sh"))
    monkeypatch.setattr(pwd, "getpwuid", lambda number: owner)
    tmp_path.chmod(0o775)
    for name, members, who in (
        ("ann", [], ""), ("ann", ["ann"], ""), ("ann", ["ann", "bob"], writable.GROUP), ("staff", [], writable.GROUP),
    ):  # fmt: skip
        group = grp.struct_group((name, "x", os.getgid(), members))
        monkeypatch.setattr(grp, "getgrgid", lambda number, group=group: group)
        assert writable.others(str(tmp_path)) == who


def test_where_a_chmod_changes_nothing_anyway_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on mounts of Windows, where every file has one mode."""
    tmp_path.chmod(BOTH)
    monkeypatch.setattr(writable, "keeps_modes", lambda folder: False)
    assert "everybody" in writable.check(str(tmp_path), "so", anyway=True)
