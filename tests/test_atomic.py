"""What the write does where another system behaves unlike Linux; pretended, since none is at hand."""

from __future__ import annotations

import builtins
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from llmswitch.base import files as atomic
from llmswitch.base import lock
from llmswitch.base.errors import LlmswitchError


class InUse(PermissionError):
    """As Windows raises it while another program has the file open."""

    def __init__(self, winerror: int) -> None:
        super().__init__(13, "Permission denied")
        self.winerror = winerror


@pytest.fixture
def rename(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, int], list[float]]:
    """Let a rename fail so many times with that error of Windows; return the pauses made in between."""
    real, pauses = os.replace, list[float]()

    def pretend(times: int, winerror: int) -> list[float]:
        left = [times]

        def replace(source: str, target: str) -> None:
            left[0] -= 1
            if left[0] >= 0:
                raise InUse(winerror)
            real(source, target)

        monkeypatch.setattr(os, "replace", replace)
        monkeypatch.setattr("time.sleep", pauses.append)
        return pauses

    return pretend


@pytest.mark.parametrize("winerror", [5, 32, 33])
def test_a_file_that_is_open_elsewhere_is_waited_for(
    rename: Callable[[int, int], list[float]], tmp_path: Path, winerror: int
) -> None:
    """safety-57: an editor or a virus scanner has it, mostly briefly; 2.5 seconds at most."""
    path = tmp_path / "file"
    path.write_text("old")
    pauses = rename(7, winerror)
    assert atomic.replace(str(path), b"new", 0o600) is True
    assert path.read_text() == "new"
    assert sum(pauses) == pytest.approx(2.5)
    rename(8, winerror)
    with pytest.raises(PermissionError):
        atomic.replace(str(path), b"newer", 0o600)
    assert path.read_text() == "new"
    assert os.listdir(tmp_path / "home") == []
    assert not [name for name in os.listdir(tmp_path) if name.endswith(".tmp")]


def test_another_refusal_is_not_waited_for(rename: Callable[[int, int], list[float]], tmp_path: Path) -> None:
    """safety-57: what does not pass by itself."""
    pauses = rename(1, 1314)
    with pytest.raises(PermissionError):
        atomic.replace(str(tmp_path / "file"), b"new", 0o600)
    assert pauses == []


def test_a_lock_without_flock(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """safety-57, safety-59: on Windows msvcrt locks a byte; taken by another it is tried until the time is up."""
    real = builtins.__import__

    def no_fcntl(name: str, *arguments: Any, **named: Any) -> ModuleType:
        if name == "fcntl":
            raise ImportError(name)
        return real(name, *arguments, **named)

    taken: set[int] = set()
    windows = ModuleType("msvcrt")

    def locking(file: int, mode: int, count: int) -> None:
        if os.fstat(file).st_ino in taken:
            raise PermissionError
        taken.add(os.fstat(file).st_ino)

    vars(windows).update(LK_NBLCK=2, locking=locking)
    monkeypatch.setitem(sys.modules, "msvcrt", windows)
    monkeypatch.setattr(builtins, "__import__", no_fcntl)
    monkeypatch.setattr(lock, "LOCK_SECONDS", 0.1)
    with lock.Lock(str(tmp_path / "lock"), "the file"), pytest.raises(LlmswitchError, match="the file: another"):
        lock.Lock(str(tmp_path / "lock"), "the file").__enter__()
