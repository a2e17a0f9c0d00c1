"""`llmswitch run`: what the client it starts gets, and with the real client what is sent, and to whom."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import stat
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from conftest import KEY, Cli, Reply, git, settings_of
from support.claude_client import ANTHROPIC_HOST, ClaudeClient, Outcome, require_program
from support.messages_server import MessagesServer
from support.terminal import Terminal
from test_real_client import LOGIN, SHELL_KEY, STRAY, expected_models, shipped, text_of, write_preset, write_user_settings

from llmswitch import client
from llmswitch.errors import LlmswitchError
from llmswitch.identity import IDENTITY, KEYLESS_TOKEN
from llmswitch.slots import VARIABLES

ENTRY = Path(sysconfig.get_path("scripts")) / "llmswitch"
MAINS_KEY = "sk-or-v1-canary-of-main-9876543210fedcba"
KEY_VARIABLE = "LLMSWITCH_KEY_OPENROUTER"
WINDOW = "CLAUDE_CODE_MAX_CONTEXT_TOKENS"
# Everything of this that arrives at a provider is a leak.
SHELL = {
    "ANTHROPIC_API_KEY": SHELL_KEY,
    "ANTHROPIC_AUTH_TOKEN": f"{STRAY}-token",
    "ANTHROPIC_CUSTOM_HEADERS": f"x-{STRAY}: {STRAY}",
    "ANTHROPIC_MODEL": f"{STRAY}/start",
    "CLAUDE_CODE_OAUTH_TOKEN": f"{STRAY}-login",
    "CLAUDE_CODE_USE_BEDROCK": "1",
}
SECRETS = (KEY, MAINS_KEY, SHELL_KEY, LOGIN, STRAY)
PINNED = {"token": ("deepseek",), "helper": ()}


class Launcher(ClaudeClient):
    """The client as `llmswitch run` starts it from PATH, where it leaves its arguments behind."""

    def __init__(self, claude: str, home: Path, tmp: Path, extra: Mapping[str, str]) -> None:
        super().__init__(ENTRY, home, tmp)
        self.words: list[str] = ["run"]
        self.folder, self._recorded = tmp / "bin", tmp / "arguments"
        self._extra = dict(extra)
        write_program(self.folder / "claude", self._recorded, f'exec {shlex.quote(claude)} "$@"')

    def environment(self, proxy: str) -> dict[str, str]:
        """Return the environment of llmswitch, and through it the client's."""
        fixed = super().environment(proxy)
        return {**fixed, **self._extra, "PATH": f"{self.folder}:{fixed['PATH']}"}

    def arguments(self) -> list[str]:
        """Return what the client was started with."""
        return recorded(self._recorded)[1:]

    def _start(
        self, cwd: Path, args: Sequence[str], feed: str | None, env: Mapping[str, str] | None, timeout: float
    ) -> Outcome:
        self._recorded.unlink(missing_ok=True)
        return super()._start(cwd, [*self.words, "--", *args], feed, env, timeout)


class Stage:
    """A main checkout, pinned to A, and a linked worktree, with which `run` is tried against B."""

    def __init__(self, cli: Cli, main: Path, launcher: Launcher, a: MessagesServer, b: MessagesServer) -> None:
        self.cli, self.main, self.launcher, self.a, self.b = cli, main, launcher, a, b
        self.linked = linked_to(main)

    def llmswitch(self, folder: Path, *arguments: str, env: dict[str, str] | None = None) -> None:
        """Run llmswitch in a worktree."""
        reply = self.cli(*arguments, "--anyway", cwd=folder, env=env)
        assert reply.code == 0, reply

    def pin_main(self, how: str = "token") -> None:
        """Pin main to A: by llmswitch, which writes a token, or by hand with an apiKeyHelper."""
        if how == "token":
            self.llmswitch(self.main, "deepseek", "--base-url", self.a.url, env={KEY_VARIABLE: MAINS_KEY})
            return
        env = {"ANTHROPIC_BASE_URL": self.a.url, "ANTHROPIC_MODEL": "opus", VARIABLES["opus"]: "hand/opus"}
        write(self.main, {"apiKeyHelper": f"echo {MAINS_KEY}", "env": env})

    def pin_linked(self, *options: str, preset: str = "openrouter") -> None:
        """Pin the linked worktree to B."""
        self.llmswitch(self.linked, preset, "--base-url", self.b.url, *options)

    def run(
        self, *words: str, preset: str | None = None, cwd: Path | None = None, env: Mapping[str, str] | None = None
    ) -> Outcome:
        """Send one prompt through `llmswitch run`; no secret may be in the client's arguments."""
        self.launcher.words = ["run", *([preset] if preset else [])]
        outcome = self.launcher.run(cwd or self.linked, *words, env=env)
        assert outcome.returncode == 0, outcome
        assert not any(secret in argument for secret in SECRETS for argument in self.launcher.arguments())
        return outcome

    def reaches_b(
        self, *words: str, preset: str | None = None, cwd: Path | None = None, env: Mapping[str, str] | None = None
    ) -> str:
        """Send one prompt that reaches B, with B's key as the only credential, and return the model it names."""
        before = len(self.b.messages)
        outcome = self.run(*words, preset=preset, cwd=cwd, env=env)
        assert outcome.outside_messages == []
        assert self.a.requests == []
        assert {(request.bearer, request.api_key) for request in self.b.requests} == {(KEY, KEY)}
        sent = text_of([*self.b.requests, *outcome.outside])
        assert not any(secret in sent for secret in SECRETS if secret != KEY)
        [request] = self.b.messages[before:]
        return str(request.model)

    def reaches_anthropic(
        self, preset: str | None = None, cwd: Path | None = None, env: Mapping[str, str] | None = None
    ) -> tuple[str | None, str | None]:
        """Send one prompt that reaches Anthropic and nobody else; return its bearer token and x-api-key."""
        outcome = self.run(preset=preset, cwd=cwd, env=env)
        assert self.a.requests == self.b.requests == []
        [request] = outcome.outside_messages
        assert request.host == ANTHROPIC_HOST
        assert str(request.model).startswith("claude-")
        assert not any(secret in text_of(outcome.outside) for secret in (KEY, MAINS_KEY))
        return request.bearer, request.api_key


def write_program(path: Path, record: Path, body: str) -> None:
    """Write a shell script that records its process id and arguments, then its --settings file, then does `body`."""
    path.parent.mkdir(exist_ok=True)
    record_to = shlex.quote(str(record))
    lines = ["#!/bin/sh", f"printf '%s\\0' \"$$\" \"$@\" > {record_to}", body]
    path.write_text("\n".join(lines) + "\n")
    path.chmod(0o755)


def recorded(path: Path) -> list[str]:
    """Return what such a script recorded: its process id and its arguments."""
    return path.read_text().split("\0")[:-1]


def linked_to(main: Path) -> Path:
    """Add a linked worktree, with a folder in it; both names need care in a shell."""
    linked = main.parent / "a wörk'tree"
    git(main, "worktree", "add", "--quiet", "--detach", str(linked))
    (linked / "sub folder").mkdir()
    return linked


def write(folder: Path, settings: Mapping[str, Any]) -> None:
    """Write a local settings file by hand."""
    settings_of(folder).parent.mkdir(exist_ok=True)
    settings_of(folder).write_text(json.dumps(settings))


def holding(folder: Path, text: str) -> list[Path]:
    """Return every file below a folder that holds the text."""
    files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    return [path for path in files if text.encode() in path.read_bytes()]


def overlays(home: Path) -> list[Path]:
    """Return the --settings files on disk."""
    return sorted((home / ".local/state/llmswitch/overlays").glob("*"))


@pytest.fixture
def servers() -> Iterator[tuple[MessagesServer, MessagesServer]]:
    """Run two fake providers."""
    with MessagesServer() as a, MessagesServer() as b:
        yield a, b


@pytest.fixture
def stage(
    cli: Cli, repo: Path, key: str, sealed: dict[str, str], tmp_path: Path, servers: tuple[MessagesServer, MessagesServer]
) -> Stage:
    """Set up main, a linked worktree, two providers and the client; nothing is pinned yet."""
    kept = ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM", "DBUS_SESSION_BUS_ADDRESS", "PYTHON_KEYRING_BACKEND")
    extra = {**{name: sealed[name] for name in kept}, KEY_VARIABLE: KEY}
    return Stage(cli, repo, Launcher(require_program(), tmp_path / "user", tmp_path / "tmp", extra), *servers)


@pytest.mark.parametrize("folder", [".", "sub folder"])
@pytest.mark.parametrize("how", ["token", "helper"])
def test_a_pinned_worktree_beats_a_pinned_main(stage: Stage, how: str, folder: str) -> None:
    """From its root and from below it requests go to B, with B's model and key; main, login and shell stay away."""
    stage.launcher.log_in(LOGIN)
    stage.pin_linked()
    stage.pin_main(how)
    models = expected_models(shipped("openrouter"))
    assert stage.reaches_b(cwd=stage.linked / folder, env=SHELL) == models["start"]
    assert stage.reaches_b("--model", "haiku", cwd=stage.linked / folder) == models["haiku"]


@pytest.mark.parametrize("how", ["token", "helper"])
def test_exp_helper_fails(stage: Stage, how: str) -> None:
    """x."""
    stage.launcher.log_in(LOGIN)
    stage.pin_linked()
    stage.pin_main(how)
    stage.launcher._extra.pop(KEY_VARIABLE)
    stage.launcher.words = ["run"]
    import time
    for env in ({}, SHELL):
        t = time.time()
        o = stage.launcher.run(stage.linked, env=env)
        print("EXP", how, bool(env), round(time.time() - t,1), o.returncode, o.stdout[-300:], o.stderr, o.outside_hosts, [(r.path, r.bearer, r.api_key) for r in stage.a.requests], [(r.path, r.bearer, r.api_key) for r in stage.b.requests])
        stage.b.clear()
    assert 0
