"""`llmswitch doctor`: each finding is made on purpose and found, and a healthy set-up has none."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import KEY, Cli, git, settings_of
from support.programs import require_root
from test_switch import write

from llmswitch.claude import layers
from llmswitch.claude.sessions import Sessions
from llmswitch.cli.app import App
from llmswitch.doctor.examine import Asked, examine
from llmswitch.doctor.observe import Reach

OPUS, FABLE = "ANTHROPIC_DEFAULT_OPUS_MODEL", "ANTHROPIC_DEFAULT_FABLE_MODEL"
URL, WINDOW = "ANTHROPIC_BASE_URL", "CLAUDE_CODE_MAX_CONTEXT_TOKENS"


class House:
    """A worktree that is pinned to openrouter, in a home in which Claude Code was set up."""

    def __init__(self, cli: Cli, repo: Path, environ: dict[str, str]) -> None:
        self._cli, self.repo, self.environ = cli, repo, environ
        self.home = Path(environ["HOME"])
        self.file = settings_of(repo)
        (self.home / ".claude").mkdir(exist_ok=True)
        (self.home / ".claude.json").write_text('{"hasCompletedOnboarding": true}')
        self.run("openrouter")

    def run(self, *arguments: str) -> str:
        """Run a command that succeeds."""
        reply = self._cli(*arguments, cwd=self.repo)
        assert reply.code == 0, reply
        return reply.out

    def doctor(self, *options: str) -> dict[str, dict[str, str]]:
        """Return the findings by code, and hold the exit code against them."""
        reply = self._cli("doctor", "--json", *options, cwd=self.repo)
        found = {problem["code"]: problem for problem in json.loads(reply.out)["problems"]}
        assert reply.code == any(problem["level"] == "error" for problem in found.values()), reply
        assert KEY not in reply.out + reply.err
        return found

    def edit(self, change: Callable[[dict[str, Any]], object]) -> None:
        """Edit the settings file by hand."""
        data = json.loads(self.file.read_text())
        change(data)
        write(self.repo, json.dumps(data, indent=2))

    def user(self, settings: object) -> None:
        """Write the user's settings."""
        (self.home / ".claude" / "settings.json").write_text(json.dumps(settings))

    def program(self, name: str, text: str) -> None:
        """Put a program in front of all others."""
        folder = self.home / "bin"
        folder.mkdir(exist_ok=True)
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)
        if str(folder) not in self.environ["PATH"]:
            self.environ["PATH"] = f"{folder}{os.pathsep}{self.environ['PATH']}"


@pytest.fixture
def house(cli: Cli, repo: Path, key: str, sealed: dict[str, str]) -> House:
    """A pinned worktree, its key in an environment variable."""
    return House(cli, repo, sealed)


def test_without_a_client_or_a_keyring(house: House) -> None:
    """Both are named; a keyring is an error only where the key has no other source."""
    house.environ["PATH"] = "/usr/bin:/bin"
    found = house.doctor()
    assert set(found) == {"no-client", "keyring"}
    assert found["keyring"]["level"] == "note"
    assert "fail.Keyring" in found["keyring"]["message"]
    del house.environ["LLMSWITCH_KEY_OPENROUTER"]
    assert house.doctor()["keyring"]["level"] == "error"
    assert house._cli("openrouter", "--key-stdin", cwd=house.repo, text=KEY[::-1]).code == 0
    assert house.doctor()["keyring"]["level"] == "note"
    house.run("claude")
    assert house.doctor()["keyring"]["level"] == "note"


def test_old_programs(house: House) -> None:
    """A Claude Code before 2.1.211, and what follows; a git that cannot list worktrees; and none at all."""
    house.program("claude", "echo '2.1.197 (Claude Code)'")
    house.program("git", 'case "$*" in *--version) echo git version 2.30.2;; *) exec /usr/bin/git "$@";; esac')
    found = house.doctor()
    assert "2.1.197" in found["old-client"]["message"]
    assert found["old-client"]["fix"] == "claude update"
    assert "2.30.2" in found["old-git"]["message"]


def test_no_git(cli: Cli, tmp_path: Path, sealed: dict[str, str]) -> None:
    """In a plain folder."""
    sealed["PATH"] = str(tmp_path / "no programs")
    found = json.loads(cli("doctor", "--json", cwd=tmp_path).out)["problems"]
    assert "no-git" in {problem["code"] for problem in found}


def drop(name: str) -> Callable[[dict[str, Any]], object]:
    """Return the edit that removes a variable."""
    return lambda data: data["env"].pop(name)


def put(name: str, text: str) -> Callable[[dict[str, Any]], object]:
    """Return the edit that sets a variable."""
    return lambda data: data["env"].update({name: text})


# code: (edit of the pinned file, level, a word of the message, mended by --fix)
EDITS: dict[str, tuple[Callable[[dict[str, Any]], object], str, str, bool]] = {
    "slot-missing": (drop(FABLE), "warning", "fable", True),
    "open": (drop("CLAUDE_CODE_USE_BEDROCK"), "warning", "go to that cloud", True),
    "window-missing": (drop(WINDOW), "warning", "262144", True),
    "window-wrong": (put(WINDOW, "1000000"), "warning", "262144", True),
    "one-million": (put("ANTHROPIC_DEFAULT_HAIKU_MODEL", "mistralai/devstral-2512[1m]"), "warning", "1,000,000", True),
    "dead-id": (put("ANTHROPIC_DEFAULT_OPUS_MODEL", "anthropic/claude-opus-4"), "warning", "claude-opus-5.5", False),
    "base-url": (put(URL, "https://openrouter.ai/api/v1"), "error", "/v1/v1/messages", True),
    "auto-mode": (lambda data: data.pop("disableAutoMode"), "warning", "Auto mode", True),
    "two-credentials": (put("ANTHROPIC_API_KEY", "x" * 20), "warning", "Sent together", False),
    "drift": (put("ANTHROPIC_BETAS", "x"), "warning", "ANTHROPIC_BETAS", False),
    "unknown-preset": (put(URL, "https://x.example"), "warning", "x.example", False),
    "helper-gone": (lambda data: data.update(apiKeyHelper="/gone/llmswitch print-key x"), "error", "/gone/llm", False),
}


@pytest.mark.parametrize("code", EDITS)
def test_what_is_wrong_in_the_pin(house: House, code: str) -> None:
    """Each edit by hand is found; what --fix can mend is gone afterwards, and what it did leaves with the pin."""
    edit, level, word, mends = EDITS[code]
    house.edit(edit)
    found = house.doctor()[code]
    assert found["level"] == level
    assert word in found["message"]
    assert found["fix"]
    if mends:
        assert set(house.doctor("--fix")) == {"keyring", "no-client"}
        house.run("claude")
        assert not house.file.exists()
    else:
        before = house.file.read_bytes()
        assert code in house.doctor("--fix")
        assert house.file.read_bytes() == before


def test_a_base_url_without_tls(house: House) -> None:
    """No --fix: nobody knows whether the host has TLS."""
    house.edit(put(URL, "http://x.example"))
    found = house.doctor("--fix")["base-url"]
    assert found["level"] == "error"
    assert "https" in found["message"]


def test_a_window_that_nobody_knows(house: House) -> None:
    """A model that is in no list, and no window in the preset."""
    house.edit(lambda data: data["env"].update(dict.fromkeys(_slots(data), "some/model")) or data["env"].pop(WINDOW))
    assert "some/model" in house.doctor()["window-unknown"]["message"]
    house.edit(put("CLAUDE_CODE_AUTO_COMPACT_WINDOW", "128000"))
    assert "window-unknown" not in house.doctor()


def _slots(data: dict[str, Any]) -> list[str]:
    return [name for name in data["env"] if name.endswith("_MODEL") and "DEFAULT" in name]


def test_a_file_that_is_not_quite_json(house: House) -> None:
    """--fix takes comments and trailing commas out, and no other byte; more than that is left to the user."""
    house.edit(lambda data: data.update(mine="a // b, } /* c */ \\", last=[1, {}]))
    text = house.file.read_text()
    spoiled = text.replace("{", "{ // https://x.example/*", 1).replace("]", ",]")
    spoiled = re.sub(r'"\n(?=\s*})', '", /* , } */\n', spoiled)
    assert spoiled.count("/*") == 3
    write(house.repo, spoiled)
    found = house.doctor()["settings-ignored"]
    assert found["level"] == "error"
    assert "line 1" in found["message"]
    assert set(house.doctor("--fix")) == {"keyring", "no-client"}
    assert json.loads(house.file.read_text()) == json.loads(text)
    house.file.chmod(0o644)
    write(house.repo, spoiled)
    assert set(house.doctor("--fix")) == {"keyring", "no-client"}  # what was behind it too
    assert house.file.stat().st_mode & 0o777 == 0o600
    write(house.repo, text.replace('"', "'"))
    assert house.doctor("--fix")["settings-ignored"]["level"] == "error"
    assert "'" in house.file.read_text()


def test_a_file_that_others_can_read(house: House) -> None:
    """--fix gives it mode 0600."""
    house.file.chmod(0o644)
    assert "0644" in house.doctor()["file-mode"]["message"]
    assert "file-mode" not in house.doctor("--fix")
    assert house.file.stat().st_mode & 0o777 == 0o600


def test_a_file_that_git_would_take(house: House) -> None:
    """Not ignored: --fix adds the rule. Tracked: the user must take it out."""
    (house.repo / ".git" / "info" / "exclude").write_text("")
    assert house.doctor()["not-ignored"]["level"] == "error"
    assert "not-ignored" not in house.doctor("--fix")
    git(house.repo, "add", "--force", ".claude")
    found = house.doctor("--fix")["tracked"]
    assert found["level"] == "error"
    assert "First revoke that key" in found["message"]
    subprocess.run(found["fix"], shell=True, check=True, cwd="/", capture_output=True)
    assert "tracked" not in house.doctor()


def test_links(house: House, tmp_path: Path) -> None:
    """A symbolic link, of the file or of its folder; a hard link."""
    other = tmp_path / "shared.json"
    os.link(house.file, other)
    assert "2 hard links" in house.doctor()["hard-links"]["message"]
    house.file.unlink()
    house.file.symlink_to(other)
    assert str(house.file) in house.doctor()["symlink"]["message"]
    house.file.unlink()
    other.rename(house.file)
    house.file.parent.rename(tmp_path / "folder")
    house.file.parent.symlink_to(tmp_path / "folder")
    found = house.doctor()
    assert str(house.file.parent) in found["symlink"]["message"]
    assert "git-doubts" in found
    assert "symlink" in house.doctor("--fix")


def test_the_file_of_somebody_else(house: House) -> None:
    """Claude Code and llmswitch would not write it."""
    require_root("to give a file away")
    os.chown(house.file, 65534, -1)
    assert "another user" in house.doctor()["other-owner"]["message"]


def test_worktreeinclude(house: House) -> None:
    """The key would be copied into each new worktree."""
    (house.repo / ".worktreeinclude").write_text(".claude/settings.local.json\n")
    assert ".worktreeinclude" in house.doctor()["copied"]["fix"]


@pytest.mark.parametrize("name", ["settings.local.json.bak", "settings.json.backup-1", ".settings.local.json.swp"])
def test_leftovers_of_other_tools(house: House, name: str) -> None:
    """Beside the worktree's settings and beside the user's; one without a key is none."""
    for folder in (house.file.parent, house.home / ".claude"):
        path = folder / name
        path.write_text('{"env": {"ANTHROPIC_AUTH_TOKEN": ""}}')
        assert "leftover" not in house.doctor()
        path.write_text(f'{{"env": {{"ANTHROPIC_AUTH_TOKEN": "{KEY}"}}}}')
        assert house.doctor("--fix")["leftover"]["fix"] == f"rm {shlex.quote(str(path))}".replace(str(house.home), "~")
        path.unlink()


def test_a_temporary_file_of_a_killed_run(house: House) -> None:
    """--fix removes it."""
    (house.file.parent / ".llmswitch-1-ab.tmp").write_text(KEY)
    assert "temporary" in house.doctor()
    assert "temporary" not in house.doctor("--fix")
    assert [path.name for path in house.file.parent.iterdir()] == [house.file.name]


def test_the_users_settings_and_exports(house: House) -> None:
    """What decides here although it is elsewhere, and what is overruled."""
    house.user({"env": {"ANTHROPIC_AUTH_TOKEN": "of the user", OPUS: "x/y"}})
    found = house.doctor()
    assert found["overruled"]["level"] == "note"
    assert "set-elsewhere" not in found
    house.edit(drop("ANTHROPIC_API_KEY"))
    house.user({"env": {"ANTHROPIC_API_KEY": "k" * 20}})
    found = house.doctor()
    assert "settings.json decides here about ANTHROPIC_API_KEY" in found["set-elsewhere"]["message"]
    assert "mixed" in found
    assert "overruled" in house.doctor("--fix")
    assert not {"set-elsewhere", "mixed"} & set(house.doctor())
    house.edit(drop("ANTHROPIC_API_KEY"))
    house.user({})
    house.environ["ANTHROPIC_API_KEY"] = "k" * 20
    assert house.doctor()["exported"]["fix"] == "unset ANTHROPIC_API_KEY"
    house.run("openrouter")
    assert house.doctor()["cancelled"]["level"] == "note"


def test_managed_settings(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are above all; the administrator is the one to ask."""
    monkeypatch.setattr(layers, "_MANAGED", str(tmp_path))
    (tmp_path / "managed-settings.json").write_text(json.dumps({"env": {"ANTHROPIC_BETAS": "x", URL: "https://y.z"}}))
    app = App(house.environ)
    reach = Reach(
        app.catalog, app.environ, app.keyring, app.key_names, app.gateway, Sessions().of, app.key_helper,
        lambda done, of: None,
    )  # fmt: skip
    found = {problem.code for problem in examine(app.checkouts.at(str(house.repo)), reach, Asked()).problems}
    assert {"shadowed", "mixed"} <= found


@pytest.mark.parametrize("saved", ["qwen/qwen3-coder", "claude-opus-5-5"])
def test_a_model_that_the_client_saved(house: House, saved: str) -> None:
    """A provider's id goes to Anthropic once the pin is gone; one of Anthropic's goes to the provider."""
    house.user({"model": saved})
    assert "model-key" not in house.doctor()
    house.edit(drop("ANTHROPIC_MODEL"))
    ours = saved.startswith("claude")
    assert ("model-key" in house.doctor()) == ours
    house.run("claude")
    assert ("model-key" in house.doctor()) != ours


def test_a_home_in_which_claude_code_was_never_set_up(house: House) -> None:
    """Its file is only read."""
    file = house.home / ".claude.json"
    file.unlink()
    assert house.doctor("--fix")["first-run"]["level"] == "note"
    assert not file.exists()


def test_main_and_linked_worktrees(house: House, cli: Cli, tmp_path: Path) -> None:
    """Who follows, who is overridden, who is shadowed."""
    linked = tmp_path / "linked"
    git(house.repo, "worktree", "add", "--quiet", "-b", "topic", str(linked))
    assert str(linked) in house.doctor()["followed"]["message"]
    assert cli("deepseek", "--anyway", cwd=linked).code == 0
    found = house.doctor()
    assert str(linked) in found["overrides"]["message"]
    assert "followed" not in found
    codes = {each["code"] for each in json.loads(cli("doctor", "--json", cwd=linked).out)["problems"]}
    assert "shadowed" in codes
    before = settings_of(linked).read_bytes()
    cli("doctor", "--fix", cwd=linked)
    assert settings_of(linked).read_bytes() == before


def test_fix_is_no_switch(house: House) -> None:
    """`llmswitch -` still goes back to what was there before the last switch."""
    house.run("deepseek")
    house.edit(drop(FABLE))
    assert "slot-missing" not in house.doctor("--fix")
    house.run("-")
    assert house.run("status", "--short") == "openrouter\n"


def test_each_finding_has_a_way_on(house: House) -> None:
    """The text ends each one with it, and marks what --fix does."""
    house.edit(drop(FABLE))
    lines = house._cli("doctor", cwd=house.repo).out.splitlines()
    at = next(index for index, line in enumerate(lines) if "No model for fable" in line)
    assert lines[at + 1] == "    → llmswitch openrouter  (--fix does this)"
