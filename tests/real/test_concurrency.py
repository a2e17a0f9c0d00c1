"""Several writers of one file, with and without our lock: nobody's update is lost."""

from __future__ import annotations

import contextlib
import fcntl
import json
import multiprocessing
import os
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import git, settings_of
from support.faults import USERS, environ
from support.warm import Warm
from test_switch import write

from llmswitch.base.errors import LlmswitchError
from llmswitch.base.secret import digest
from llmswitch.settings.change import Change
from llmswitch.settings.file import SettingsFile
from llmswitch.settings.settings import Settings
from llmswitch.settings.state import Record

# Not forked from the test's own process, which has threads.
SPAWN = multiprocessing.get_context("spawn")


def update(folder: str, name: str, value: str) -> bool:
    """Set one variable, through the whole write: lock, compare, rename."""

    def edit(settings: Settings | None) -> Change:
        after = (settings or Settings("{}")).with_members({name: json.dumps(value)})
        return Change(settings, after, Record())

    return SettingsFile(folder, os.path.join(folder, "locks")).change(edit, True, lambda change: None)[1]


def many_updates(folder: str, writer: int, count: int) -> None:
    """Set variables of this writer's own, one write each."""
    for number in range(count):
        update(folder, f"W{writer}_{number}", "x")


def foreign_writer(folder: str, go_on: float, seed: int) -> None:
    """Write as Claude Code does, about three times a second: read, temporary file, rename, and no lock."""
    path, chance, count = Path(folder, ".claude", "settings.local.json"), random.Random(seed), 0
    while time.monotonic() < go_on:
        data = json.loads(path.read_bytes())
        data.setdefault("permissions", {}).setdefault("allow", []).append(f"Bash({count})")
        temporary = path.with_suffix(".theirs")
        temporary.write_text(json.dumps(data, indent=2))
        temporary.rename(path)
        count += 1
        time.sleep(chance.uniform(0.2, 0.46))
    Path(folder, "count").write_text(str(count))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a settings file."""
    write(tmp_path, '{"env": {"EDITOR": "vi"}}')
    return tmp_path


@pytest.fixture
def start() -> Iterator[Callable[..., None]]:
    """Start a function in a process of its own; all end, well, with the test."""
    started = []

    def run(work: Callable[..., None], *arguments: object) -> None:
        process = SPAWN.Process(target=work, args=arguments)
        process.start()
        started.append(process)

    yield run
    for process in started:
        process.join()
        assert process.exitcode == 0


def env_of(folder: Path) -> dict[str, str]:
    """Return the variables in the settings file."""
    env: dict[str, str] = json.loads(settings_of(folder).read_bytes())["env"]
    return env


def test_eight_writers_of_fifty_updates_lose_none(folder: Path) -> None:
    """safety-58: each writer sets variables of its own in one file, one write each; all are there in the end."""
    writers = [SPAWN.Process(target=many_updates, args=(str(folder), writer, 50)) for writer in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0] * 8
    expected = {f"W{writer}_{number}" for writer in range(8) for number in range(50)}
    assert set(env_of(folder)) == expected | {"EDITOR"}


def test_eight_processes_of_fifty_switches_lose_nothing(tmp_path: Path) -> None:
    """safety-58: whole switches to four presets, in one repository; the user's own file comes back in the end."""
    home, repo = tmp_path / "home-58", tmp_path / "repo"
    home.mkdir()
    git(tmp_path, "init", "--quiet", str(repo))
    path = write(repo, USERS)
    with contextlib.ExitStack() as stack:
        switchers = [stack.enter_context(Warm(environ(home))) for _ in range(8)]
        for switcher, preset in zip(switchers, ("openrouter", "deepseek", "devstral", "claude") * 2, strict=True):
            switcher.start(preset, cwd=repo, times=50)
        assert [switcher.wait().code for switcher in switchers] == [0] * 8
        assert switchers[0].run("claude", cwd=repo).code == 0
    assert path.read_bytes() == USERS
    assert os.listdir(path.parent) == [path.name]


def test_beside_a_writer_without_a_lock_nothing_is_lost(folder: Path, start: Callable[..., None]) -> None:
    """safety-60: thirty runs of ours within its writes at three a second; ours and theirs are all there."""
    start(foreign_writer, str(folder), time.monotonic() + 12, 1)
    chance = random.Random(2)
    for number in range(30):
        update(str(folder), f"OURS_{number}", "x")
        time.sleep(chance.uniform(0.1, 0.4))
    while not (folder / "count").exists():
        time.sleep(0.05)
    data = json.loads(settings_of(folder).read_bytes())
    assert {f"OURS_{number}" for number in range(30)} <= set(data["env"])
    count = int((folder / "count").read_text())
    assert data["permissions"]["allow"] == [f"Bash({number})" for number in range(count)]


def test_an_update_that_another_program_overwrites_is_made_again(folder: Path) -> None:
    """safety-60: it had read the file before our rename and puts its own version there after it."""
    path = settings_of(folder)
    theirs = json.dumps({"env": {"EDITOR": "emacs"}})
    write(folder, '{"env": {"EDITOR": "ed"}}')
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        if not slept:
            path.write_text(theirs)
        slept.append(seconds)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "sleep", sleep)
        assert update(str(folder), "OURS", "x") is True
    assert env_of(folder) == {"EDITOR": "emacs", "OURS": "x"}


def test_our_own_writes_one_after_the_other_are_not_waited_for(folder: Path) -> None:
    """safety-60: the second look is for other programs' writes; after one of ours there is none."""
    os.utime(settings_of(folder), (1, 1))
    slept: list[float] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "sleep", slept.append)
        for number in range(3):
            update(str(folder), f"OURS_{number}", "x")
    assert slept == []


def lock_of(folder: Path) -> Path:
    """Return the lock file of a folder's settings file."""
    path = folder / "locks" / digest(str(settings_of(folder)))
    path.parent.mkdir(exist_ok=True)
    return path


def test_a_lock_that_stays_taken_ends_with_the_files_name(folder: Path) -> None:
    """safety-59: after the time limit, and the file is as it was."""
    before = settings_of(folder).read_bytes()
    with open(lock_of(folder), "w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(LlmswitchError) as caught:
            update(str(folder), "OURS", "x")
    assert str(settings_of(folder)) in str(caught.value)
    assert "5 seconds" in str(caught.value)
    assert "Nothing was changed." in str(caught.value)
    assert settings_of(folder).read_bytes() == before


def hold(path: str, ready: str) -> None:
    """Take a lock and keep it until killed."""
    with open(path, "w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        Path(ready).touch()
        time.sleep(60)


def test_a_killed_holder_frees_the_lock(folder: Path) -> None:
    """safety-59: the kernel does, so that no lock is ever stale."""
    holder = SPAWN.Process(target=hold, args=(str(lock_of(folder)), str(folder / "ready")))
    holder.start()
    while not (folder / "ready").exists():
        time.sleep(0.01)
    holder.kill()
    holder.join()
    assert update(str(folder), "OURS", "x") is True
