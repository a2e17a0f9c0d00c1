"""The two commands of the README, from a fresh copy of the checkout."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import INSTALLER, git
from support.tree import ROOT


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    """A copy of what git has, in a folder with a space in its name."""
    folder = tmp_path / "fresh clone"
    names = git(ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")[:-1]
    for name in names:
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


def test_the_first_run_sets_itself_up_and_the_second_just_runs(fresh: Path, tmp_path: Path) -> None:
    """Answers on stdout only; nothing is installed twice."""
    command = [str(fresh / "scripts" / "llmswitch"), "list"]
    first = subprocess.run(command, capture_output=True, text=True, env=INSTALLER, cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    assert "Setting up" in first.stderr
    assert "openrouter" in first.stdout
    made = {path: path.stat().st_mtime_ns for path in (fresh / ".venv").glob("*")}
    second = subprocess.run(command, capture_output=True, text=True, env=INSTALLER, cwd=tmp_path)
    assert (second.stdout, second.stderr) == (first.stdout, "")
    assert {path: path.stat().st_mtime_ns for path in (fresh / ".venv").glob("*")} == made
    moved = fresh.rename(tmp_path / "renamed clone")  # its command would still start what was at the old place
    third = subprocess.run([moved / "scripts/llmswitch", "list"], capture_output=True, text=True, env=INSTALLER)
    assert (third.returncode, third.stdout) == (0, first.stdout), third.stderr
    assert "Setting up" in third.stderr


def test_an_interrupted_setup_is_done_again(fresh: Path, tmp_path: Path) -> None:
    """A half-made .venv is no reason to fail."""
    (fresh / ".venv" / "bin").mkdir(parents=True)
    (fresh / ".venv" / "bin" / "python").symlink_to("/nowhere/python")
    command = [str(fresh / "scripts" / "llmswitch"), "--version"]
    done = subprocess.run(command, capture_output=True, text=True, env=INSTALLER, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("llmswitch, version")
