"""Programs that save a settings file in place, beside a switch: nothing of theirs is lost without a word."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmswitch.base.errors import LlmswitchError
from llmswitch.settings import others
from llmswitch.settings.change import Change
from llmswitch.settings.file import Seen, SettingsFile
from llmswitch.settings.settings import Settings
from llmswitch.settings.state import Record

THEIRS = '{"permissions": {"deny": ["Bash(rm *)"]}}'
EDITED = '{"permissions": {"deny": ["Bash(rm *)", "Read(.env)"]}, "hooks": {}}'


def pin(found: Settings | None) -> Change:
    """Put a member in."""
    before = found or Settings("")
    return Change(found, before.with_members({"ANTHROPIC_BASE_URL": '"https://x.example"'}), Record())


@pytest.fixture
def file(tmp_path: Path) -> SettingsFile:
    """A settings file with rules of the user's, changed long ago."""
    (tmp_path / ".claude").mkdir(exist_ok=True)
    made = SettingsFile(str(tmp_path), str(tmp_path / "locks"))
    Path(made.path).write_text(THEIRS)
    os.utime(made.path, (1_000_000_000, 1_000_000_000))
    return made


class Editor:
    """Empties a file in place, waits, and fills it in parts."""

    def __init__(self, path: str, seconds: float, parts: int = 1, text: str = EDITED) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_TRUNC)
        self._seconds, self._parts, self._data = seconds, parts, text.encode()
        self._thread = threading.Thread(target=self._fill)
        self._thread.start()

    def _fill(self) -> None:
        size = -(-len(self._data) // self._parts) if self._data else 1
        for start in range(0, len(self._data), size):
            time.sleep(self._seconds / self._parts)
            os.write(self._file, self._data[start : start + size])
        os.close(self._file)

    def wait(self) -> None:
        """Wait until it is done."""
        self._thread.join()


@pytest.mark.parametrize("seconds", [0.005, 0.05, 0.5, 1.8])
def test_a_file_that_is_empty_for_a_moment_is_waited_for(file: SettingsFile, seconds: float) -> None:
    """An editor has emptied it and not yet filled it when the switch begins."""
    editor = Editor(file.path, seconds)
    file.change(pin, True, lambda change: None)
    editor.wait()
    found = json.loads(Path(file.path).read_text())
    assert found["permissions"]["deny"] == ["Bash(rm *)", "Read(.env)"]
    assert found["env"] == {"ANTHROPIC_BASE_URL": "https://x.example"}
    assert file.notices == []


@pytest.mark.parametrize("seconds", [0.005, 0.5, 1.8])
@pytest.mark.parametrize("parts", [1, 3])
def test_what_is_written_to_the_old_file_is_taken(
    file: SettingsFile, monkeypatch: pytest.MonkeyPatch, seconds: float, parts: int
) -> None:
    """The editor opens it between our last look and the rename."""
    editors: list[Editor] = []
    looked = Seen.is_as_seen

    def then_opened(seen: Seen) -> bool:
        same = looked(seen)
        if not editors:
            editors.append(Editor(file.path, seconds, parts))
        return same

    monkeypatch.setattr(Seen, "is_as_seen", then_opened)
    file.change(pin, True, lambda change: None)
    editors[0].wait()
    found = json.loads(Path(file.path).read_text())
    assert found["permissions"]["deny"] == ["Bash(rm *)", "Read(.env)"]
    assert found["env"] == {"ANTHROPIC_BASE_URL": "https://x.example"}


def test_what_is_no_settings_file_is_put_back_as_it_is(file: SettingsFile, monkeypatch: pytest.MonkeyPatch) -> None:
    """The switch is not made, and the message says what happened."""
    monkeypatch.setattr(others, "FILLED_SECONDS", 0.1)
    looked = Seen.is_as_seen

    def then_broken(seen: Seen) -> bool:
        same = looked(seen)
        Path(file.path).write_text("{ // mine\n}")
        return same

    monkeypatch.setattr(Seen, "is_as_seen", then_broken)
    with pytest.raises(LlmswitchError, match="was put back"):
        file.change(pin, True, lambda change: None)
    assert Path(file.path).read_text() == "{ // mine\n}"


def test_a_file_that_stays_empty_is_told(file: SettingsFile, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the wait the switch goes on; an old empty file is no news."""
    monkeypatch.setattr(others, "FILLED_SECONDS", 0.2)
    Path(file.path).write_text("\n")
    file.change(pin, True, lambda change: None)
    assert "was empty" in " ".join(file.notices)
    file.notices.clear()
    Path(file.path).write_text("")
    os.utime(file.path, (1_000_000_000, 1_000_000_000))
    monkeypatch.setattr(others, "FILLED_SECONDS", 0.0)
    file.change(pin, True, lambda change: None)
    assert file.notices == []


Write = Callable[[Path, str], None]


@pytest.mark.many
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(st.tuples(st.floats(0, 0.05), st.floats(0, 0.03), st.integers(1, 3)), min_size=1, max_size=4))
def test_random_writers_beside_switches_lose_nothing(
    tmp_path_factory: pytest.TempPathFactory, saves: list[tuple[float, float, int]]
) -> None:
    """Each save of theirs stands in the file at the end, or is told; the pin too, unless they wrote after it."""
    folder = tmp_path_factory.mktemp("beside")
    (folder / ".claude").mkdir()
    file = SettingsFile(str(folder), str(folder / "locks"))
    Path(file.path).write_text(THEIRS)
    last = json.dumps({"permissions": {"deny": [f"Bash({len(saves)})"]}})

    def write() -> None:
        for number, (pause, held, parts) in enumerate(saves, 1):
            time.sleep(pause)
            Editor(file.path, held, parts, json.dumps({"permissions": {"deny": [f"Bash({number})"]}})).wait()

    writer = threading.Thread(target=write)
    writer.start()
    told = []
    for _ in range(2):
        try:
            file.change(pin, True, lambda change: None)
        except LlmswitchError as error:
            told.append(str(error))
        told += file.notices
    writer.join()
    found = Path(file.path).read_text()
    assert told or json.loads(found)["permissions"] == json.loads(last)["permissions"], (found, saves)
