"""The write: locked, compared, replaced in one rename, and nothing left behind."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from conftest import Cli, settings_of
from test_switch import write

from llmswitch.base.errors import LlmswitchError
from llmswitch.settings.change import Change
from llmswitch.settings.file import SettingsFile
from llmswitch.settings.settings import Settings
from llmswitch.settings.state import Record


@pytest.fixture
def file(tmp_path: Path) -> SettingsFile:
    """A settings file with one entry of the user's."""
    write(tmp_path, '{"env": {"EDITOR": "vi"}}')
    return SettingsFile(str(tmp_path), str(tmp_path / "locks"))


def add(settings: Settings | None) -> Change:
    """Add one variable."""
    return Change(settings, (settings or Settings("{}")).with_members({"A": '"x"'}), Record())


def test_a_change_between_our_read_and_our_rename_is_not_lost(file: SettingsFile) -> None:
    """safety-60: A writer that takes no lock, as Claude Code: its entry and ours are both there in the end."""
    others = [Path(file.path).read_text().replace("vi", "emacs"), None]

    def commit(change: Change) -> None:
        theirs = others.pop(0) if others else None
        if theirs:
            Path(file.path).write_text(theirs)

    assert file.change(add, True, commit)[1] is True
    assert json.loads(Path(file.path).read_text()) == {"env": {"EDITOR": "emacs", "A": "x"}}


def test_a_file_deleted_meanwhile_counts_as_changed(file: SettingsFile) -> None:
    """safety-62: The edit is asked again, about no file."""
    seen: list[bool] = []

    def edit(settings: Settings | None) -> Change:
        seen.append(settings is None)
        return add(settings)

    def commit(change: Change) -> None:
        if len(seen) == 1:
            os.unlink(file.path)

    file.change(edit, True, commit)
    assert seen == [False, True]


def test_a_file_that_never_holds_still_is_given_up(file: SettingsFile) -> None:
    """safety-60: After ten tries, with nothing of ours in it and no temporary file."""
    count = 0

    def commit(change: Change) -> None:
        nonlocal count
        count += 1
        Path(file.path).write_text(json.dumps({"count": count}))

    with pytest.raises(LlmswitchError, match="another program keeps changing it"):
        file.change(add, True, commit)
    assert json.loads(Path(file.path).read_text()) == {"count": 10}
    assert os.listdir(file.folder) == ["settings.local.json"]


def test_a_record_that_cannot_be_written_stops_the_switch(cli: Cli, repo: Path, key: str) -> None:
    """The state comes first: without it the way back would be lost. The settings file is named and unchanged."""
    write(repo, '{"a": 1}')
    (repo / ".git" / "llmswitch").write_text("in the way")
    reply = cli("openrouter", cwd=repo)
    assert reply.code == 1
    assert str(settings_of(repo)) in reply.err
    assert settings_of(repo).read_text() == '{"a": 1}'
    assert os.listdir(repo / ".claude") == ["settings.local.json"]


def test_leftovers_of_a_killed_run_are_swept(cli: Cli, repo: Path, key: str) -> None:
    """safety-50: They may hold a key."""
    write(repo, "{}")
    (repo / ".claude" / ".llmswitch-1-dead.tmp").write_text("sk-or-old")
    cli("openrouter", cwd=repo)
    assert os.listdir(repo / ".claude") == ["settings.local.json"]


def test_a_held_lock_ends_in_an_error_that_names_the_file(cli: Cli, repo: Path, key: str) -> None:
    """safety-59: Exit 1, and the file is as it was."""
    assert cli("openrouter", cwd=repo).code == 0
    before = settings_of(repo).read_bytes()
    (lock,) = (Path(os.environ["HOME"]) / ".local/state/llmswitch/locks").iterdir()
    with lock.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        reply = cli("deepseek", cwd=repo)
    assert reply.code == 1
    assert str(settings_of(repo)) in reply.err
    assert settings_of(repo).read_bytes() == before


def test_many_at_once_lose_nothing(cli: Cli, repo: Path, key: str) -> None:
    """safety-58: Each switch sees the one before it; the user's own entry survives them, and so does the way back."""
    write(repo, '{"env": {"EDITOR": "vi"}}')
    codes: list[int] = []

    def work(preset: str) -> None:
        codes.extend(cli(preset, cwd=repo).code for _ in range(4))

    threads = [
        threading.Thread(target=work, args=(preset,)) for preset in ("openrouter", "deepseek", "devstral", "claude")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(codes) == {0}
    assert cli("claude", cwd=repo).code == 0
    assert settings_of(repo).read_text() == '{"env": {"EDITOR": "vi"}}'


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)])
def test_signals_end_a_run_with_their_code_and_no_litter(
    cli: Cli, repo: Path, sealed: dict[str, str], key: str, number: int, code: int
) -> None:
    """safety-51: While it waits for a lock that is held."""
    cli("openrouter", cwd=repo)
    (lock,) = (Path(os.environ["HOME"]) / ".local/state/llmswitch/locks").iterdir()
    before = settings_of(repo).read_bytes()
    with lock.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        argv = [sys.executable, "-m", "llmswitch", "deepseek"]
        run = subprocess.Popen(argv, cwd=repo, env=sealed, stderr=subprocess.PIPE, stdout=subprocess.PIPE)
        wait_for_open(run, lock)
        run.send_signal(number)
        _, err = run.communicate(timeout=10)
    assert run.returncode == code
    assert b"Traceback" not in err
    assert settings_of(repo).read_bytes() == before
    assert os.listdir(repo / ".claude") == ["settings.local.json"]


def wait_for_open(run: subprocess.Popen[bytes], path: Path) -> None:
    """Wait until a process has a file open."""
    while run.poll() is None:
        for link in Path(f"/proc/{run.pid}/fd").iterdir():
            try:
                if os.readlink(link) == str(path):
                    return
            except FileNotFoundError:
                continue
    raise AssertionError(run.communicate())


def test_a_full_device_behind_stdout_is_told_and_the_switch_is_done(
    repo: Path, sealed: dict[str, str], key: str
) -> None:
    """Exit 1, and no claim that nothing was changed."""
    with open("/dev/full", "w") as full:
        argv = [sys.executable, "-m", "llmswitch", "openrouter"]
        done = subprocess.run(argv, cwd=repo, env=sealed, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1
    assert "is done" in done.stderr
    assert "Traceback" not in done.stderr
    assert settings_of(repo).exists()


def test_a_closed_pipe_is_quiet(repo: Path, sealed: dict[str, str]) -> None:
    """safety-54: As in `llmswitch list | head -1`."""
    read, written = os.pipe()
    os.close(read)
    argv = [sys.executable, "-m", "llmswitch", "list"]
    done = subprocess.run(argv, cwd=repo, env=sealed, stdout=written, stderr=subprocess.PIPE, text=True)
    os.close(written)
    assert done.stderr == ""
