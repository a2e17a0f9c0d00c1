"""scripts/try: the main job in a sandbox, in an environment that has nothing, and nothing of it stays."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.terminal import Terminal
from support.tree import ROOT

SCRIPT = [sys.executable, str(ROOT / "scripts" / "try.py")]
PORT = 28765


def checkout() -> set[Path]:
    """Return all files of the checkout, but for git's, the environment's and what Python compiles."""
    apart = {".git", ".venv", ".cache", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis"}
    return {path for path in ROOT.rglob("*") if not apart & set(path.parts)}


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[dict[str, str]]:
    """An environment with a path to git and a temporary folder, and not even a home."""
    (tmp_path / "tmp").mkdir()
    yield {"PATH": os.defpath, "TMPDIR": str(tmp_path / "tmp")}
    assert list((tmp_path / "tmp").iterdir()) == []


def run(environ: dict[str, str], cwd: Path) -> str:
    """Run the sandbox and return what it shows."""
    done = subprocess.run(SCRIPT, env=environ, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    return done.stdout


def test_it_does_the_main_job_twice_and_leaves_no_file(empty: dict[str, str], tmp_path: Path) -> None:
    """Two worktrees ask two backends with the key; afterwards the checkout and the temporary folder are as before."""
    before = checkout()
    first = run(empty, tmp_path)
    assert "You asked for google/gemini-2.5-pro, with the key that ends in fake." in first
    assert "You asked for deepseek/deepseek-v3.2, with the key that ends in fake." in first
    assert "sk-or-v1-0000" not in first
    assert first.index("~/app-glm  ") > first.index("llmswitch status --all")
    assert first.endswith("nothing of it is left on this machine.\n")
    second = run(empty, tmp_path)
    assert second.count("\n") == first.count("\n")
    assert checkout() == before
    assert sorted(path.name for path in tmp_path.iterdir() if path.name not in ("home", "gitconfig")) == ["tmp"]


def test_a_port_that_is_taken_is_no_obstacle(empty: dict[str, str], tmp_path: Path) -> None:
    """It takes another one."""
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", PORT))
        taken.listen()
        assert "with the key that ends in fake" in run(empty, tmp_path)


def test_a_shell_in_it_has_everything_and_goes_too(empty: dict[str, str], tmp_path: Path) -> None:
    """`--shell`: llmswitch and claude are there, for `llmswitch run` too; `exit` takes all away."""
    environ = {**empty, "SHELL": "/bin/sh", "TERM": "dumb"}
    with Terminal([*SCRIPT, "--shell"], tmp_path, environ) as terminal:
        terminal.expect("A shell in the sandbox")
        terminal.send("cd ../app-cheap && llmswitch run; echo done-$?\n")
        terminal.expect("You asked for deepseek/deepseek-v3.2")
        terminal.expect("done-0")
        terminal.send("exit\n")
        terminal.expect("nothing of it is left")
        assert terminal.wait() == 0


def test_it_is_gone_when_it_is_ended_early(empty: dict[str, str], tmp_path: Path) -> None:
    """By a signal, in the middle."""
    with subprocess.Popen(SCRIPT, env=empty, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        while "status --all" not in process.stdout.readline():
            pass
        process.terminate()
        process.stdout.read()
    assert process.returncode == 143
