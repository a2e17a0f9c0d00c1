"""Something odd at every place that is read: every command ends, nobody waits, and the way back is open."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest
from conftest import KEY, git
from support.warm import Ended, Warm

LIMIT = 30.0  # seconds for one command; what blocks would never end
BIG = 17 * 1024 * 1024  # larger than anything that we read


def _socket(path: Path) -> None:
    here = os.getcwd()
    os.chdir(path.parent)  # a socket's path is short
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(here)


def _sparse(path: Path) -> None:
    path.write_bytes(b"{}")
    os.truncate(path, BIG)


def _linked_pipe(path: Path) -> None:
    os.mkfifo(path.with_name("pipe"))
    path.symlink_to("pipe")


def _unreadable(path: Path) -> None:
    path.write_text("{}")
    path.chmod(0)


KINDS: dict[str, Callable[[Path], object]] = {
    "a named pipe": os.mkfifo,
    "a socket": _socket,
    "a folder": os.mkdir,
    "a device": lambda path: path.symlink_to("/dev/zero"),
    "a terminal": lambda path: path.symlink_to("/dev/tty"),
    "a link to a pipe": _linked_pipe,
    "a dangling link": lambda path: path.symlink_to("nowhere"),
    "a link to itself": lambda path: path.symlink_to(path.name),
    "a huge file": _sparse,
    "an unreadable file": _unreadable,
    "an empty file": lambda path: path.write_bytes(b""),
    "bytes": lambda path: path.write_bytes(bytes(range(256))),
    "a list": lambda path: path.write_text("[1]"),
    "a number of 5,000 digits": lambda path: path.write_text('{"version": ' + "9" * 5000 + "}"),
    "what is nested too deep": lambda path: path.write_text("[" * 100_000 + "]" * 100_000),
    "objects nested too deep": lambda path: path.write_text('{"a":' * 100_000 + "1" + "}" * 100_000),
}
SETTINGS, FOLDER = "repo/.claude/settings.local.json", "repo/.claude"
STATE = ("repo/.git/llmswitch/state.json", "repo/.git/llmswitch")  # without it our own key is a stranger's
IN_THE_WAY = (SETTINGS, FOLDER, *STATE, "home/.local/state/llmswitch", "home/.local/state/llmswitch/locks")
# What Claude Code and git read too, what other tools wrote, and everything of ours.
PLACES = (
    SETTINGS, FOLDER, "repo/.claude/settings.json", "repo/.claude/model-ladder.json", "repo/.gitignore",
    "repo/.worktreeinclude", "repo/.git/info/exclude", *STATE,
    "home/.claude/settings.json", "home/.claude.json", "home/.claude/.credentials.json", "home/.claude/projects",
    "home/.config/llmswitch", "home/.config/llmswitch/config.json5", "home/.config/llmswitch/presets",
    "home/.config/llmswitch/presets/openrouter.json5", "home/.config/llmswitch/presets/claude.json5",
    "home/.config/llmswitch/prices.json", "home/.local/state/llmswitch",
    *(f"home/.local/state/llmswitch/{name}" for name in (
        "keys.json", "key-hashes.json", "ledger", "usage.db", "locks", "pins", "gateway", "folders", "overlays"
    )),
)  # fmt: skip
COMMANDS = (
    ["status"], ["status", "--json"], ["status", "--all"], ["status", "--everywhere"], ["statusline"], ["list"],
    ["doctor"], ["log"], ["keys"], ["usage"], ["models", "glm"], ["cost"], ["ladder"], ["env"], ["presets", "check"],
["apply"], ["run", "--", "-p", "x"], ["deepseek"], ["-"],
    ["doctor", "--fix"],
)  # fmt: skip


class World:
    """A home and a pinned repository, made once and put back before each case."""

    def __init__(self, folder: Path, sealed: dict[str, str]) -> None:
        self.folder, self._kept = folder / "world", folder / "kept"
        for name in ("repo", "home/.claude", "home/.config/llmswitch/presets", "bin"):
            (self._kept / name).mkdir(parents=True)
        git(self._kept / "repo", "init", "--quiet")
        shutil.copytree(self._kept, self.folder)
        client = self._kept / "bin" / "claude"
        client.write_text("#!/bin/sh\nexit 0\n")
        client.chmod(0o755)
        self.environ = {
            **sealed,
            "HOME": str(self.folder / "home"),
            "PATH": f"{self.folder}/bin:{sealed['PATH']}",
            "LLMSWITCH_KEY_OPENROUTER": KEY,
        }

    def keep(self) -> None:
        """Take the world as it is now for the one that is put back."""
        shutil.rmtree(self._kept)
        shutil.copytree(self.folder, self._kept, symlinks=True)

    def put_back(self) -> None:
        """Make everything as it was kept."""
        shutil.rmtree(self.folder)
        shutil.copytree(self._kept, self.folder, symlinks=True)

    def put(self, place: str, kind: str) -> Path:
        """Put something odd at a place, with the folders it needs."""
        path = self.folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)
        KINDS[kind](path)
        return path


@pytest.fixture
def world(tmp_path: Path, sealed: dict[str, str]) -> World:
    """A home and a repository that can be put back."""
    return World(tmp_path, sealed)


@pytest.fixture
def warm(world: World) -> Iterator[Warm]:
    """The command, warm, and the repository pinned twice."""
    with Warm(world.environ) as warm:
        repo = world.folder / "repo"
        for preset in ("deepseek", "openrouter"):
            assert warm.run(preset, cwd=repo).code == 0
        world.keep()
        yield warm


def run(warm: Warm, repo: Path, *words: str) -> Ended:
    """Run a command to its end; one that does not end is killed (137)."""
    pid = warm.start(*words, cwd=repo)

    def kill() -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    timer = threading.Timer(LIMIT, kill)
    timer.start()
    try:
        return warm.wait()
    finally:
        timer.cancel()


def trouble(world: World, warm: Warm, place: str, cases: Iterable[tuple[str, list[str]]]) -> list[str]:
    """Return what went wrong with these commands, each where that kind of thing lies at the place."""
    wrong = []
    for kind, words in cases:
        world.put_back()
        path = world.put(place, kind)
        reply = run(warm, world.folder / "repo", *(word.format(place=path) for word in words))
        may_fail = words != ["claude"] or place in IN_THE_WAY  # the way back is open
        good = reply.code in ((0, 1, 2, 3, 4, 5) if may_fail else (0,))
        if not good or "bug in" in reply.err or KEY in reply.out + reply.err:
            wrong.append(f"{kind}: {words}: {reply}")
    return wrong


@pytest.mark.parametrize("place", PLACES)
def test_a_command_ends_and_says_what_is_wrong(world: World, warm: Warm, place: str) -> None:
    """No bug, no wait, no key in what is said: with each kind of thing another command, and the way back."""
    turn = PLACES.index(place)
    cases = [(kind, COMMANDS[(turn * 5 + number) % len(COMMANDS)]) for number, kind in enumerate(KINDS)]
    back = [(kind, ["claude"]) for number, kind in enumerate(KINDS) if (number + turn) % 4 == 0]
    assert not (wrong := trouble(world, warm, place, [*cases, *back])), "\n\n".join(wrong)


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("place", PLACES)
def test_every_command_ends_and_says_what_is_wrong(world: World, warm: Warm, place: str) -> None:
    """All kinds of things with all commands."""
    cases = [(kind, words) for kind in KINDS for words in (*COMMANDS, ["claude"])]
    assert not (wrong := trouble(world, warm, place, cases)), "\n\n".join(wrong)
