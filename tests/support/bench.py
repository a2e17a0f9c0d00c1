"""The benchmark behind scripts/bench: what each command costs, in units of `python -c pass` of the same Python.

A unit is CPU time (user and system) of the process and what it waits for. Every round runs every case once, in a
random order, and a figure is the median over the rounds of the case divided by `python -c pass` of the same round:
a busy machine then slows both. Nothing is measured that runs elsewhere, such as the keyring's daemon.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from llmswitch.claude.effective import Layer, effective
from llmswitch.claude.variables import OURS
from support.secret_service import SecretService, missing

ROOT = Path(__file__).parents[2]
CACHE = ROOT / ".cache"
PYTHON_PEERS = {  # PyPI package: a command that asks nobody anything
    "claude-provider-switcher==0.1.6": ["claude-provider-switcher", "status"],
    "agentkeyswitch==0.4.0": ["agswitch", "list"],
    "ccswitcher==0.1.1": ["ccswitcher", "list"],
    "claude-switch==1.5.3": ["claude-switch", "list"],
}
NODE_PEERS = {  # npm package
    "@kaitranntt/ccs@7.79.1": ["ccs", "api", "list"],
    "@musistudio/claude-code-router@2.0.0": ["ccr", "status"],
}
KEY = "sk-or-v1-0123456789abcdef0123456789abcdef0123456789abcdef"
SAID = {"model": {"id": "anthropic/claude-opus-5.5"}, "context_window": {"used_percentage": 12}}
LEAST = (
    "import json; env = json.load(open('.claude/settings.local.json'))['env'];"
    "print(*(f'{name} {env[name]}' for name in sorted(env) if 'MODEL' in name), sep='\\n')"
)
# What people write today; the seed of a switch is the same with the other file in its place.
JQ_STATUS = """
root=$(git rev-parse --show-toplevel)
file=$root/.claude/settings.local.json
for slot in HAIKU SONNET OPUS FABLE; do
    vars="$vars .env.ANTHROPIC_DEFAULT_${slot}_MODEL // \\"-\\","
done
jq -r "$vars .env.ANTHROPIC_BASE_URL" "$file" | while read -r value; do
    printf '%s\\n' "$value"
done
"""
JQ_SWITCH = """
root=$(git rev-parse --show-toplevel)
file=$root/.claude/settings.local.json
git check-ignore --quiet "$file" || exit 5
jq --arg key "$LLMSWITCH_KEY_OPENROUTER" --slurpfile preset preset.json \\
    '.env += $preset[0] | .env.ANTHROPIC_AUTH_TOKEN = $key' "$file" >"$file.new"
chmod 600 "$file.new"
mv "$file.new" "$file"
jq -r '.env.ANTHROPIC_BASE_URL' "$file"
"""
ROUNDS = 31
_EACH = "a worktree costs its .git, gitdir, settings and state files, and every layer merged and compared"
IN_THE_WAY = {
    "status --all, 100 worktrees": _EACH,
    "status --all, 1,000 worktrees": f"git's own list is four units of it; {_EACH}",
    "PRESET, 1 MB of settings": "the megabyte is read four times, lest another program's change is lost, and synced",
}


class Case:
    """One row: its name, its limit in units (None: not ours), and how it is run in a round."""

    def __init__(
        self,
        name: str,
        limit: float | None,
        argv: Sequence[str] | Callable[[int], Sequence[str]],
        cwd: Path,
        env: Mapping[str, str],
        stdin: bytes = b"",
    ) -> None:
        self.name, self.limit, self._argv, self._cwd, self._env = name, limit, argv, cwd, env
        self._stdin = stdin
        self.cpu: list[float] = []
        self.wall: list[float] = []

    def run(self, number: int) -> str:
        """Run it once and return what went wrong, "" for nothing."""
        argv = self._argv(number) if callable(self._argv) else self._argv
        with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as said:
            given.write(self._stdin)
            given.seek(0)
            start = time.perf_counter()
            child = subprocess.Popen(argv, cwd=self._cwd, env=self._env, stdin=given, stdout=said, stderr=said)
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
            self.wall.append(time.perf_counter() - start)
            self.cpu.append(usage.ru_utime + usage.ru_stime)
            said.seek(0)
            return "" if child.returncode == 0 else f"{argv}: exit {child.returncode}: {said.read(500).decode()}"


class Bench:
    """The folders, environments and cases of one run."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.absent = folder, list[str]()
        self.bin = _python(CACHE / "bench", [str(ROOT)])
        self.python = str(self.bin / "python")
        self.home = folder / "home"
        self.home.mkdir()
        self.env = {
            "PATH": f"{self.bin}:{os.environ['PATH']}",
            "HOME": str(self.home),
            "LANG": "C.UTF-8",
            "LLMSWITCH_KEY_OPENROUTER": KEY,
        }
        self.repo = self._repository("repo", 2_000)
        self.unit = Case("python -c pass", None, [self.python, "-c", "pass"], self.repo, self.env)
        self.cases = [self.unit]

    def _repository(self, name: str, size: int) -> Path:
        """Make a repository with a pinned settings file of about that size."""
        repo = self.folder / name
        (repo / ".claude").mkdir(parents=True)
        subprocess.run(["git", "init", "--quiet", str(repo)], check=True)
        rules = [f"Bash(make target-{number}:*)" for number in range((size - 1_500) // 30 + 5)]
        settings = {"permissions": {"allow": rules}, "env": {"EDITOR": "vi"}}
        (repo / ".claude/settings.local.json").write_text(json.dumps(settings, indent=2))
        self.do(["openrouter"], repo)
        return repo

    def do(self, words: Sequence[str], cwd: Path, env: Mapping[str, str] | None = None, stdin: str = "") -> None:
        """Run llmswitch for its effect."""
        argv = [str(self.bin / "llmswitch"), *words]
        done = subprocess.run(argv, cwd=cwd, env=env or self.env, input=stdin, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"{argv}: {done.stderr}")

    def add(
        self,
        name: str,
        limit: float,
        words: Sequence[str] | Callable[[int], Sequence[str]],
        cwd: Path | None = None,
        stdin: bytes = b"",
        env: Mapping[str, str] | None = None,
    ) -> None:
        """Add a row of llmswitch; `words` may depend on the round."""
        program = str(self.bin / "llmswitch")

        def argv(number: int) -> list[str]:
            return [program, *(words(number) if callable(words) else words)]

        self.cases.append(Case(name, limit, argv, cwd or self.repo, {**self.env, **(env or {})}, stdin))

    def beside(self, name: str, argv: Sequence[str], cwd: Path | None = None) -> None:
        """Add a row to compare with."""
        self.cases.append(Case(name, None, argv, cwd or self.repo, self.env))

    def everyday(self) -> None:
        """Add the rows of one worktree."""
        self.add("status --short", 2.3, ["status", "--short"])
        self.add("statusline", 2.3, ["statusline"], stdin=json.dumps({**SAID, "cwd": str(self.repo)}).encode())
        self.add("print-key, exported", 2.3, ["print-key", "openrouter"])
        self.add("status", 2.3, ["status"])
        self.add("PRESET, key exported", 2.9, _alternately, self._repository("switched", 2_000))
        self.add("--help", 5.2, ["--help"])
        asked = {"_LLMSWITCH_COMPLETE": "bash_complete", "COMP_WORDS": "llmswitch open", "COMP_REPLACED": "open"}
        self.add("completion of a preset", 5.2, [], env=asked)
        large = self._repository("large", 1_000_000)
        self.add("status, 1 MB of settings", 2.7, ["status"], large)
        self.add("PRESET, 1 MB of settings", 3.5, _alternately, self._repository("large-switched", 1_000_000))

    def worktrees(self) -> None:
        """Add `status --all` for repositories with many worktrees."""
        for count, limit in ((100, 2.8), (1_000, 7.0)):
            repo = self._repository(f"repo-{count}", 2_000)
            subprocess.run(["git", "-C", str(repo), *COMMIT], check=True, env={**self.env, **AUTHOR})
            for number in range(count):
                _link(repo, self.folder / f"linked-{count}" / str(number), str(number))
            self.add(f"status --all, {count:,} worktrees", limit, ["status", "--all"], repo)

    @contextlib.contextmanager
    def keyring(self) -> Iterator[None]:
        """Add the row that asks a real Secret Service, which lives as long as this."""
        if why := missing():
            self.absent.append(f"Secret Service: {why}")
            yield
            return
        folder = self.folder / "bus"
        folder.mkdir()
        with SecretService(folder) as service:
            env = {
                name: value for name, value in {**self.env, **service.environ}.items() if "LLMSWITCH_KEY" not in name
            }
            env["PATH"] = self.env["PATH"]
            repo = self._repository("kept", 2_000)
            self.do(["save-key", "openrouter"], repo, env, KEY)
            program = str(self.bin / "llmswitch")
            name = "PRESET, key from a Secret Service"
            self.cases.append(Case(name, 13.0, lambda number: [program, *_alternately(number)], repo, env))
            yield

    def others(self) -> None:
        """Add the floor, bash with jq, and the other switchers that can be installed."""
        self.beside("the least in Python: json, the file, its models", [self.python, "-c", LEAST])
        if shutil.which("jq"):
            (self.folder / "jq").mkdir()
            repo = self._repository("jq/repo", 2_000)
            (repo / "preset.json").write_text('{"ANTHROPIC_BASE_URL": "https://openrouter.ai/api"}')
            self.beside("bash and jq: status", ["bash", "-c", JQ_STATUS], repo)
            self.beside("bash and jq: switch", ["bash", "-c", JQ_SWITCH], repo)
        else:
            self.absent.append("jq: Debian package jq")
        self._peers(PYTHON_PEERS, lambda package: _python(CACHE / f"bench-{package.partition('=')[0]}", [package]))
        self._peers(NODE_PEERS, _npm)

    def _peers(self, peers: Mapping[str, Sequence[str]], install: Callable[[str], Path]) -> None:
        for package, words in peers.items():
            try:
                programs = install(package)
            except (OSError, subprocess.CalledProcessError) as error:
                self.absent.append(f"{package}: {type(error).__name__}")
                continue
            self.beside(f"{package} {' '.join(words[1:])}", [str(programs / words[0]), *words[1:]])

    def run(self, rounds: int) -> None:
        """Run all cases so many rounds, after one that fills caches; a case that fails is left out."""
        for number in range(-1, rounds):
            random.shuffle(self.cases)
            for case in list(self.cases):
                if wrong := case.run(number):
                    self.absent.append(f"{case.name}: {wrong.strip()}")
                    self.cases.remove(case)
            if number < 0:
                for case in self.cases:
                    case.cpu.clear()
                    case.wall.clear()
            print(f"\rround {number + 1} of {rounds}", end="", file=sys.stderr, flush=True)
        print(file=sys.stderr)

    def table(self) -> list[str]:
        """Return the rows: our own in the order of their names' limits, then the others."""
        rows = [("command", "CPU", "limit", "wall", "ms")]
        for case in sorted(self.cases, key=lambda case: (case.limit is None, self._ratio(case, "cpu"))):
            limit = f"{case.limit:g}" if case.limit else ""
            wall = statistics.median(case.wall) * 1_000
            rows.append(
                (case.name, f"{self._ratio(case, 'cpu'):.2f}", limit, f"{self._ratio(case, 'wall'):.2f}", f"{wall:.1f}")
            )
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return ["  ".join(cell.ljust(widths[0]) if not at else cell.rjust(widths[at]) for at, cell in enumerate(row))
                for row in rows]  # fmt: skip

    def _ratio(self, case: Case, what: str) -> float:
        pairs = zip(getattr(case, what), getattr(self.unit, what), strict=True)
        return float(statistics.median(mine / unit for mine, unit in pairs))

    def over(self) -> list[str]:
        """Return the rows that are over their limit."""
        return [case.name for case in self.cases if case.limit and self._ratio(case, "cpu") > case.limit]


COMMIT = ("commit", "--quiet", "--allow-empty", "--message", "first")
AUTHOR = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "a"), ("EMAIL", "a@example.org"))
}


def _alternately(number: int) -> list[str]:
    """Return a preset that is not the one before, so that every switch writes."""
    return [("openrouter", "deepseek")[number % 2]]


def _link(repo: Path, folder: Path, name: str) -> None:
    """Add a linked worktree by its files, which `git worktree add` makes in a hundred times the time."""
    admin = repo / ".git/worktrees" / name
    admin.mkdir(parents=True)
    folder.mkdir(parents=True)
    (folder / ".git").write_text(f"gitdir: {admin}\n")
    (admin / "gitdir").write_text(f"{folder}/.git\n")
    (admin / "commondir").write_text("../..\n")
    (admin / "HEAD").write_text((repo / ".git/HEAD").read_text())
    (folder / ".claude").mkdir()
    (folder / ".claude/settings.local.json").write_text('{"permissions": {"allow": []}, "env": {"EDITOR": "vi"}}')


def _python(folder: Path, packages: Sequence[str]) -> Path:
    """Return the programs of a clean environment with these packages, made once; ours is brought up to date."""
    if not (folder / "made").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        _pip(folder, ["--upgrade", "pip"])
        _pip(folder, packages)
        (folder / "made").touch()
    elif str(ROOT) in packages:
        _pip(folder, ["--force-reinstall", "--no-deps", *packages])
    return folder / "bin"


def _pip(folder: Path, words: Sequence[str]) -> None:
    argv = [str(folder / "bin/python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *words]
    subprocess.run(argv, check=True, stdout=sys.stderr)


def _npm(package: str) -> Path:
    folder = CACHE / f"bench-{package.replace('/', '-')}"
    if not (folder / "node_modules/.bin").is_dir():
        argv = ["npm", "install", "--no-save", "--no-audit", "--no-fund", "--loglevel", "error", "--prefix"]
        subprocess.run([*argv, str(folder), package], check=True, stdout=sys.stderr)
    return folder / "node_modules/.bin"


def merging() -> float:
    """Return how long `effective` takes for 1,000 worktrees of one repository, in this process, in milliseconds."""
    pin = dict.fromkeys([*OURS, "CLAUDE_CODE_MAX_CONTEXT_TOKENS", "CLAUDE_CODE_ATTRIBUTION_HEADER"], "x")
    shared = [Layer("project", "", {"EDITOR": "vi"}), Layer("user", "", {"BASH_DEFAULT_TIMEOUT_MS": "1"})]
    main, shell = Layer("main", "", pin), Layer("shell", "", {f"VARIABLE_{number}": "x" for number in range(30)})
    worktrees = [[main, Layer("worktree", "", pin), *shared, shell] for _ in range(1_000)]
    times = []
    for _ in range(9):
        start = time.perf_counter()
        for layers in worktrees:
            effective(layers)
        times.append((time.perf_counter() - start) * 1_000)
    return statistics.median(times)


def machine() -> str:
    """Return what it ran on."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    model = next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine()
    )
    return f"{model}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"


def main(rounds: int) -> int:
    """Measure, print the table, and return 1 where a limit is not held."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        bench = Bench(Path(folder))
        bench.everyday()
        bench.worktrees()
        bench.others()
        with bench.keyring():
            bench.run(rounds)
    print(f"Units of `python -c pass`, medians of {rounds} paired rounds. {machine()}.", *bench.table(), sep="\n")
    print(f"effective for 1,000 worktrees, in process: {merging():.0f} ms (limit 40)")
    for line in bench.absent:
        print(f"Not measured: {line}")
    for name in bench.over():
        print(f"Over its limit: {name}: {IN_THE_WAY.get(name, 'it should not be')}")
    return 1 if bench.over() else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS))
