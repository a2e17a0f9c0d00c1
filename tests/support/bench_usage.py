"""Measures `llmswitch usage` beside ccusage over a gigabyte of transcripts; `scripts/long/bench-usage` runs it."""

from __future__ import annotations

import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from .transcripts import Transcript

FILES, MESSAGES, PAD = 400, 250, 3_000  # so many files, messages in each, letters in a line
PEER = "ccusage@20.0.24"
ROUNDS = 7
KINDS = ("inputTokens", "outputTokens", "cacheReadTokens", "cacheCreationTokens")


def main(files: int = FILES) -> int:
    """Make the files, measure, print, and return 1 where a limit is not held or the totals differ."""
    with tempfile.TemporaryDirectory(prefix="bench-usage-") as folder:
        return _measure(Path(folder), files)


def _measure(folder: Path, files: int) -> int:
    _make(folder / "claude/projects", files)
    ours = [sys.executable, "-m", "llmswitch"]
    env = {"PATH": os.environ["PATH"], "HOME": str(folder), "CLAUDE_CONFIG_DIR": str(folder / "claude"),
           "PYTHONPATH": str(Path(__file__).parents[2] / "src")}  # fmt: skip
    usage = [*ours, "usage", "--everywhere", "--json"]
    peer = [str(_peer() / "node_modules/.bin/ccusage"), "claude", "daily", "--offline", "--json"]
    first, memory, answer = _run(usage, env)
    rows = {name: [] for name in ("unit", "help", "again", "peer")}  # type: dict[str, list[float]]
    words: Mapping[str, Sequence[str]] = {"unit": [sys.executable, "-c", "pass"], "help": [*ours, "--help"],
                                          "again": usage, "peer": peer}  # fmt: skip
    said = b""
    for _ in range(ROUNDS):
        for name in random.sample(list(words), len(words)):
            seconds, _, out = _run(words[name], env)
            rows[name].append(seconds)
            said = out if name == "peer" else said
    unit, idle, again, other = (statistics.median(rows[name]) for name in ("unit", "help", "again", "peer"))
    total, theirs = json.loads(answer)["total"], json.loads(said)["totals"]
    same = [total[name] for name in ("input", "output", "cache_read", "cache_write")] == [theirs[k] for k in KINDS]
    figures = {
        f"first run, of {PEER}": (first / other, 2.0),
        f"run with nothing appended, of {PEER}": (again / other, 0.2),
        "the same over --help, in units of an empty Python": ((again - idle) / unit, 2.0),
        "memory of the first run, in MB": (memory, 80.0),
    }
    print(f"{files} files, {files * MESSAGES:,} messages; CPU, medians of {ROUNDS} rounds; totals equal: {same}")
    for name, (value, limit) in figures.items():
        print(f"{name}: {value:.2f} (limit {limit:g})")
    return int(not same or any(value > limit for value, limit in figures.values()))


def _make(projects: Path, files: int) -> None:
    chance = random.Random(4)
    for number in range(files):
        made = Transcript(f"session-{number}", f"/work/w{number % 20}")
        made.moment += number * 3_600_000
        model = chance.choice(["google/gemini-2.5-pro", "mistralai/devstral-2512", "claude-sonnet-5-5"])
        for message in range(MESSAGES):
            made.user('some "text"\nof the tool ' * (PAD // 22))
            tokens = (
                chance.randrange(3_000),
                chance.randrange(2, 3_000),
                chance.randrange(150_000),
                chance.randrange(3_000),
            )
            made.moment += chance.randrange(5_000, 60_000)
            made.answer(tokens, model, blocks=1 + message % 2)
            made.lines[-1]["message"]["content"][0]["text"] = 'x = "a"\n' * (PAD // 8)
        made.write(projects)


def _peer() -> Path:
    folder = Path(__file__).parents[2] / ".cache" / f"bench-{PEER}"
    if not (folder / "node_modules").is_dir():
        argv = [
            "npm",
            "install",
            "--no-save",
            "--no-audit",
            "--no-fund",
            "--loglevel",
            "error",
            "--prefix",
            str(folder),
        ]
        subprocess.run([*argv, PEER], check=True, stdout=sys.stderr)
    return folder


def _run(argv: Sequence[str], env: Mapping[str, str]) -> tuple[float, float, bytes]:
    """Return the CPU seconds of a command with its children, its memory in MB, and what it printed."""
    with tempfile.TemporaryFile() as said:
        child = subprocess.Popen(argv, env=env, stdout=said, stderr=subprocess.DEVNULL, cwd="/")
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        peak = used.ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)
        return used.ru_utime + used.ru_stime, peak, said.read()


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
