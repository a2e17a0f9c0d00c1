"""The terminal: streams that are closed, full or of another encoding, and arguments that look like a key."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Cli, git, settings_of


def shell(line: str, cwd: Path, **env: str) -> subprocess.CompletedProcess[bytes]:
    """Run a shell line in which `llmswitch` is ours."""
    script = f'llmswitch() {{ "{sys.executable}" -m llmswitch "$@"; }}; set -o pipefail; {line}'
    done = subprocess.run(["bash", "-c", script], cwd=cwd, env={**os.environ, **env}, capture_output=True)
    assert b"Traceback" not in done.stderr, done
    return done


def test_a_closed_pipe_does_not_leave_work_half_done(repo: Path, key: str) -> None:
    """`| head -1` has what it wanted, and every worktree is switched."""
    for name in ("one", "two"):
        git(repo, "worktree", "add", "--quiet", "--detach", str(repo.parent / name))
    done = shell("llmswitch openrouter --all | true", repo, LLMSWITCH_KEY_OPENROUTER=key)
    assert done.returncode == 0, done
    assert all(settings_of(folder).exists() for folder in (repo, repo.parent / "one", repo.parent / "two"))


@pytest.mark.parametrize("stream", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize("command", ["status", "openrouter", "save-key", "list"])
def test_a_closed_stream_is_no_crash(repo: Path, key: str, stream: str, command: str) -> None:
    """What can be done is done, and an answer that nobody can read is told by the exit code."""
    done = shell(f"llmswitch {command} {stream}", repo, LLMSWITCH_KEY_OPENROUTER=key)
    assert done.returncode == (4 if command == "save-key" else 1 if ">&-" in stream.split() else 0), done
    assert settings_of(repo).exists() == (command == "openrouter")


def test_a_full_disk_behind_the_answer_is_told(repo: Path, key: str) -> None:
    """The switch is done, the answer is lost, and the two are told apart."""
    done = shell("llmswitch openrouter > /dev/full", repo, LLMSWITCH_KEY_OPENROUTER=key)
    assert done.returncode == 1
    assert b"what was asked is done, but the answer could not be printed" in done.stderr
    assert settings_of(repo).exists()


def test_an_encoding_that_lacks_a_letter_is_no_crash(repo: Path, key: str) -> None:
    """It is escaped."""
    done = shell("llmswitch openrouter", repo, LLMSWITCH_KEY_OPENROUTER=key, PYTHONIOENCODING="latin-1")
    assert done.returncode == 0
    assert b"\\u2192" in done.stdout


@pytest.mark.parametrize("line", ["--haiku $'\\xff'", "$'\\xff'", "--model $'a\\x1bb'", "-w $'\\xff'"])
def test_arguments_that_are_no_text_are_refused(repo: Path, key: str, line: str) -> None:
    """With exit 1 or 2, and nothing is written."""
    done = shell(f"llmswitch openrouter {line}", repo, LLMSWITCH_KEY_OPENROUTER=key)
    assert done.returncode in (1, 2), done
    assert not settings_of(repo).exists()


def test_what_is_claude_codes_is_not_searched_for_keys(cli: Cli, repo: Path, tmp_path: Path) -> None:
    """Behind `run --` a text may look like a key, and so may the name of a folder that exists."""
    folder = repo.parent / "sk-project-0123456789abc"
    git(repo, "worktree", "add", "--quiet", "--detach", str(folder))
    assert cli("status", "-w", str(folder), cwd=repo).code == 0
    fake = tmp_path / "bin"
    fake.mkdir()
    (fake / "claude").write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    (fake / "claude").chmod(0o755)
    words = ["-p", "what is sk-or-v1-0123456789abcdef?"]
    reply = cli("run", "--", *words, cwd=repo, env={"PATH": f"{fake}:{os.environ['PATH']}"})
    assert (reply.code, reply.out.splitlines()[2:]) == (0, words)  # behind --session-id ID
    assert cli("save-key", "--", "sk-or-v1-0123456789abcdef").code == 2


def test_an_error_about_our_words_is_not_one_about_claude_codes(cli: Cli, repo: Path) -> None:
    """What stands behind `run … --` may be as long as a key."""
    reply = cli("run", "no-such", "--", "-p", "a1b2c3d4e5f6a7b8c9d0e1f2a3b4c5d6e7f8", cwd=repo)
    assert reply.code == 2
    assert "no-such" in reply.err
    assert "looks like a key" not in reply.err


@pytest.mark.parametrize("words", ["--help", "-h", "list --help", "--version", "help", "list", "status"])
def test_help_that_nobody_reads_is_no_failure(repo: Path, words: str) -> None:
    """`| true` has what it wanted before anything was printed."""
    done = shell(f"llmswitch {words} | true", repo)
    assert (done.returncode, done.stderr) == (0, b""), done
