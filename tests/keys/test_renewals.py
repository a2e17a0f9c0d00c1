"""Keys over their life: any order of commands against a small model, and renewals that are killed."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from support.machine import NAME, Machine, key_in, settings

from llmswitch.base.errors import LlmswitchError
from llmswitch.keys.hashes import CURRENT, DELETED, OLDER

KEYS = [f"sk-or-v1-canary{number}-0123456789abcdef0123456789" for number in range(4)]
HANDS = "sk-hand-0123456789abcdef0123456789abcdef"
EXTRA = '{\n  "permissions": {"allow": ["Bash(ls:*)"]}\n}\n'
# What changes something on the disk, each a place where a run may end.
STEPS = ("replace", "fsync", "unlink", "mkdir", "chmod", "write")


class Life(RuleBasedStateMachine):
    """Save, switch, renew, delete, back, hand edits and moved worktrees."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.machine = Machine(self.folder / "machine")
        first, second = (self.machine.repository(name, f"{name}-linked") for name in ("one", "two"))
        self.places = [first[1], second[0]]
        self.saved: str | None = None
        self.ever: list[str] = []
        self.holds = ["", ""]
        self.ours = [False, False]  # the last switch took its key from the keyring
        self.moves = 0
        for place in self.places:
            settings(place).parent.mkdir()
            settings(place).write_text(EXTRA)

    def teardown(self) -> None:
        """Leave nothing."""
        shutil.rmtree(self.folder)

    @rule(key=st.sampled_from(KEYS))
    def save(self, key: str) -> None:
        """The saved key is the newest."""
        self.machine.save(key)
        self.saved = key
        self.ever.append(key)

    @rule(at=st.integers(0, 1), preset=st.sampled_from(["openrouter", "deepseek", "claude"]), discard=st.booleans())
    def switch(self, at: int, preset: str, discard: bool) -> None:
        """A pin gets the saved key; a key that somebody put there is never dropped."""
        foreign = self.holds[at] == HANDS and not discard
        missing = self.saved is None and preset != "claude"
        try:
            self.machine.switch(self.places[at], preset, discard_key=discard)
        except LlmswitchError:
            assert foreign or missing
            return
        assert not foreign
        assert not missing
        self.holds[at] = "" if preset == "claude" else str(self.saved)
        self.ours[at] = preset != "claude"

    @rule(at=st.integers(0, 1))
    def back(self, at: int) -> None:
        """It brings no key but the saved one, or takes the pin away."""
        try:
            self.machine.back(self.places[at])
        except LlmswitchError:
            return
        self.holds[at] = key_in(self.places[at])
        assert self.holds[at] in ("", self.saved)
        self.ours[at] = self.holds[at] != ""

    @rule()
    def renew(self) -> None:
        """Every older key that came from the keyring becomes the saved one, and no other key does."""
        if self.saved is None:
            with pytest.raises(LlmswitchError):
                self.machine.renew()
            return
        assert self.machine.renew() == 0
        for at, held in enumerate(self.holds):
            if self.ours[at] and held in self.ever:
                self.holds[at] = self.saved

    @rule()
    def delete(self) -> None:
        """The keyring has none; the files are as they were."""
        self.machine.delete()
        self.saved = None

    @rule(at=st.integers(0, 1), key=st.sampled_from([HANDS, *KEYS]))
    def edit(self, at: int, key: str) -> None:
        """Somebody puts another key into the file."""
        path = settings(self.places[at])
        if self.holds[at] and key not in (set(KEYS) - set(self.ever)):
            path.write_text(path.read_text().replace(self.holds[at], key))
            self.holds[at] = key

    @rule()
    def move(self) -> None:
        """The linked worktree is somewhere else now."""
        self.moves += 1
        new = self.folder / "machine" / f"moved-{self.moves}"
        self.machine.git(self.folder / "machine" / "one", "worktree", "move", str(self.places[0]), str(new))
        self.places[0] = new

    @invariant()
    def every_file_holds_what_it_should(self) -> None:
        """And the user's own members."""
        assert [key_in(place) for place in self.places] == self.holds
        assert all("Bash(ls:*)" in settings(place).read_text() for place in self.places)

    @invariant()
    def a_key_is_known_by_its_hash(self) -> None:
        """Without the keyring."""
        for key in set(self.ever):
            expected = CURRENT if key == self.saved else DELETED if self.saved is None else OLDER
            assert self.machine.state(key) == expected
        assert self.machine.state(HANDS) is None

    @invariant()
    def no_record_holds_a_key(self) -> None:
        """In no file of ours."""
        for path in self.machine.records():
            assert b"canary" not in path.read_bytes(), path


def test_any_life_of_keys() -> None:
    """Any order of commands, against the model."""
    many = os.environ.get("LLMSWITCH_TEST_TIER") == "all"
    run_state_machine_as_test(
        Life, settings=hypothesis_settings(max_examples=150 if many else 5, stateful_step_count=12)
    )


def _killed_after(steps: int, machine: Machine) -> bool:
    """Renew in a child that ends without a word after so many changes of the disk; say whether it ended by itself."""
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    left = steps

    def counted(name: str) -> Any:
        real = getattr(os, name)

        def call(*words: Any, **named: Any) -> Any:
            nonlocal left
            left -= 1
            if left < 0:
                os._exit(137)
            return real(*words, **named)

        return call

    for name in STEPS:
        setattr(os, name, counted(name))
    os._exit(machine.renew())


@pytest.mark.parametrize("every", [23, pytest.param(1, marks=pytest.mark.long)])
def test_a_killed_renewal_is_ended_by_the_next(tmp_path: Path, every: int) -> None:
    """Six files, killed at every step: each holds the old or the new key, whole, and a second renewal ends it."""
    machine = Machine(tmp_path / "machine")
    places = [place for name in ("one", "two") for place in machine.repository(name, f"{name}-a", f"{name}-b")]
    old, new = KEYS[0], KEYS[1]
    machine.save(old)
    for place in places[1:3] + places[4:]:
        machine.switch(place, "openrouter")
    for main in (places[0], places[3]):
        machine.switch(main, "openrouter")
    whole = {place: settings(place).read_bytes() for place in places}
    steps, ended, seen = 0, False, set()
    while not ended:
        machine.save(new)
        ended = _killed_after(steps, machine)
        found = [settings(place).read_bytes() for place in places]
        for place, data in zip(places, found, strict=True):
            assert data in (whole[place], whole[place].replace(old.encode(), new.encode()))
        seen.add(sum(new.encode() in data for data in found))
        assert machine.renew() == 0
        assert [key_in(place) for place in places] == [new] * 6
        for place in places:  # no file of ours is left, and the key is known for ours: a switch does not refuse
            assert os.listdir(settings(place).parent) == ["settings.local.json"]
        machine.switch(places[1], "openrouter")
        machine.save(old)
        assert machine.renew() == 0
        assert {place: settings(place).read_bytes() for place in places} == whole
        steps += every
    assert seen == set(range(7)) or every > 1
    assert NAME in machine.shelf.kept


def test_pins_move_over_to_a_helper(tmp_path: Path) -> None:
    """The key leaves the files; one that came from elsewhere stays, and so does what was overridden."""
    machine = Machine(tmp_path / "machine")
    first, second, third = machine.repository("one", "one-a", "one-b")
    machine.save(KEYS[0])
    machine.switch(second, "openrouter")
    machine.switch(third, "openrouter")
    machine.save(KEYS[1])
    machine.switch(first, "openrouter")  # main last: it would be followed
    assert machine.renew(helper=True) == 0
    for place in (first, second, third):
        assert "canary" not in settings(place).read_text()
        assert "print-key --preset openrouter" in settings(place).read_text()
    machine.back(first)
    assert key_in(first) == KEYS[1]
    machine.renew()
