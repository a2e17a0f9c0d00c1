"""Switches that are killed at random moments, and what they leave: `scripts/long/crash [KILLS] [SEED]`."""

from __future__ import annotations

import os
import random
import signal
import stat
import sys
import tempfile
import time
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))

from support.faults import KEY, USERS, environ
from support.warm import Warm

PINS = ("openrouter", "deepseek", "devstral")


class Result:
    """What became of the switches: `torn` describes each file that was neither the old one nor the new one."""

    def __init__(self) -> None:
        self.runs = self.killed = self.before = self.after = self.swept = 0
        self.torn: list[str] = []

    def __str__(self) -> str:
        return (
            f"{self.killed} of {self.runs} switches killed before their end: {len(self.torn)} torn, "
            f"{self.before} old, {self.after} new; {self.swept} temporary files left, which the next switch removed"
        )


class Target:
    """A folder outside any repository, so that git takes none of the time; it is pinned to one thing after another."""

    def __init__(self, folder: Path, warm: Warm) -> None:
        self._folder, self._warm = folder, warm
        self._settings = folder / ".claude" / "settings.local.json"
        self._settings.parent.mkdir(parents=True)
        self._settings.write_bytes(USERS)
        self.contents = {pin: self._pinned(pin) for pin in PINS}
        self.now = PINS[-1]
        start = time.monotonic()
        for pin in PINS * 3:
            self._pinned(pin)
        self.length = (time.monotonic() - start) / (3 * len(PINS))

    def _pinned(self, pin: str) -> bytes:
        ended = self._warm.run(pin, cwd=self._folder)
        assert ended.code == 0, ended
        return self._settings.read_bytes()

    def one(self, chance: random.Random, result: Result) -> None:
        """Start a switch, kill it somewhere, and look."""
        pin = chance.choice([pin for pin in PINS if pin != self.now])
        pid = self._warm.start(pin, cwd=self._folder)
        time.sleep(chance.uniform(0, self.length))
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        result.runs += 1
        killed = self._warm.wait().code == 137
        result.killed += killed
        self.length *= 1.005 if killed else 0.98  # so that most are killed, and at any moment up to the end
        data = self._settings.read_bytes()
        if data not in (self.contents[self.now], self.contents[pin]):
            result.torn.append(f"{self.now} → {pin}: {len(data)} bytes")
        self._look_around(result)
        result.after += data == self.contents[pin]
        result.before += data == self.contents[self.now]
        self.now = next((name for name, content in self.contents.items() if content == data), self.now)

    def _look_around(self, result: Result) -> None:
        for path in self._settings.parent.iterdir():
            if path != self._settings:
                result.swept += 1
                assert path.name.startswith(".llmswitch-"), path
            if stat.S_IMODE(path.stat().st_mode) != 0o600 and KEY.encode() in path.read_bytes():
                result.torn.append(f"{path} can be read by others")

    def end(self, result: Result) -> None:
        """Undo everything, and see that the first file is back and nothing is left."""
        assert self._warm.run("claude", cwd=self._folder).code == 0
        if self._settings.read_bytes() != USERS or os.listdir(self._settings.parent) != [self._settings.name]:
            result.torn.append("the way back did not end at the first file")


def run(kills: int, folder: Path, seed: int) -> Result:
    """Kill that many switches and return what became of them."""
    result, chance = Result(), random.Random(seed)
    (folder / "kill-home").mkdir()
    with Warm(environ(folder / "kill-home")) as warm:
        target = Target(folder / "plain", warm)
        while result.killed < kills:
            target.one(chance, result)
        target.end(result)
    return result


def main() -> int:
    """Kill as many as the command line says, print the count and say whether nothing was torn."""
    words = sys.argv[1:]
    kills, seed = int(words[0]) if words else 10_000, int(words[1]) if len(words) > 1 else 1
    with tempfile.TemporaryDirectory() as folder:
        result = run(kills, Path(folder), seed)
    print(result, *result.torn[:20], sep="\n")
    return 1 if result.torn else 0


if __name__ == "__main__":
    sys.exit(main())
