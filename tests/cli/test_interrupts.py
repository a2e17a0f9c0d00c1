"""Ctrl-C, Ctrl-D and a closed terminal at every prompt, and Ctrl-C at any moment: a line or none, nothing changed."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import KEY, Cli, settings_of
from support.secret_service import SecretService
from support.terminal import Terminal
from support.tree import SOURCE, of_this_tree

FOREIGN = "another-tools-token-0123456789abcdef"
ANOTHERS = "gsk_canary0123456789abcdef0123456789"
OLDER = {"env": {"ANTHROPIC_BASE_URL": "https://x.example", "ANTHROPIC_AUTH_TOKEN": FOREIGN}}
# prompt → (what stands in the file before, the command, the last prompt, [(a prompt before it, the answer), …])
PROMPTS: dict[str, tuple[object, list[str], str, tuple[tuple[str, str], ...]]] = {
    "a missing key": (None, ["openrouter"], "openrouter key", ()),
    "a missing key, by use": (None, ["use", "openrouter"], "openrouter key", ()),
    "a missing key, with options": (None, ["openrouter", "--haiku", "x/y"], "openrouter key", ()),
    "a missing key, for a helper": (None, ["openrouter", "--key-helper"], "openrouter key", ()),
    "a missing key, for run": (None, ["run", "openrouter"], "openrouter key", ()),
    "a key for this pin": (None, ["openrouter", "--key-stdin"], "openrouter key", ()),
    "a key that looks like another's": (None, ["openrouter"], "all the same", (("openrouter key", ANOTHERS + "\n"),)),
    "a preset": (None, ["use"], "Number or name", ()),
    "a preset, asked again": (None, ["use"], "Number or name", (("Number or name", "nonsense\n"),)),
    "a foreign credential": (OLDER, ["openrouter"], "Save it in the keyring as", ()),
    "a foreign credential, going back": (OLDER, ["claude"], "Save it in the keyring as", ()),
}
HANG_UP = "hang up"
# 120 is Python's word for a last line that nobody could read.
ENDS = {"Ctrl-\\": (-signal.SIGQUIT,), HANG_UP: (129, 130, 120, -signal.SIGHUP)}
INTERRUPTS = {"Ctrl-C": "\x03", "Ctrl-D": "\x04", "Ctrl-\\": "\x1c", HANG_UP: ""}


@pytest.fixture
def person(sealed: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """The environment of somebody at a terminal, with a `claude` and without fzf."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "claude").write_text("#!/bin/sh\nexit 0\n")
    (folder / "claude").chmod(0o755)
    (folder / "git").symlink_to(shutil.which("git") or "")
    return of_this_tree({**sealed, "PATH": str(folder), "TERM": "dumb"})


@pytest.mark.parametrize("interrupt", INTERRUPTS)
@pytest.mark.parametrize("prompt", PROMPTS)
def test_an_interrupted_prompt_changes_nothing(repo: Path, person: dict[str, str], prompt: str, interrupt: str) -> None:
    """At most a line is said, never that it was a bug, and the exit code is that of an interrupt."""
    before, words, waits, first = PROMPTS[prompt]
    file = settings_of(repo)
    if before:
        file.parent.mkdir()
        file.write_text(json.dumps(before))
    with Terminal([sys.executable, "-m", "llmswitch", *words], repo, person) as terminal:
        for text, answer in first:
            terminal.expect(text)
            terminal.send(answer)
        terminal.expect(waits)
        terminal.waits()
        check_interrupted(*ended(terminal, interrupt), interrupt)
    assert (json.loads(file.read_text()) if file.exists() else None) == before
    assert not list(repo.glob(".claude/.llmswitch*"))


@pytest.mark.parametrize("interrupt", ["Ctrl-C", "Ctrl-D", HANG_UP])
def test_an_interrupted_renewal_leaves_the_pins(
    cli: Cli, repo: Path, service: SecretService, sealed: dict[str, str], interrupt: str
) -> None:
    """The key that was typed is saved then, and the pins still hold the older one."""
    assert cli("save-key", "openrouter", cwd=repo, text=KEY).code == 0
    assert cli("openrouter", cwd=repo).code == 0
    before = settings_of(repo).read_bytes()
    argv = [sys.executable, "-m", "llmswitch", "save-key", "openrouter"]
    with Terminal(argv, repo, of_this_tree({**sealed, "TERM": "dumb"})) as terminal:
        terminal.expect("openrouter key")
        terminal.waits()
        terminal.send(f"{KEY[:-4]}9999\n")
        terminal.expect("[Y/n]")
        terminal.waits()
        check_interrupted(*ended(terminal, interrupt), interrupt)
    assert settings_of(repo).read_bytes() == before


def ended(terminal: Terminal, interrupt: str) -> tuple[int, str]:
    """Interrupt a command, and return its exit code and what it said from then on."""
    shown = terminal.output
    terminal.send(INTERRUPTS[interrupt]) if INTERRUPTS[interrupt] else terminal.hang_up()
    return terminal.wait(), terminal.output[len(shown) :]


def check_interrupted(code: int, said: str, interrupt: str) -> None:
    """Check that a line or none was said, and that the exit code is that of an interrupt."""
    assert code in ENDS.get(interrupt, (130,)), said
    assert not any(word in said for word in ("bug", "Traceback", "Abort")), said
    assert len([line for line in said.splitlines() if line.strip(" :^CD\\")]) <= 1, said


@pytest.mark.parametrize("interrupt", INTERRUPTS)
@pytest.mark.parametrize("words", [["openrouter"], ["openrouter", "--haiku", "x/y"], ["run", "openrouter"]], ids=str)
def test_an_interrupted_prompt_of_a_locked_keyring(
    repo: Path, service: SecretService, person: dict[str, str], words: list[str], interrupt: str
) -> None:
    """The key is asked for instead, and is saved nowhere."""
    service.lock()
    with Terminal([sys.executable, "-m", "llmswitch", *words], repo, keyring_of(service, person)) as terminal:
        terminal.expect("locked")
        terminal.expect("openrouter key")
        terminal.waits()
        check_interrupted(*ended(terminal, interrupt), interrupt)
    assert not settings_of(repo).exists()
    assert not list(repo.glob(".claude/.llmswitch*"))


@pytest.mark.parametrize("interrupt", ["Ctrl-C", "Ctrl-\\", HANG_UP])
@pytest.mark.parametrize(
    "words", [["openrouter"], ["openrouter", "--key-helper"], ["run", "openrouter"], ["keys"], ["renew", "openrouter"]],
    ids=str,
)  # fmt: skip
def test_an_interrupted_wait_for_the_keyring(
    repo: Path, service: SecretService, person: dict[str, str], words: list[str], interrupt: str
) -> None:
    """While its own prompt, which asks to unlock it, stands on the screen."""
    service.secret_tool_store("llmswitch:openrouter", "openrouter", KEY)
    service.stop_daemon()
    with Terminal([sys.executable, "-m", "llmswitch", *words], repo, keyring_of(service, person)) as terminal:
        terminal.expect("Waiting for your keyring")
        terminal.waits()
        check_interrupted(*ended(terminal, interrupt), interrupt)
    service.resume_daemon()
    assert not settings_of(repo).exists()


def keyring_of(service: SecretService, person: dict[str, str]) -> dict[str, str]:
    """Return somebody's environment with that keyring."""
    kept = {name: text for name, text in person.items() if name != "PYTHON_KEYRING_BACKEND"}
    return {**kept, "DBUS_SESSION_BUS_ADDRESS": service.environ["DBUS_SESSION_BUS_ADDRESS"]}


def test_the_prompts_are_these() -> None:
    """A module that asks somebody something is named here, and its prompts are interrupted above."""
    words = ("click.prompt(", "click.confirm(", "getpass", " input(")
    found = {path.stem for path in Path(SOURCE).rglob("*.py") if any(word in path.read_text() for word in words)}
    assert found == {"prompts", "picker", "renewing"}


def interrupted(repo: Path, environ: dict[str, str], words: list[str], after: float) -> tuple[int, str]:
    """Start a command, press Ctrl-C after some seconds, and return its exit code and what it complained of."""
    argv = [sys.executable, "-c", "from llmswitch.cli.front import main; main()", *words]
    with subprocess.Popen(argv, cwd=repo, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        time.sleep(after)  # the moment is what is tried
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    return process.returncode, err.decode()


@pytest.mark.parametrize("moments", [40, pytest.param(200, marks=[pytest.mark.long, pytest.mark.timeout(900)])])
def test_a_random_moment_is_as_good_as_any(repo: Path, key: str, sealed: dict[str, str], moments: int) -> None:
    """Until it has come to our first line, Python itself may print where it was; from there on it is a line or none."""
    environ = of_this_tree({**sealed, "PYTHONDONTWRITEBYTECODE": ""})
    commands: list[list[str]] = [["openrouter"], ["status"], ["deepseek"], ["list"], ["claude"], ["status", "--short"]]
    start = time.monotonic()
    subprocess.run(
        [sys.executable, "-m", "llmswitch", "openrouter"], cwd=repo, env=environ, check=True, capture_output=True
    )
    whole = time.monotonic() - start
    moment: Callable[[], float] = random.Random(20261127).random
    stopped = 0
    for number in range(moments):
        words = commands[number % len(commands)]
        code, err = interrupted(repo, environ, words, moment() * whole)
        assert not list(repo.glob(".claude/.llmswitch*"))
        assert not os.path.exists(settings_of(repo)) or json.loads(settings_of(repo).read_text())
        if code in (0, -signal.SIGINT):  # it had ended, or not begun
            continue
        if "Traceback" in err or "Fatal Python error: init_" in err:
            assert SOURCE not in err, err
            continue
        assert (code, len(err.strip().splitlines()) <= 1) == (130, True), (words, code, err)
        stopped += 1
    assert stopped
