"""`llmswitch env`: the pin as exports, in the words of each reader."""

from __future__ import annotations

import json
import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import KEY, Cli, git, require, settings_of
from support.programs import absent
from support.tree import of_this_tree

SENT, URL = "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_BASE_URL"
SAY = f'printf "%s|" "${URL}" "${SENT}" "$ANTHROPIC_MODEL" "$API_TIMEOUT_MS" "${{ANTHROPIC_BETAS-none}}"'


def said(shell: list[str], text: str, environ: dict[str, str]) -> list[str]:
    """Return what the variables are in a shell that read the exports, with leftovers exported before."""
    dirty = of_this_tree({**environ, "ANTHROPIC_BETAS": "left-over", "ANTHROPIC_API_KEY": "left-over"})
    say = (
        SAY
        if shell[0] != "fish"
        else f'echo -n "${URL}|${SENT}|$ANTHROPIC_MODEL|$API_TIMEOUT_MS|"(set -q ANTHROPIC_BETAS; or echo none)"|"'
    )
    done = subprocess.run([*shell, f"{text}\n{say}"], env=dirty, capture_output=True, text=True)
    assert done.returncode == 0, done
    return done.stdout.split("|")


@pytest.mark.parametrize("shell", ["sh", "bash", "zsh", "fish"])
def test_a_shell_gets_the_pin_and_asks_for_the_key(
    cli: Cli, repo: Path, sealed: dict[str, str], key: str, shell: str
) -> None:
    """The key is in no line: a command prints it; what would mix in is taken away."""
    require(absent(shell))
    cli("openrouter", cwd=repo)
    reply = cli("env", *(["--format", "fish"] if shell == "fish" else []), cwd=repo)
    assert reply.code == 0, reply
    assert KEY not in reply.out
    found = said([shell, "-c"], reply.out, sealed)
    assert found[:3] == ["https://openrouter.ai/api", KEY, "sonnet"]
    assert found[4] == "none"
    assert "disableAutoMode" in reply.err


def test_of_a_preset_where_nothing_is_pinned(cli: Cli, repo: Path, key: str) -> None:
    """And no file is written."""
    reply = cli("env", "deepseek", cwd=repo)
    assert "deepseek/deepseek-v3.2" in reply.out
    assert not settings_of(repo).exists()
    assert cli("env", cwd=repo).code == 2
    assert "unset" in cli("env", "claude", cwd=repo).out


def test_files_that_cannot_call_hold_the_key_only_when_that_is_said(cli: Cli, repo: Path, key: str) -> None:
    """Exit 2 without --with-key."""
    cli("openrouter", cwd=repo)
    for form in ("dotenv", "json"):
        assert cli("env", "--format", form, cwd=repo).code == 2
    found = json.loads(cli("env", "--format", "json", "--with-key", cwd=repo).out)
    assert (found[SENT], found[URL]) == (KEY, "https://openrouter.ai/api")
    assert all(isinstance(text, str) and text for text in found.values())
    lines = cli("env", "--format", "dotenv", "--with-key", cwd=repo).out.splitlines()
    assert dict(line.split("=", 1) for line in lines) == found
    assert f"export {SENT}={KEY}" in cli("env", "--with-key", cwd=repo).out
    assert cli("env", "ollama", "--format", "json", cwd=repo.parent).code == 0  # it needs no key


def test_a_key_is_not_printed_to_a_terminal(repo: Path, sealed: dict[str, str], key: str, cli: Cli) -> None:
    """It would stay in the scroll-back."""
    cli("openrouter", cwd=repo)
    reader, writer = pty.openpty()
    argv = [sys.executable, "-m", "llmswitch", "env", "--with-key"]
    done = subprocess.run(argv, cwd=repo, env=of_this_tree(sealed), stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    os.close(reader)
    assert done.returncode == 5
    assert b"terminal" in done.stderr


def test_a_key_that_nobody_saved_is_in_the_file_only(cli: Cli, repo: Path) -> None:
    """No command prints it again."""
    cli("openrouter", "--key-stdin", cwd=repo, text=KEY)
    reply = cli("env", cwd=repo)
    assert reply.code == 4
    assert "--with-key" in reply.err
    assert KEY in cli("env", "--with-key", cwd=repo).out


def test_a_helpers_pin_calls_its_helper(cli: Cli, repo: Path, sealed: dict[str, str], key: str) -> None:
    """Which is the same command."""
    cli("openrouter", "--key-helper", cwd=repo)
    reply = cli("env", cwd=repo)
    assert said(["sh", "-c"], reply.out, sealed)[1] == KEY


def test_a_settings_file_that_beats_exports_is_named(cli: Cli, repo: Path, tmp_path: Path, key: str) -> None:
    """Main's pin, the shared file, the user's; the pin's own values are none."""
    linked = tmp_path / "linked"
    git(repo, "worktree", "add", "--quiet", str(linked))
    cli("openrouter", cwd=repo)
    for folder in (repo, linked):
        assert cli("env", "openrouter", cwd=folder).code == 0
        assert cli("env", cwd=folder).code == 0
    reply = cli("env", "deepseek", cwd=linked)
    assert reply.code == 5
    assert str(settings_of(repo)) in reply.err
    cli("claude", cwd=repo)
    (repo / ".claude").mkdir(exist_ok=True)
    shared = repo / ".claude" / "settings.json"
    shared.write_text('{"env": {"ANTHROPIC_MODEL": "opus"}}')
    reply = cli("env", "deepseek", cwd=repo)
    assert reply.code == 5
    assert f"{shared} sets ANTHROPIC_MODEL" in reply.err
    assert cli("env", "deepseek", cwd=tmp_path).code == 0


def test_what_readers_do_not_agree_on_is_refused(cli: Cli, own: Path, repo: Path, key: str) -> None:
    """docker takes quotes as they are, others take them away."""
    (own / "odd.json5").write_text('{extends: "ollama", env: {MINE: "a b#c"}}')
    assert cli("env", "odd", "--format", "dotenv", cwd=repo).code == 2
    assert json.loads(cli("env", "odd", "--format", "json", cwd=repo).out)["MINE"] == "a b#c"
    assert "export MINE='a b#c'" in cli("env", "odd", cwd=repo).out


def test_nothing_is_needed_but_the_shell(cli: Cli, repo: Path, key: str) -> None:
    """The exports are plain lines."""
    cli("openrouter", cwd=repo)
    assert shutil.which("sh")
    assert all(line.split()[0] in ("export", "unset") for line in cli("env", cwd=repo).out.splitlines())
