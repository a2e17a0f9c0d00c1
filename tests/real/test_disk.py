"""Disks that are full, read-only or out of inodes, each mounted for one switch in a private mount namespace."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import KEY, require, settings_of
from support import small_disk
from support.programs import absent
from test_switch import write

FAULTS = [case for case in small_disk.CASES if case != "room enough"]


def on_small_disk(case: str, tmp_path: Path, environ: dict[str, str]) -> dict[str, object]:
    """Run one case and return its report."""
    require(absent("unshare", "mount"))
    probe = subprocess.run(["unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True)
    require(None if probe.returncode == 0 else "needs root, to mount a file system for itself alone")
    argv = ["unshare", "--mount", sys.executable, small_disk.__file__, case, str(tmp_path)]
    done = subprocess.run(argv, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    report: dict[str, object] = json.loads(done.stdout)
    return report


@pytest.mark.parametrize("case", FAULTS)
def test_a_disk_that_takes_nothing(case: str, tmp_path: Path, sealed: dict[str, str], key: str) -> None:
    """safety-41, -43, -44: the file and its mode are as they were, nothing is left beside it, and it is named."""
    report = on_small_disk(case, tmp_path, sealed)
    err = str(report["err"])
    assert report["code"] in (1, 5), report
    assert str(Path(str(report["path"])).parents[1]) in err, report
    assert "changed." in err or "got a rule" in err, report
    assert "Traceback" not in err
    assert "a bug in llmswitch" not in err
    assert report["content"] == (None if case.endswith("no file yet") else small_disk.OLD)
    assert report["mode"] in (None, 0o640)
    assert report["litter"] == []


def test_a_disk_with_room(tmp_path: Path, sealed: dict[str, str], key: str) -> None:
    """The same frame without a fault: the switch is made, so it is the fault that the others end in."""
    report = on_small_disk("room enough", tmp_path, sealed)
    assert report["code"] == 0, report
    assert KEY in str(report["content"])


@pytest.mark.parametrize("arguments", [["status"], ["list"], ["--help"], ["print-key", "openrouter"], ["openrouter"]])
def test_an_answer_that_cannot_be_printed(arguments: list[str], repo: Path, sealed: dict[str, str], key: str) -> None:
    """safety-54: a full device is exit 1 and a word on stderr; what was done is done."""
    path = write(repo, "{}")
    argv = [sys.executable, "-m", "llmswitch", *arguments]
    with open("/dev/full", "w") as full:
        done = subprocess.run(argv, cwd=repo, env=sealed, stdout=full, stderr=subprocess.PIPE, text=True)
    assert (done.returncode, "No space left" in done.stderr) == (1, True), done
    assert "Traceback" not in done.stderr
    assert (key in path.read_text()) == (arguments == ["openrouter"])


def test_no_standard_files_at_all(repo: Path, sealed: dict[str, str], key: str) -> None:
    """safety-54: none of our own files takes the number of one; nobody can be told, but the exit code says it."""
    argv = ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", sys.executable, "-m", "llmswitch", "openrouter"]
    assert subprocess.run(argv, cwd=repo, env=sealed, check=False).returncode == 1
    assert json.loads(settings_of(repo).read_text())["env"]["ANTHROPIC_AUTH_TOKEN"] == key
    assert os.listdir(repo / ".claude") == ["settings.local.json"]
