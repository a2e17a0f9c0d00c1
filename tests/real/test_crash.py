"""Killed, or failing, at every system call of the write: the file is the old one or the new one, whole."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import require
from support import random_kills
from support.faults import SCENARIOS, Bench, Scenario, environ, failures, kills
from support.programs import absent
from support.warm import Warm


@pytest.fixture
def bench(tmp_path: Path, sealed: dict[str, str], scenario: Scenario) -> Iterator[Bench]:
    """A scenario, run by a warm process under strace."""
    require(absent("strace"))
    probe = subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True, text=True)
    require(None if probe.returncode == 0 else f"strace may not trace here: {probe.stderr}")
    with Warm(environ(Path(sealed["HOME"]))) as warm:
        yield Bench(tmp_path, scenario, warm)


every_scenario = pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)


@every_scenario
def test_a_kill_at_any_system_call_leaves_the_old_file_or_the_new_one(bench: Bench) -> None:
    """safety-50, safety-53: what has the key is 0600, git would commit none of it, and the next run cleans up."""
    points = kills(bench.calls())
    assert len(points) > 40
    for call in points:
        bench.killed_at(call)
    print(f"{bench.scenario.name}: {len(points)} kills")


@every_scenario
@pytest.mark.timeout(300)
def test_an_error_of_any_system_call_is_told_truly_and_leaves_no_litter(bench: Bench) -> None:
    """safety-41, -42, -43, -44, -45, -46, -47, -48, -49, -56: each call with each error that it can give.

    Exit 0 means the new file; another exit code the old one, unless the message says what was done.
    """
    points = list(failures(bench.calls()))
    assert len(points) > 100
    for call, error in points:
        bench.failing_at(call, error)
    print(f"{bench.scenario.name}: {len(points)} errors")


def test_random_kills_tear_nothing(tmp_path: Path, sealed: dict[str, str]) -> None:
    """safety-52: 500 here, 10,000 with scripts/long/crash."""
    result = random_kills.run(500, tmp_path, seed=1)
    assert result.torn == []
    assert result.killed == 500
    assert result.before > 50
    assert result.after > 50


def test_the_script_counts_kills(tmp_path: Path, sealed: dict[str, str]) -> None:
    """It prints what it did and fails where a file was torn."""
    argv = [sys.executable, str(Path(random_kills.__file__)), "20"]
    done = subprocess.run(argv, env={**sealed, "TMPDIR": str(tmp_path)}, capture_output=True, text=True, check=True)
    assert "20 of " in done.stdout
    assert "0 torn" in done.stdout
