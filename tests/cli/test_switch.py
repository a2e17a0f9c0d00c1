"""`llmswitch PRESET` and `llmswitch claude`, run as a user runs them."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest
from conftest import KEY, Cli, git, settings_of

USERS_OWN = (
    "\ufeff{\r\n"
    '\t "permissions": {"allow": ["Bash(ls:*)"], "deny": []},\r\n'
    '   "hooks": {"Stop": [{"hooks": [{"type": "command", "command": "echo fertig \\u00e9 é"}]}]},\r\n'
    '  "cleanupPeriodDays": 1e3,\r\n'
    '  "env" : { "EDITOR":"vi",\r\n'
    '        "CLAUDE_CODE_ATTRIBUTION_HEADER" : "1" }\r\n'
    "}"
).encode()


def env_of(folder: Path) -> dict[str, str]:
    """Return the env block of a folder's settings file."""
    data: dict[str, dict[str, str]] = json.loads(settings_of(folder).read_bytes())
    return data["env"]


def write(folder: Path, content: bytes | str) -> Path:
    """Write a folder's settings file."""
    path = settings_of(folder)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_a_switch_writes_the_whole_pin_with_the_key(cli: Cli, repo: Path, key: str) -> None:
    """safety-88, safety-92: URL, credential, every slot and every blank arrive in one file."""
    reply = cli("openrouter", cwd=repo)
    assert reply.code == 0
    env = env_of(repo)
    assert env["ANTHROPIC_BASE_URL"] == "https://openrouter.ai/api"
    assert env["ANTHROPIC_AUTH_TOKEN"] == key
    assert env["ANTHROPIC_API_KEY"] == env["ANTHROPIC_SMALL_FAST_MODEL"] == env["CLAUDE_CODE_USE_BEDROCK"] == ""
    assert env["ANTHROPIC_MODEL"] == "sonnet"
    assert env["ANTHROPIC_DEFAULT_HAIKU_MODEL"] == "mistralai/devstral-2512"
    assert env["ANTHROPIC_DEFAULT_SONNET_MODEL"] == "google/gemini-2.5-pro"
    assert env["ANTHROPIC_DEFAULT_FABLE_MODEL"] == env["ANTHROPIC_DEFAULT_OPUS_MODEL"]
    assert env["CLAUDE_CODE_MAX_CONTEXT_TOKENS"] == "262144"
    assert json.loads(settings_of(repo).read_text())["apiKeyHelper"] == ""


def test_the_reply_names_place_host_and_changes_and_masks_the_key(cli: Cli, repo: Path, key: str) -> None:
    """What changed; nothing about sessions where none is open."""
    reply = cli("openrouter", cwd=repo)
    assert f"Switched {repo} to openrouter (openrouter.ai)." in reply.out
    assert "haiku" in reply.out
    assert "mistralai/devstral-2512" in reply.out
    assert "********" + key[-4:] in reply.out
    assert key not in reply.out + reply.err
    assert "sessions" not in reply.err


@pytest.mark.parametrize(
    "content", [None, b"", b"\n\n", b"{}", USERS_OWN], ids=["none", "empty", "blank", "{}", "full"]
)
def test_there_and_back_gives_the_first_bytes(cli: Cli, repo: Path, key: str, content: bytes | None) -> None:
    """openrouter, deepseek, claude; where there was no file there is none, and the folder stays for open sessions."""
    if content is not None:
        write(repo, content)
    for preset in ("openrouter", "deepseek", "devstral", "openrouter"):
        assert cli(preset, cwd=repo).code == 0
    assert cli("claude", cwd=repo).code == 0
    if content is None:
        assert list((repo / ".claude").iterdir()) == []
    else:
        assert settings_of(repo).read_bytes() == content


def test_the_users_own_value_of_a_tuning_variable_comes_back(cli: Cli, repo: Path, key: str) -> None:
    """It is displaced, remembered and restored, as it was written."""
    write(repo, USERS_OWN)
    cli("openrouter", cwd=repo)
    assert json.loads(settings_of(repo).read_bytes())["env"]["CLAUDE_CODE_ATTRIBUTION_HEADER"] == "0"
    cli("claude", cwd=repo)
    assert settings_of(repo).read_bytes() == USERS_OWN


def test_a_value_the_user_changed_after_the_switch_stays(cli: Cli, repo: Path, key: str) -> None:
    """A tuning variable is ours only while it is what we wrote."""
    cli("openrouter", cwd=repo)
    path = settings_of(repo)
    path.write_text(path.read_text().replace('"262144"', '"100000"'))
    cli("claude", cwd=repo)
    assert env_of(repo) == {"CLAUDE_CODE_MAX_CONTEXT_TOKENS": "100000"}


def test_a_second_run_writes_nothing(cli: Cli, repo: Path, key: str) -> None:
    """Same file, same inode, and the reply says so."""
    cli("openrouter", cwd=repo)
    before = settings_of(repo).stat()
    reply = cli("openrouter", cwd=repo)
    assert reply.code == 0
    assert reply.out.startswith("Nothing to do")
    after = settings_of(repo).stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_from_any_folder_the_worktree_root_is_switched(cli: Cli, repo: Path, key: str) -> None:
    """A subfolder's own .claude stays out of it."""
    below = repo / "src" / "deep"
    below.mkdir(parents=True)
    assert cli("openrouter", cwd=below).code == 0
    assert settings_of(repo).exists()
    assert not (below / ".claude").exists()


@pytest.mark.parametrize("place", ["main", "linked"])
@pytest.mark.parametrize("own", [True, False])
def test_a_folder_that_does_not_read_the_pin_is_told(
    cli: Cli, repo: Path, key: str, tmp_path: Path, place: str, own: bool
) -> None:
    """As status says it right after: one of a linked worktree."""
    root = repo
    if place == "linked":
        root = tmp_path / "linked"
        git(repo, "worktree", "add", "--quiet", "--detach", str(root))
    below = root / "deep"
    (below / ".claude").mkdir(parents=True)
    if own:
        (below / ".claude" / "settings.local.json").write_text("{}")
    reply = cli("openrouter", cwd=below)
    said = f"A session that starts in this folder does not read {settings_of(root)}" in reply.err + reply.out
    status = json.loads(cli("status", "--json", cwd=below).out)
    assert (reply.code, said) == (0, "not-read-here" in {each["code"] for each in status["problems"]})
    assert said == (place == "linked")
    assert "does not read" not in cli("deepseek", cwd=root).err


@pytest.mark.parametrize("name", ["plain", "with space", "line\nbreak", "ünï", "trailing "])
def test_a_linked_worktree_has_its_own_file_and_main_is_untouched(cli: Cli, repo: Path, key: str, name: str) -> None:
    """safety-100: Whatever its path; the ignore rule goes to the file both share."""
    linked = repo.parent / name
    git(repo, "worktree", "add", "--quiet", "--detach", str(linked))
    assert cli("deepseek", cwd=linked).code == 0
    assert not (repo / ".claude").exists()
    assert env_of(linked)["ANTHROPIC_DEFAULT_OPUS_MODEL"] == "deepseek/deepseek-v3.2"
    assert git(linked, "status", "--porcelain") == ""
    assert cli("claude", cwd=linked).code == 0
    assert list((linked / ".claude").iterdir()) == []


def test_another_worktree_can_be_named(cli: Cli, repo: Path, key: str, tmp_path: Path) -> None:
    """-w may be repeated, and the folder one stands in is left alone."""
    other = tmp_path / "other"
    git(repo, "worktree", "add", "--quiet", "--detach", str(other))
    here = tmp_path / "here"
    here.mkdir()
    assert cli("openrouter", "-w", str(repo), "-w", str(other), cwd=here).code == 0
    assert settings_of(repo).exists()
    assert settings_of(other).exists()
    assert not (here / ".claude").exists()


def test_a_plain_folder_works_too(cli: Cli, tmp_path: Path, key: str) -> None:
    """Outside any repository the folder itself is switched."""
    folder = tmp_path / "plain"
    folder.mkdir()
    assert cli("use", "openrouter", cwd=folder).code == 0
    assert env_of(folder)["ANTHROPIC_AUTH_TOKEN"] == key
    assert cli("claude", cwd=folder).code == 0
    assert not settings_of(folder).exists()


def test_the_file_is_ignored_by_git_before_the_key_is_in_it(cli: Cli, repo: Path, key: str) -> None:
    """safety-86: The rule goes to the repository's own exclude file, once, and stays."""
    exclude = repo / ".git" / "info" / "exclude"
    exclude.write_text("*.log")
    reply = cli("openrouter", cwd=repo)
    assert f"{exclude} got a rule" in reply.err
    assert exclude.read_text() == "*.log\n/.claude/settings.local.json\n/.claude/.llmswitch-*\n"
    cli("deepseek", cwd=repo)
    cli("claude", cwd=repo)
    assert exclude.read_text().count("settings.local.json") == 1
    assert git(repo, "status", "--porcelain") == ""


def test_a_rule_that_is_there_is_not_written_again(cli: Cli, repo: Path, key: str) -> None:
    """A .gitignore that covers file and temporary names is enough."""
    (repo / ".gitignore").write_text(".claude/\n")
    before = (repo / ".git" / "info" / "exclude").read_bytes()
    assert cli("openrouter", cwd=repo).code == 0
    assert (repo / ".git" / "info" / "exclude").read_bytes() == before


@pytest.mark.parametrize("extra", [[], ["--anyway"], ["--discard-key"]])
def test_a_tracked_file_is_refused_whatever_else_is_said(cli: Cli, repo: Path, key: str, extra: list[str]) -> None:
    """safety-85: A key written there would be committed."""
    write(repo, "{}")
    git(repo, "add", "-f", ".claude/settings.local.json")
    reply = cli("openrouter", *extra, cwd=repo)
    assert reply.code == 5
    assert "rm --cached" in reply.err
    assert settings_of(repo).read_text() == "{}"


def test_a_file_that_git_will_not_ignore_is_refused(cli: Cli, repo: Path, key: str) -> None:
    """safety-86, safety-87: A negated rule in .gitignore beats the exclude file."""
    (repo / ".gitignore").write_text("!.claude/settings.local.json\n")
    reply = cli("openrouter", cwd=repo)
    assert reply.code == 5
    assert not settings_of(repo).exists()


@pytest.mark.parametrize(("mode", "expected"), [(0o644, 0o600), (0o600, 0o600), (0o666, 0o600)])
def test_a_file_with_a_key_is_private(cli: Cli, repo: Path, key: str, mode: int, expected: int) -> None:
    """A wider file is tightened, a new one is private from the start."""
    write(repo, "{}").chmod(mode)
    cli("openrouter", cwd=repo)
    assert stat.S_IMODE(settings_of(repo).stat().st_mode) == expected


def test_a_private_mode_is_restored_even_if_the_content_is_right(cli: Cli, repo: Path, key: str) -> None:
    """safety-38: And the reply says that only the mode changed."""
    cli("openrouter", cwd=repo)
    settings_of(repo).chmod(0o644)
    reply = cli("openrouter", cwd=repo)
    assert "Only the mode" in reply.out
    assert stat.S_IMODE(settings_of(repo).stat().st_mode) == 0o600


def test_a_file_without_our_key_keeps_its_mode(cli: Cli, repo: Path) -> None:
    """`claude` on a file that only has leftovers does not tighten it."""
    write(repo, '{"env": {"ANTHROPIC_SMALL_FAST_MODEL": "old"}, "x": 1}').chmod(0o640)
    assert cli("claude", cwd=repo).code == 0
    assert stat.S_IMODE(settings_of(repo).stat().st_mode) == 0o640
    assert json.loads(settings_of(repo).read_text()) == {"env": {}, "x": 1}


@pytest.mark.parametrize(
    ("content", "where"),
    [
        (b'{\n  // mine\n  "a": 1\n}', "line 2, column 3"),
        (b'{\n  "a": 1,\n}', "line 3, column 1"),
        (b'{"env": []}', "line 1, column 9"),
        (b'{"env": null}', "line 1, column 9"),
        (b"[]", "line 1, column 1"),
        (b"\xfe\xff" + '{"a": 1}'.encode("utf-16-be"), "save the file as UTF-8"),
    ],
    ids=["comment", "comma", "env-list", "env-null", "list", "utf-16-be"],
)
@pytest.mark.parametrize("command", ["openrouter", "claude"])
def test_a_file_claude_code_ignores_is_refused_and_kept(
    cli: Cli, repo: Path, key: str, content: bytes, where: str, command: str
) -> None:
    """Named with its place; not a byte changes."""
    path = write(repo, content)
    reply = cli(command, cwd=repo)
    assert reply.code == 1
    assert str(path) in reply.err
    assert where in reply.err
    assert "ignores this whole file" in reply.err
    assert "Nothing was changed" in reply.err
    assert path.read_bytes() == content
    assert os.listdir(path.parent) == [path.name]


@pytest.mark.parametrize(
    ("content", "where"),
    [
        (b'{"env": {"ANTHROPIC_MODEL": "\xe9"}}', "save the file as UTF-8"),
        ('{"env": {"ANTHROPIC_MODEL": "x"}}'.encode("utf-16"), "save the file as UTF-8"),
        (b'{"env": {"ANTHROPIC_MODEL": "1", "ANTHROPIC_MODEL": "2"}}', "stands twice"),
    ],
    ids=["latin-1", "utf-16", "twice"],
)
@pytest.mark.parametrize("command", ["openrouter", "claude"])
def test_a_file_that_only_claude_code_reads_is_not_said_to_be_ignored(
    cli: Cli, repo: Path, key: str, content: bytes, where: str, command: str
) -> None:
    """Status tells what it sets, and a switch changes nothing in it."""
    path = write(repo, content)
    reply = cli(command, cwd=repo)
    assert (reply.code, where in reply.err, "ignores" in reply.err) == (1, True, False), reply
    assert "start model" in cli("status", cwd=repo).out
    assert path.read_bytes() == content


def test_a_file_that_is_too_large_for_claude_code_gets_no_pin(cli: Cli, repo: Path, key: str) -> None:
    """It would be ignored with the pin in it; taking one away is never refused."""
    write(repo, b'{"x": "' + b"a" * 2_100_000 + b'"}')
    reply = cli("openrouter", cwd=repo)
    assert (reply.code, "larger than 2 MiB" in reply.err) == (5, True)
    assert cli("claude", cwd=repo).code == 0


def test_overrides_reach_their_slots(cli: Cli, repo: Path, key: str) -> None:
    """A tier name is its slot; --model fills the rest; an alias as a value means that slot's model."""
    cli("openrouter", "--model", "a/b", "--small", "x/y", "--opus", "small", "--start", "Large", cwd=repo)
    env = env_of(repo)
    assert env["ANTHROPIC_DEFAULT_HAIKU_MODEL"] == env["ANTHROPIC_DEFAULT_OPUS_MODEL"] == "x/y"
    assert env["ANTHROPIC_DEFAULT_SONNET_MODEL"] == env["CLAUDE_CODE_SUBAGENT_MODEL"] == "a/b"
    assert env["ANTHROPIC_MODEL"] == "opus"


def test_the_window_follows_an_overridden_slot(cli: Cli, repo: Path, key: str) -> None:
    """The smallest of the mapped models; none where only Claude models are left."""
    cli("openrouter", "--sonnet", "deepseek/deepseek-v3.2:exacto", cwd=repo)
    assert env_of(repo)["CLAUDE_CODE_MAX_CONTEXT_TOKENS"] == "163840"
    cli("openrouter", "--model", "anthropic/claude-opus-5.5", cwd=repo)
    assert "CLAUDE_CODE_MAX_CONTEXT_TOKENS" not in env_of(repo)


def test_exported_models_are_used_and_announced(cli: Cli, repo: Path, key: str) -> None:
    """The command line beats them, and inside a Claude Code session they are the pin itself and ignored."""
    exported = {
        "ANTHROPIC_DEFAULT_HAIKU_MODEL": "ex/haiku",
        "LLMSWITCH_OPUS": "ex/opus",
        "LLMSWITCH_SONNET": "ex/s",
    }
    reply = cli("openrouter", "--sonnet", "cli/s", cwd=repo, env=exported)
    env = env_of(repo)
    assert env["ANTHROPIC_DEFAULT_HAIKU_MODEL"] == "ex/haiku"
    assert env["ANTHROPIC_DEFAULT_OPUS_MODEL"] == "ex/opus"
    assert env["ANTHROPIC_DEFAULT_SONNET_MODEL"] == "cli/s"
    assert "haiku is ex/haiku, from the exported ANTHROPIC_DEFAULT_HAIKU_MODEL" in reply.err
    assert "LLMSWITCH_SONNET" not in reply.err
    cli("openrouter", cwd=repo, env={**exported, "CLAUDECODE": "1"})
    assert env_of(repo)["ANTHROPIC_DEFAULT_HAIKU_MODEL"] == "mistralai/devstral-2512"


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://127.0.0.1:9/api", 0),
        ("http://localhost:9", 0),
        ("https://openrouter.ai/other", 0),
        ("https://evil.example", 5),
        ("https://openrouter.ai.evil.example", 5),
        ("http://openrouter.ai/api", 2),
        ("https://openrouter.ai/api/v1", 2),
        ("https://me:pw@openrouter.ai/api", 2),
        ("https://openrouter.ai/api?x=1", 2),
        ("ftp://x", 2),
    ],
)
def test_a_key_goes_to_its_own_host_or_this_machine(cli: Cli, repo: Path, key: str, url: str, code: int) -> None:
    """safety-91: Another host needs --anyway; a URL that Claude Code could not use is never written."""
    reply = cli("openrouter", "--base-url", url, cwd=repo)
    assert reply.code == code
    assert settings_of(repo).exists() == (code == 0)
    if code == 5:
        assert cli("openrouter", "--base-url", url, "--anyway", cwd=repo).code == 0
        assert env_of(repo)["ANTHROPIC_BASE_URL"] == url


def test_a_dry_run_shows_the_change_and_writes_nothing(cli: Cli, repo: Path) -> None:
    """It needs no key, and leaves no file of any kind."""
    before = sorted(str(path) for path in repo.rglob("*"))
    reply = cli("openrouter", "-n", cwd=repo)
    assert reply.code == 0
    assert reply.out.startswith("Would switch")
    assert "********" in reply.out
    assert sorted(str(path) for path in repo.rglob("*")) == before


def test_a_key_can_come_from_standard_input(cli: Cli, repo: Path) -> None:
    """For this pin only; "Bearer " and the line end are taken off."""
    assert cli("openrouter", "--key-stdin", cwd=repo, text=f"Bearer {KEY}\n").code == 0
    assert env_of(repo)["ANTHROPIC_AUTH_TOKEN"] == KEY
    assert "from standard input" in cli("status", cwd=repo).out


def test_a_piped_key_of_another_provider_is_doubted(cli: Cli, repo: Path) -> None:
    """As when it is saved; it is the user's to know better."""
    reply = cli("openrouter", "--key-stdin", cwd=repo, text="sk-ant-0123456789abcdef0123\n")
    assert reply.code == 0
    assert "warning: This looks like a key of anthropic, which begins with sk-ant-, and not of openrouter." in reply.err
    assert "warning: A key" not in cli("openrouter", "--key-stdin", cwd=repo, text=KEY).err


@pytest.mark.parametrize("text", ["", "\n", "two words", "a\x07b", "sk-é"])
def test_what_cannot_be_a_key_is_refused(cli: Cli, repo: Path, text: str) -> None:
    """Empty, with control characters, or nothing a header can carry: exit 4, nothing written, nothing echoed."""
    reply = cli("openrouter", "--key-stdin", cwd=repo, text=text)
    assert reply.code == 4
    assert not (repo / ".claude").exists()


def test_without_a_key_the_reply_has_the_commands_that_help(cli: Cli, repo: Path) -> None:
    """Off a terminal nobody is asked: exit 4."""
    reply = cli("openrouter", cwd=repo)
    assert reply.code == 4
    assert "LLMSWITCH_KEY_OPENROUTER" in reply.err
    assert "--key-stdin" in reply.err
    assert not (repo / ".claude").exists()


FOREIGN = '{"env": {"ANTHROPIC_BASE_URL": "https://x.example", "ANTHROPIC_AUTH_TOKEN": "sk-mine-1234567890"}}'


@pytest.mark.parametrize("command", ["openrouter", "claude"])
def test_a_credential_that_is_not_ours_is_not_lost(cli: Cli, repo: Path, key: str, command: str) -> None:
    """Refused with the two ways on; --discard-key lets it go."""
    path = write(repo, FOREIGN)
    reply = cli(command, cwd=repo)
    assert reply.code == 5
    assert "--adopt-key" in reply.err
    assert "--discard-key" in reply.err
    assert "sk-mine" not in reply.err
    assert path.read_text() == FOREIGN
    reply = cli(command, "--discard-key", cwd=repo)
    assert reply.code == 0
    assert "ANTHROPIC_BASE_URL was not ours" in reply.err
    assert "https://x.example" in reply.err
    assert "sk-mine" not in path.read_text()


def test_our_own_key_is_known_again_in_a_copied_file(cli: Cli, repo: Path, key: str, tmp_path: Path) -> None:
    """A tool may have copied the settings file into a new worktree: that key is not foreign."""
    other = tmp_path / "other"
    git(repo, "worktree", "add", "--quiet", "--detach", str(other))
    cli("openrouter", cwd=repo)
    write(other, settings_of(repo).read_bytes())
    assert cli("claude", cwd=other).code == 0


def test_a_new_key_replaces_our_old_one(cli: Cli, repo: Path, key: str) -> None:
    """What we wrote is ours to replace."""
    cli("openrouter", cwd=repo)
    new = "sk-or-v1-another-0123456789abcdef"
    assert cli("openrouter", cwd=repo, env={"LLMSWITCH_KEY_OPENROUTER": new}).code == 0
    assert env_of(repo)["ANTHROPIC_AUTH_TOKEN"] == new


def test_a_permission_mode_of_the_users_own_is_respected(cli: Cli, repo: Path, key: str) -> None:
    """disableAutoMode is written only where the user has no opinion."""
    write(repo, '{"permissions": {"defaultMode": "acceptEdits"}}')
    cli("openrouter", cwd=repo)
    assert "disableAutoMode" not in json.loads(settings_of(repo).read_text())


def test_claude_keeps_what_the_client_added_since(cli: Cli, repo: Path, key: str) -> None:
    """The file was ours alone; now it holds a permission, so it stays, without anything of ours."""
    cli("openrouter", cwd=repo)
    data = json.loads(settings_of(repo).read_text())
    write(repo, json.dumps({"permissions": {"allow": ["Bash(ls)"]}, **data}, indent=2) + "\n")
    cli("claude", cwd=repo)
    assert json.loads(settings_of(repo).read_text()) == {"permissions": {"allow": ["Bash(ls)"]}}


def test_symbolic_links_are_refused(cli: Cli, repo: Path, key: str, tmp_path: Path) -> None:
    """Writing through one would switch every folder that shares the file."""
    shared = tmp_path / "shared.json"
    shared.write_text("{}")
    (repo / ".claude").mkdir()
    settings_of(repo).symlink_to(shared)
    reply = cli("openrouter", cwd=repo)
    assert reply.code == 5
    assert str(shared) in reply.err
    assert shared.read_text() == "{}"


def test_odd_objects_in_the_files_place_do_not_block(cli: Cli, repo: Path, key: str) -> None:
    """A FIFO, a folder, a hard link, a file where .claude should be: named, exit 1 or 5."""
    (repo / ".claude").mkdir()
    os.mkfifo(settings_of(repo))
    assert cli("openrouter", cwd=repo).code == 1
    settings_of(repo).unlink()
    settings_of(repo).mkdir()
    assert cli("openrouter", cwd=repo).code == 1
    settings_of(repo).rmdir()
    write(repo, "{}")
    os.link(settings_of(repo), repo / "second")
    assert cli("openrouter", cwd=repo).code == 5
    settings_of(repo).unlink()
    (repo / ".claude").rmdir()
    (repo / ".claude").write_text("a file")
    assert cli("openrouter", cwd=repo).code == 1
    assert (repo / ".claude").read_text() == "a file"


def test_outside_places_are_named(cli: Cli, repo: Path, key: str, tmp_path: Path) -> None:
    """safety-98, safety-105: A missing folder, a bare repository and a broken .git are usage errors with a hint."""
    assert cli("openrouter", "-w", "nowhere", cwd=repo).code == 2
    bare = tmp_path / "bare.git"
    git(repo, "clone", "--quiet", "--bare", str(repo), str(bare))
    reply = cli("openrouter", cwd=bare)
    assert reply.code == 2
    assert "-w" in reply.err
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / ".git").write_text("gitdir: /nowhere\n")
    assert cli("openrouter", cwd=broken).code == 2
    assert not (broken / ".claude").exists()


def test_misleading_git_variables_are_ignored(cli: Cli, repo: Path, key: str, tmp_path: Path) -> None:
    """safety-101: In a git hook GIT_DIR and friends point somewhere else."""
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "--quiet")
    misleading = {"GIT_DIR": str(other / ".git"), "GIT_WORK_TREE": str(other), "GIT_INDEX_FILE": "/x"}
    assert cli("openrouter", cwd=repo, env=misleading).code == 0
    assert settings_of(repo).exists()
    assert not (other / ".claude").exists()


def test_without_git_a_plain_folder_still_works(cli: Cli, tmp_path: Path, key: str, repo: Path) -> None:
    """safety-97: A repository does not: nobody could say whether the file is ignored."""
    nothing = tmp_path / "nothing"
    nothing.mkdir()
    folder = tmp_path / "plain"
    folder.mkdir()
    assert cli("openrouter", cwd=folder, env={"PATH": str(nothing)}).code == 0
    reply = cli("openrouter", cwd=repo, env={"PATH": str(nothing)})
    assert reply.code == 1
    assert "git was not found" in reply.err


@pytest.mark.parametrize(
    "line",
    [
        "opnrouter",
        "claude --also x",
        "openrouter --start subagent",
        "openrouter --haiku auto",
        "openrouter --no",
        "use",
    ],
)
def test_wrong_usage_is_exit_2_and_changes_nothing(cli: Cli, repo: Path, key: str, line: str) -> None:
    """With a word on what is wrong."""
    reply = cli(*line.split(), cwd=repo)
    assert reply.code == 2
    assert reply.err
    assert not (repo / ".claude").exists()


def test_an_unknown_name_gets_a_suggestion(cli: Cli, repo: Path) -> None:
    """From presets and commands both."""
    assert "Did you mean openrouter?" in cli("opnrouter", cwd=repo).err
    assert "Did you mean status?" in cli("staus", cwd=repo).err


PRESET = '{ title: "x", base_url: "http://127.0.0.1:9", key: %s, slots: { haiku: "x", sonnet: "x", opus: "x" } }'


@pytest.mark.parametrize(("pin", "may_pass"), [("keyless", True), ("helper", False), ("cloud", True)])
def test_a_tracked_file_takes_no_pin_without_a_key_either(
    cli: Cli, repo: Path, own: Path, key: str, pin: str, may_pass: bool
) -> None:
    """It would go to everybody with the next commit; --anyway lets one through that has neither key nor helper."""
    (own / "here.json5").write_text(PRESET % "null")
    words = {"keyless": ["here"], "helper": ["openrouter", "--key-helper"], "cloud": ["bedrock"]}[pin]
    settings = settings_of(repo)
    settings.parent.mkdir()
    settings.write_text('{"permissions":{"allow":["Bash(ls:*)"]}}\n')
    git(repo, "add", "--force", ".")
    before = settings.read_bytes()
    reply = cli(*words, cwd=repo)
    assert (reply.code, settings.read_bytes() == before, "git tracks" in reply.err) == (5, True, True)
    assert ("--anyway" in reply.err) is may_pass
    again = cli(*words, "--anyway", cwd=repo)
    assert (again.code, "git tracks" in again.err) == (0 if may_pass else 5, True)
    assert (settings.read_bytes() != before) is may_pass
    assert cli("claude", cwd=repo).code == 0
    assert settings.read_bytes() == before


@pytest.mark.parametrize(("number", "code"), [("30", 0), ("1e3", 0), ("0.5", 5), ('"30"', 5)])
def test_a_number_of_the_users_is_read_as_one(cli: Cli, repo: Path, key: str, number: str, code: int) -> None:
    """Claude Code takes whole days (2.1.332), and drops the file for anything else."""
    write(repo, f'{{"cleanupPeriodDays": {number}}}'.encode())
    reply = cli("openrouter", cwd=repo)
    assert reply.code == code, reply
