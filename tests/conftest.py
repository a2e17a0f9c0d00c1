"""Every test runs in a home of its own: no real HOME, keyring, git config or Claude Code can be reached."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support import secret_service
from support.inside import run as in_process
from support.programs import require as require  # for the tests too
from support.tree import SOURCE, of_this_tree
from support.tree import git as git  # for the tests too

KEY = "sk-or-v1-canary-0123456789abcdef0123456789"
KEPT = {"PYTEST_CURRENT_TEST", "PYTEST_XDIST_WORKER", "CI", "LLMSWITCH_TEST_CLAUDE"}
# The caller's environment, for package installers only: how they reach their registry is the machine's business.
INSTALLER = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


def pytest_configure(config: pytest.Config) -> None:
    """Keep hypothesis the same in every run, but for `scripts/test all`, and its database out of the checkout."""
    from hypothesis import settings

    tier = os.environ.get("LLMSWITCH_TEST_TIER", "usual")
    examples = {"quick": 50, "usual": 200, "all": 2000}[tier]
    settings.register_profile("ours", derandomize=tier != "all", deadline=None, database=None, max_examples=examples)
    settings.load_profile("ours")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List what was skipped, each reason in one line with its number: a missing program is not a hundred lines."""
    skipped = terminalreporter.getreports("skipped")
    reasons = Counter(str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report) for report in skipped)
    for reason, count in sorted(reasons.items()):
        terminalreporter.write_line(f"SKIPPED [{count}] {reason.removeprefix('Skipped: ')}")


@pytest.fixture(autouse=True)
def sealed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Replace the whole environment by one that leads nowhere real, and return it."""
    home = tmp_path / "home"
    home.mkdir()
    gitconfig = tmp_path / "gitconfig"
    gitconfig.write_text("[user]\n\tname = A Tester\n\temail = tester@example.com\n[init]\n\tdefaultBranch = trunk\n")
    environ = {
        "HOME": str(home),
        "PATH": os.environ["PATH"],
        "LANG": "C.UTF-8",
        "PYTHONPATH": SOURCE,
        "TMPDIR": str(tmp_path),
        "GIT_CONFIG_GLOBAL": str(gitconfig),
        "GIT_CONFIG_NOSYSTEM": "1",
        "DBUS_SESSION_BUS_ADDRESS": f"unix:path={tmp_path}/no-bus",
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
    }
    for name in set(os.environ) - KEPT:
        monkeypatch.delenv(name)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    return environ


class Reply:
    """How a command ended and what it printed."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    def __repr__(self) -> str:
        return f"exit {self.code}\n--- stdout\n{self.out}\n--- stderr\n{self.err}"


Cli = Callable[..., Reply]
Bounded = Callable[..., Reply]
BOUND = 6.0  # seconds for a whole command; waiting for the keyring may take 5 of them


# Folders whose tests start a process for each command; in all others it runs in the test's own.
BY_PROCESS = ("cli", "real")


@pytest.fixture
def cli(request: pytest.FixtureRequest, sealed: dict[str, str], tmp_path: Path) -> Cli:
    """Run the real command, in a process of its own or in this one: cli("openrouter", cwd=…, env={…}, text="…")."""
    inside = request.path.parent.name not in BY_PROCESS

    def run(*arguments: str, cwd: Path | str = tmp_path, env: dict[str, str] | None = None, text: str = "") -> Reply:
        whole = of_this_tree({**sealed, **(env or {})})
        if inside:
            reply = Reply(*in_process([*arguments], cwd, whole, text))
        else:
            argv = [sys.executable, "-m", "llmswitch", *arguments]
            done = subprocess.run(argv, cwd=cwd, env=whole, input=text.encode(), capture_output=True)
            reply = Reply(done.returncode, done.stdout.decode(), done.stderr.decode())
        assert "Traceback" not in reply.err, reply
        assert "this is a bug in llmswitch" not in reply.err, reply
        return reply

    return run


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A repository with one commit, in a folder whose name has a space and a letter outside ASCII."""
    folder = tmp_path / "a repö"
    folder.mkdir()
    git(folder, "init", "--quiet")
    git(folder, "commit", "--quiet", "--allow-empty", "-m", "first")
    return folder


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch, sealed: dict[str, str]) -> str:
    """A fake OpenRouter key, in the environment variable that llmswitch reads."""
    sealed["LLMSWITCH_KEY_OPENROUTER"] = KEY
    return KEY


@pytest.fixture
def own(tmp_path: Path, sealed: dict[str, str]) -> Path:
    """The user's own preset folder."""
    folder = tmp_path / "own" / "presets"
    folder.mkdir(parents=True)
    sealed["LLMSWITCH_HOME"] = str(folder.parent)
    return folder


def settings_of(folder: Path) -> Path:
    """Return the path of a folder's local settings file."""
    return folder / ".claude" / "settings.local.json"


@pytest.fixture
def bus(sealed: dict[str, str]) -> dict[str, str]:
    """The environment with whatever keyring is on the bus, for a command to find."""
    require(secret_service.missing())
    del sealed["PYTHON_KEYRING_BACKEND"]
    return sealed


@pytest.fixture
def service(tmp_path: Path, bus: dict[str, str]) -> Iterator[secret_service.SecretService]:
    """A real, unlocked and empty Secret Service, which every command of the test finds."""
    with secret_service.SecretService(tmp_path / "service") as service:
        path = bus["PATH"]  # a test may have put programs of its own in front
        bus.update(service.environ, PATH=path)
        yield service


@pytest.fixture
def bounded(sealed: dict[str, str], repo: Path) -> Bounded:
    """Run a command off the terminal, in the repository, and fail where it takes longer than the bound."""

    def run(arguments: list[str], text: str | bytes = "", limit: float = BOUND, **env: str) -> Reply:
        given = text if isinstance(text, bytes) else text.encode()
        argv = [sys.executable, "-m", "llmswitch", *arguments]
        done = subprocess.run(
            argv, cwd=repo, env=of_this_tree({**sealed, **env}), input=given, capture_output=True, timeout=limit
        )
        reply = Reply(done.returncode, done.stdout.decode(), done.stderr.decode())
        assert "Traceback" not in reply.err, reply
        return reply

    return run
