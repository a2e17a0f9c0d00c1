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
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from conftest import KEY, Cli, Reply, git, settings_of
from support.claude_client import ANTHROPIC_HOST, ClaudeClient, Outcome, require_program
from support.messages_server import MessagesServer
from support.terminal import Terminal
from test_real_client import (
    LOGIN,
    SHELL_KEY,
    STRAY,
    expected_models,
    shipped,
    text_of,
    write_preset,
    write_user_settings,
)

from llmswitch.base.errors import LlmswitchError
from llmswitch.claude import program as client
from llmswitch.claude.variables import IDENTITY, KEYLESS_TOKEN, VARIABLES
from llmswitch.settings.entries import entries

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


class Launcher(ClaudeClient):
    """The client as `llmswitch run` starts it from PATH, where it leaves its arguments behind."""

    def __init__(self, claude: str, home: Path, tmp: Path, extra: Mapping[str, str]) -> None:
        super().__init__(ENTRY, home, tmp)
        self.before: list[str] = []
        self.words = ["run"]
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
        return super()._start(cwd, [*self.before, *self.words, "--", *args], feed, env, timeout)


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
            self.llmswitch(
                self.main, "deepseek", "--discard-key", "--base-url", self.a.url, env={KEY_VARIABLE: MAINS_KEY}
            )
            return
        env = {"ANTHROPIC_BASE_URL": self.a.url, "ANTHROPIC_MODEL": "opus", VARIABLES["opus"]: "hand/opus"}
        write(self.main, {"apiKeyHelper": f"echo {MAINS_KEY}", "env": env})

    def pin_linked(self) -> None:
        """Pin the linked worktree to B."""
        self.llmswitch(self.linked, "openrouter", "--base-url", self.b.url)

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
    """Write a shell script that records its process id and arguments and then does `body`."""
    path.parent.mkdir(exist_ok=True)
    record_to = shlex.quote(str(record))
    lines = ["#!/bin/sh", f'printf \'%s\\0\' "$$" "$@" > {record_to}', body]
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
    cli: Cli,
    repo: Path,
    key: str,
    sealed: dict[str, str],
    tmp_path: Path,
    servers: tuple[MessagesServer, MessagesServer],
) -> Stage:
    """Set up main, a linked worktree, two providers and the client; nothing is pinned yet."""
    kept = ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM", "DBUS_SESSION_BUS_ADDRESS", "PYTHON_KEYRING_BACKEND")
    extra = {**{name: sealed[name] for name in kept}, KEY_VARIABLE: KEY}
    return Stage(cli, repo, Launcher(require_program(), tmp_path / "user", tmp_path / "tmp", extra), *servers)


@pytest.mark.parametrize("folder", [".", "sub folder"])
@pytest.mark.parametrize("how", ["token", "helper"])
def test_a_pinned_worktree_beats_a_pinned_main(stage: Stage, how: str, folder: str) -> None:
    """Requests go to B, with B's model and key, also from below and after main changes; all else stays away."""
    stage.launcher.log_in(LOGIN)
    stage.pin_linked()
    stage.pin_main(how)
    models = expected_models(shipped("openrouter"))
    assert stage.reaches_b(cwd=stage.linked / folder, env=SHELL) == models["start"]
    stage.pin_main({"token": "helper", "helper": "token"}[how])
    assert stage.reaches_b("--model", "haiku", cwd=stage.linked / folder) == models["haiku"]


def test_plain_claude_would_obey_main(stage: Stage) -> None:
    """Shows that the tests here can see a leak, and that a pinned worktree still needs `run`."""
    stage.pin_linked()
    stage.pin_main()
    plain = ClaudeClient(stage.launcher.folder / "claude", stage.launcher.home, stage.launcher.tmp)
    assert plain.run(stage.linked, env=SHELL).returncode == 0
    assert [(request.bearer, request.api_key) for request in stage.a.messages] == [(MAINS_KEY, None)]
    assert stage.b.requests == []


def test_main_is_where_its_own_pin_says(stage: Stage) -> None:
    """In main itself `run` uses main's pin, also from a folder below it."""
    stage.llmswitch(stage.main, "openrouter", "--base-url", stage.b.url)
    (stage.main / "below").mkdir()
    assert stage.reaches_b(cwd=stage.main / "below", env=SHELL) == expected_models(shipped("openrouter"))["start"]


def test_overrides_and_base_url_of_the_pin_are_kept(stage: Stage) -> None:
    """--haiku, --start and a path in --base-url are what a session started by `run` uses too."""
    stage.llmswitch(
        stage.linked, "openrouter", "--base-url", f"{stage.b.url}/api", "--haiku", "x/y", "--start", "haiku"
    )
    stage.pin_main()
    assert stage.reaches_b(cwd=stage.linked / "sub folder") == "x/y"
    assert [request.path.partition("?")[0] for request in stage.b.messages] == ["/api/v1/messages"]


def test_without_a_key_nobodys_credential_takes_its_place(stage: Stage) -> None:
    """Where the helper fails the client sends an empty one: no login, no key of the shell, none of main's."""
    stage.launcher.log_in(LOGIN)
    stage.pin_linked()
    stage.pin_main()
    data = json.loads(settings_of(stage.linked).read_text())
    data["env"]["ANTHROPIC_AUTH_TOKEN"] = ""
    write(stage.linked, {**data, "apiKeyHelper": "exit 1"})
    outcome = stage.run(env={**SHELL, KEY_VARIABLE: ""})
    assert "apiKeyHelper failed" in outcome.stderr
    assert {(request.bearer, request.api_key) for request in stage.b.requests} == {("", "")}
    assert stage.a.requests == outcome.outside_messages == []
    assert not any(secret in text_of([*stage.b.requests, *outcome.outside]) for secret in SECRETS)


def test_an_unpinned_worktree_keeps_the_login(stage: Stage) -> None:
    """Under a pinned main `run` goes to Anthropic with the stored login, and nothing of the login is written."""
    stage.launcher.log_in(LOGIN)
    stage.pin_main()
    assert stage.reaches_anthropic() == (LOGIN, None)
    [overlay] = overlays(stage.launcher.home)
    settings = json.loads(overlay.read_text())
    assert {name for name, text in settings["env"].items() if text} == {"NO_PROXY"}  # the shell's, as it was
    assert settings["apiKeyHelper"] == ""
    assert stage.reaches_anthropic(cwd=stage.linked / "sub folder") == (LOGIN, None)


def test_an_unpinned_worktree_keeps_the_shells_key_which_gets_on_no_disk(stage: Stage, tmp_path: Path) -> None:
    """Main's blank would cancel the key; `run` hands it on in memory, and no file below home or repository has it."""
    stage.pin_main()
    assert stage.reaches_anthropic(env={"ANTHROPIC_API_KEY": SHELL_KEY}) == (None, SHELL_KEY)
    assert stage.launcher.arguments()[:1] == ["--settings"]
    assert stage.launcher.arguments()[1].startswith("/proc/self/fd/")
    assert overlays(stage.launcher.home) == []
    assert holding(tmp_path, SHELL_KEY) == []
    assert holding(tmp_path, MAINS_KEY) == [settings_of(stage.main)]


@pytest.mark.parametrize("how", ["token", "helper"])
def test_an_unpinned_worktree_keeps_the_users_helper(stage: Stage, how: str) -> None:
    """A helper in ~/.claude/settings.json works as if main had no pin."""
    write_user_settings(stage.launcher, {"apiKeyHelper": f"echo {STRAY}-helper"})
    stage.pin_main(how)
    assert stage.reaches_anthropic() == (f"{STRAY}-helper", f"{STRAY}-helper")


def test_an_unpinned_worktree_keeps_the_shells_cloud(stage: Stage) -> None:
    """CLAUDE_CODE_USE_BEDROCK of the shell, which main's pin blanks, is in effect; main's models are not."""
    stage.pin_main()
    env = {"CLAUDE_CODE_USE_BEDROCK": "1", "ANTHROPIC_DEFAULT_OPUS_MODEL": "cloud/opus"}
    effective = stage.launcher.control(stage.linked, "get_settings", env=env)["get_settings"]["effective"]
    expected = {"CLAUDE_CODE_USE_BEDROCK": "1", "ANTHROPIC_DEFAULT_OPUS_MODEL": "cloud/opus"}
    assert {name: effective["env"][name] for name in IDENTITY} == {**dict.fromkeys(IDENTITY, ""), **expected}
    assert stage.a.requests == []


def test_a_preset_for_one_session_wins_over_everything_and_writes_no_settings(stage: Stage, tmp_path: Path) -> None:
    """CX9: `run PRESET` beats main, the worktree, the user's settings, login and shell; no settings file changes."""
    stage.launcher.log_in(LOGIN)
    write_user_settings(stage.launcher, {"apiKeyHelper": f"echo {STRAY}", "model": STRAY, "env": SHELL})
    stage.llmswitch(stage.linked, "devstral", "--base-url", stage.a.url, env={KEY_VARIABLE: MAINS_KEY})
    stage.pin_main()
    before = {path: path.read_bytes() for path in tmp_path.rglob("settings*.json")}
    own = write_preset(tmp_path, "own", base_url=stage.b.url, key="openrouter", default_slot="opus")
    for folder in (stage.linked, stage.linked / "sub folder"):
        assert stage.reaches_b(preset="own", cwd=folder, env={**SHELL, **own}) == "local/opus"
    assert {path: path.read_bytes() for path in tmp_path.rglob("settings*.json")} == before


def test_claude_for_one_session_in_a_pinned_worktree(stage: Stage) -> None:
    """`run claude` goes to Anthropic with the user's own login or key, whatever is pinned where."""
    stage.launcher.log_in(LOGIN)
    stage.pin_linked()
    stage.pin_main()
    before = settings_of(stage.linked).read_bytes()
    assert stage.reaches_anthropic("claude") == (LOGIN, None)
    assert stage.reaches_anthropic("claude", env={"ANTHROPIC_API_KEY": SHELL_KEY})[1] == SHELL_KEY
    assert settings_of(stage.linked).read_bytes() == before


@pytest.mark.parametrize("how", ["token", "helper"])
def test_a_keyless_pin_sends_its_placeholder_only(stage: Stage, tmp_path: Path, how: str) -> None:
    """Neither the login nor main's token or helper arrives, for the pin and for `run PRESET`."""
    stage.launcher.log_in(LOGIN)
    own = write_preset(tmp_path, "local", base_url=stage.b.url, key=None)
    stage.llmswitch(stage.linked, "local", env=own)
    stage.pin_main(how)
    outcomes = [stage.run(preset=preset, env={**SHELL, **own}) for preset in (None, "local")]
    assert [request.model for request in stage.b.messages] == ["local/sonnet"] * 2
    assert {(request.bearer, request.api_key) for request in stage.b.requests} == {(KEYLESS_TOKEN, None)}
    sent = text_of([*stage.b.requests, *(request for outcome in outcomes for request in outcome.outside)])
    assert not any(secret in sent for secret in SECRETS)
    assert stage.a.requests == []


def test_mains_context_window_is_not_the_pins(stage: Stage, tmp_path: Path) -> None:
    """A pin without a known window gets the one it has without main, not that of main's models."""
    own = write_preset(tmp_path, "local", base_url=stage.b.url, key=None)

    def window(*words: str) -> tuple[str, int]:
        stage.launcher.words = ["run", *words]
        usage = stage.launcher.control(stage.linked, "get_context_usage", env=own)["get_context_usage"]
        return usage["model"], usage["maxTokens"]

    stage.llmswitch(stage.linked, "local", env=own)
    alone = window()
    stage.pin_main()
    assert json.loads(settings_of(stage.main).read_text())["env"][WINDOW] == "163840"
    assert alone[1] != 163840
    assert window() == window("local") == alone


def test_the_helper_works_from_anywhere(stage: Stage, tmp_path: Path) -> None:
    """llmswitch in a folder with a quote, a space and an ü, and nothing but the client and git on PATH."""
    entry = tmp_path / "where it's för" / "llmswitch"
    entry.parent.mkdir()
    entry.symlink_to(ENTRY)
    git_program = shutil.which("git")
    assert git_program
    (stage.launcher.folder / "git").symlink_to(git_program)
    stage.pin_linked()
    stage.pin_main()
    stage.launcher.program = str(entry)
    assert stage.reaches_b(env={"PATH": str(stage.launcher.folder)}) == "google/gemini-2.5-pro"
    [overlay] = overlays(stage.launcher.home)
    helper = json.loads(overlay.read_text())["apiKeyHelper"]
    assert shlex.split(helper) == [str(entry), "print-key", "--preset", "openrouter", "--overlay", overlay.stem]


def test_the_helper_works_for_a_module(stage: Stage) -> None:
    """Started as `python -m llmswitch` there is no entry point to name."""
    stage.pin_linked()
    stage.pin_main()
    stage.launcher.program = sys.executable
    stage.launcher.before = ["-m", "llmswitch"]
    assert stage.reaches_b() == "google/gemini-2.5-pro"


class Fake:
    """A `claude` on PATH that records how it was started; for what needs no real one."""

    def __init__(self, cli: Cli, sealed: dict[str, str], folder: Path) -> None:
        self._cli, self._record = cli, folder / "record"
        self.env = {"PATH": f"{folder}:{os.environ['PATH']}"}
        self.home, self.program = Path(sealed["HOME"]), folder / "claude"
        self.whole = {**sealed, **self.env}
        self.does('test "$1" != --settings || cat "$2"')

    def does(self, body: str) -> None:
        """Say what it does after recording; else it prints its --settings file."""
        write_program(self.program, self._record, body)

    def run(self, *arguments: str, cwd: Path, env: Mapping[str, str] | None = None) -> Reply:
        """Run `llmswitch run` with these arguments."""
        return self._cli("run", *arguments, cwd=cwd, env={**self.env, **(env or {})})

    def settings(self, *arguments: str, cwd: Path, env: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Run `llmswitch run` and return the --settings that the program got."""
        reply = self.run(*arguments, cwd=cwd, env=env)
        assert reply.code == 0, reply
        settings: dict[str, Any] = json.loads(reply.out)
        return settings

    @property
    def arguments(self) -> list[str] | None:
        """What it was started with besides the id of its session, None where it was not."""
        if not self._record.exists():
            return None
        words = recorded(self._record)[1:]
        at = words.index("--session-id") if "--session-id" in words else len(words)
        return words[:at] + words[at + 2 :]

    @property
    def pid(self) -> int:
        """The process it was."""
        return int(recorded(self._record)[0])


@pytest.fixture
def fake(cli: Cli, key: str, sealed: dict[str, str], tmp_path: Path) -> Fake:
    """Put a recording `claude` on PATH."""
    return Fake(cli, sealed, tmp_path / "bin")


@pytest.fixture
def linked(repo: Path) -> Path:
    """Add a linked worktree."""
    return linked_to(repo)


def test_exported_overrides_count_for_one_session_too(fake: Fake, repo: Path) -> None:
    """As in a switch, and it says so; for the worktree's own pin they are nothing."""
    exported = {"LLMSWITCH_HAIKU": "x/y", "ANTHROPIC_DEFAULT_OPUS_MODEL": "x/z"}
    reply = fake.run("openrouter", cwd=repo, env=exported)
    env = json.loads(reply.out)["env"]
    assert (env["ANTHROPIC_DEFAULT_HAIKU_MODEL"], env["ANTHROPIC_DEFAULT_OPUS_MODEL"]) == ("x/y", "x/z")
    assert "haiku is x/y, from the exported LLMSWITCH_HAIKU." in reply.err
    assert fake.run("claude", cwd=repo, env=exported).err == ""


def test_one_session_takes_other_models_and_another_start(fake: Fake, cli: Cli, repo: Path) -> None:
    """Of a preset that is named, or of the one in use here, whose own overrides stay; nothing is written."""
    env = json.loads(fake.run("openrouter", "--small", "x/y", "--start", "large", cwd=repo).out)["env"]
    assert (env["ANTHROPIC_DEFAULT_HAIKU_MODEL"], env["ANTHROPIC_MODEL"]) == ("x/y", "opus")
    own_login = json.loads(fake.run("--opus", "x/z", cwd=repo).out)["env"]
    assert own_login == {"ANTHROPIC_DEFAULT_OPUS_MODEL": "x/z"}
    assert cli("openrouter", "--haiku", "a/b", cwd=repo).code == 0
    before = settings_of(repo).read_bytes()
    env = json.loads(fake.run("--opus", "x/z", "--", "-p", "hi", cwd=repo).out)["env"]
    assert (env["ANTHROPIC_DEFAULT_HAIKU_MODEL"], env["ANTHROPIC_DEFAULT_OPUS_MODEL"]) == ("a/b", "x/z")
    env = json.loads(fake.run("--model", "x/z", cwd=repo).out)["env"]
    assert (env["ANTHROPIC_DEFAULT_HAIKU_MODEL"], env["CLAUDE_CODE_SUBAGENT_MODEL"]) == ("x/z", "x/z")
    assert settings_of(repo).read_bytes() == before


ODD = ["-p", "", "a b\nc", "--", "ünï $HOME", "'\"", "run", "--help"]


def test_without_any_pin_the_arguments_are_the_users_alone(fake: Fake, linked: Path) -> None:
    """No --settings, nothing written, and every odd argument as it was; with none, none."""
    assert fake.run("--", *ODD, cwd=linked).code == 0
    assert fake.arguments == ODD
    assert fake.run(cwd=linked).code == 0
    assert fake.arguments == []
    assert fake.run("claude", cwd=linked).code == 0
    assert fake.arguments == []
    assert not fake.home.joinpath(".local/state/llmswitch/overlays").exists()


@pytest.mark.parametrize("pinned", [True, False])
def test_the_ledger_has_each_start_with_its_session(fake: Fake, cli: Cli, repo: Path, pinned: bool) -> None:
    """`run` gives the session an id of its own, unless the user chose one; a prompt is not kept."""
    if pinned:
        cli("openrouter", cwd=repo)
    other = "0f9a2c54-1f36-4a8e-9b1c-3d5e7f901234"
    fake.does('printf "%s\\n" "$@" > "$HOME/words"')
    for words in (["deepseek", "--", "-p", "a secret plan"], ["--", "--session-id", other], ["--", "-c"]):
        assert fake.run(*words, cwd=repo).code == 0
    assert fake.run("--", "mcp", "list", cwd=repo).code == 0
    assert "--session-id" not in (fake.home / "words").read_text()
    starts = [each for each in entries(f"{fake.home}/.local/state/llmswitch", str(repo)) if each.kind == "run"]
    here = ("openrouter", "openrouter.ai") if pinned else ("claude", "api.anthropic.com")
    assert [(each.preset, each.host) for each in starts] == [("deepseek", "openrouter.ai"), here, here]
    assert starts[0].slots["opus"] == "deepseek/deepseek-v3.2"
    assert starts[0].typed == ("run", "deepseek")
    assert len(starts[0].session or "") == 36
    assert [each.session for each in starts[1:]] == [other, None]


def test_a_pin_comes_first_in_a_private_file_without_the_key(fake: Fake, cli: Cli, linked: Path) -> None:
    """--settings PATH, then the user's arguments; the file is 0600 in a 0700 folder and one a worktree."""
    cli("openrouter", cwd=linked)
    for _ in range(2):
        assert fake.run("--", *ODD, cwd=linked).code == 0
    [overlay] = overlays(fake.home)
    assert fake.arguments == ["--settings", str(overlay), *ODD]
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (overlay, overlay.parent)]
    assert modes == [0o600, 0o700]
    pinned, handed_on = json.loads(settings_of(linked).read_text()), json.loads(overlay.read_text())
    helper = [sys.executable, "-P", "-m", "llmswitch", "print-key", "--preset", "openrouter", "--overlay", overlay.stem]
    assert shlex.split(handed_on.pop("apiKeyHelper")) == helper
    lists = {"availableModels": pinned["availableModels"]}
    assert handed_on == {"env": {**pinned["env"], "ANTHROPIC_AUTH_TOKEN": ""}, "disableAutoMode": "disable", **lists}
    assert IDENTITY.keys() <= handed_on["env"].keys()
    assert holding(linked.parent, KEY) == [settings_of(linked)]


def test_an_overlay_with_a_secret_is_in_memory_only(fake: Fake, cli: Cli, repo: Path, linked: Path) -> None:
    """A file descriptor that the client inherits holds the shell's key; the disk does not."""
    cli("openrouter", cwd=repo)
    settings = fake.settings(cwd=linked, env={"ANTHROPIC_API_KEY": SHELL_KEY})
    assert settings["env"]["ANTHROPIC_API_KEY"] == SHELL_KEY
    assert fake.arguments is not None
    assert fake.arguments[1].startswith("/proc/self/fd/")
    assert holding(linked.parent, SHELL_KEY) == []


def test_without_files_in_memory_a_secret_is_not_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a system that has none the way out is named."""
    monkeypatch.delattr(os, "memfd_create", raising=False)
    with pytest.raises(LlmswitchError, match="llmswitch claude -w MAIN"):
        client.overlay_in_memory("{}")


def test_inside_a_session_the_environment_is_not_the_users(fake: Fake, cli: Cli, repo: Path, linked: Path) -> None:
    """There it holds main's pin, which must not pass for something that the user exported."""
    cli("openrouter", cwd=repo)
    session = {"CLAUDECODE": "1", "ANTHROPIC_AUTH_TOKEN": KEY, "ANTHROPIC_BASE_URL": "https://openrouter.ai/api"}
    assert not any(fake.settings(cwd=linked, env=session)["env"].values())


@pytest.mark.parametrize(
    "given", [{"ANTHROPIC_MODEL": "opus"}, {"ANTHROPIC_API_KEY": "sk-ant-of-this-worktree-0123456789"}]
)
def test_entries_that_name_no_backend_are_no_pin(
    fake: Fake, cli: Cli, repo: Path, linked: Path, given: dict[str, str]
) -> None:
    """A model or an Anthropic key of the user's own works as without llmswitch, and under a pinned main too."""
    write(linked, {"env": given})
    assert fake.run(cwd=linked, env=SHELL).code == 0
    assert fake.arguments == []
    cli("openrouter", "--anyway", cwd=repo)
    env = fake.settings(cwd=linked, env=SHELL)["env"]
    assert {name: env[name] for name in (*SHELL, "ANTHROPIC_BASE_URL") if name in IDENTITY} == {
        "ANTHROPIC_BASE_URL": "",
        **{name: text for name, text in SHELL.items() if name in IDENTITY},
        **given,
    }


def test_a_hand_made_pin_with_a_helper_is_handed_on_complete(fake: Fake, repo: Path, linked: Path) -> None:
    """The user's own helper stays, and every identity entry that the file leaves out is blank."""
    env = {"ANTHROPIC_BASE_URL": "https://llm.example", "MINE": "kept out"}
    write(linked, {"apiKeyHelper": "echo by-hand", "env": env})
    settings = fake.settings(cwd=linked, env=SHELL)
    assert settings["apiKeyHelper"] == "echo by-hand"
    assert settings["env"] == {**dict.fromkeys(IDENTITY, ""), "ANTHROPIC_BASE_URL": "https://llm.example"}


@pytest.mark.parametrize(
    ("switch", "words"),
    [
        ([], ["openrouter"]),
        ([], ["openrouter", "--haiku", "x/y"]),
        ([], ["both"]),
        (["openrouter"], []),
        (["openrouter", "--key-helper"], []),
        (["openrouter", "--key-helper"], ["--haiku", "x/y"]),
    ],
    ids=" ".join,
)
def test_a_key_that_is_nowhere_is_said_before_anything_starts(
    fake: Fake, cli: Cli, repo: Path, own: Path, switch: list[str], words: list[str]
) -> None:
    """Claude Code would wait for its helper for a minute and more; on a terminal the key is asked for."""
    place = "{model: 'm', base_url: 'https://x.example', key: 'openrouter'}"
    (own / "both.json5").write_text(f"{{slots: {{haiku: {place}, sonnet: {place}, opus: {place}, fable: {place}}}}}")
    assert not switch or cli(*switch, cwd=repo).code == 0
    reply = fake.run(*words, cwd=repo, env={KEY_VARIABLE: ""})
    assert (reply.code, fake.arguments) == (4, None), reply
    assert KEY_VARIABLE in reply.err
    argv = [sys.executable, "-m", "llmswitch", "run", *words]
    with Terminal(argv, cwd=repo, env={**fake.whole, "LLMSWITCH_HOME": str(own.parent), KEY_VARIABLE: ""}) as terminal:
        terminal.expect("openrouter key:")
        terminal.interrupt()
        assert terminal.wait() == 130
    assert fake.arguments is None


@pytest.mark.parametrize("variable", ["ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_API_KEY"])
def test_a_foreign_credential_is_refused(fake: Fake, linked: Path, variable: str) -> None:
    """Exit 5, it says how to go on, shows no credential and starts nothing."""
    write(linked, {"env": {"ANTHROPIC_BASE_URL": "https://llm.example", variable: "by-hand-0123456789"}})
    reply = fake.run("--", "-p", "hi", cwd=linked)
    assert reply.code == 5
    assert "--adopt-key NAME" in reply.err
    assert "by-hand" not in reply.out + reply.err
    assert fake.arguments is None
    assert holding(fake.home, "by-hand") == []


def test_a_changed_token_in_our_pin_is_foreign_too(fake: Fake, cli: Cli, linked: Path) -> None:
    """A key that somebody put in the place of ours is not replaced by ours in silence."""
    cli("openrouter", cwd=linked)
    settings_of(linked).write_text(settings_of(linked).read_text().replace(KEY, MAINS_KEY))
    assert fake.run(cwd=linked).code == 5
    assert fake.arguments is None


@pytest.mark.parametrize("given", [["--settings", "x.json"], ["-p", "hi", "--settings=x.json"]])
def test_settings_of_the_users_own(fake: Fake, cli: Cli, linked: Path, given: list[str]) -> None:
    """They pass through where no overlay is needed; with one they are wrong usage, for they would not be read."""
    fake.does(":")
    assert fake.run("--", *given, cwd=linked).code == 0
    assert fake.arguments == given
    cli("openrouter", cwd=linked)
    reply = fake.run("openrouter", "--", "--resume", cwd=linked)
    assert reply.code == 0
    started = fake.arguments
    reply = fake.run("--", *given, cwd=linked)
    assert (reply.code, fake.arguments) == (2, started)
    assert "settings.local.json" in reply.err


def test_without_claude_on_path(cli: Cli, key: str, linked: Path, tmp_path: Path) -> None:
    """Exit 1, and how to install it."""
    git_program = shutil.which("git")
    assert git_program
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "git").symlink_to(git_program)
    (tmp_path / "bin" / "claude").write_text("not executable")
    cli("openrouter", cwd=linked)
    reply = cli("run", "--", "-p", "hi", cwd=linked, env={"PATH": str(tmp_path / "bin")})
    assert reply.code == 1
    assert "npm install --global @anthropic-ai/claude-code" in reply.err


def test_a_claude_that_cannot_be_started(fake: Fake, linked: Path) -> None:
    """Exit 1 and the reason, not a traceback."""
    fake.program.write_text("#!/nowhere/at/all\n")
    reply = fake.run(cwd=linked)
    assert reply.code == 1
    assert f"{fake.program} cannot be started: No such file" in reply.err


@pytest.mark.parametrize("arguments", [["nowhere"], ["openrouter", "devstral"], ["--unknown"]])
def test_wrong_usage_starts_nothing(fake: Fake, linked: Path, arguments: list[str]) -> None:
    """An unknown preset, two of them, or an option that belongs behind `--`."""
    assert fake.run(*arguments, cwd=linked).code == 2
    assert fake.arguments is None


def test_exit_code_and_environment_are_passed_on(fake: Fake, cli: Cli, linked: Path) -> None:
    """What claude ends with is what `run` ends with; it gets the environment as it is, streams included."""
    fake.does("env; pwd; cat; echo oops >&2; exit 7")
    cli("openrouter", cwd=linked)
    whole = {**fake.whole, "ANTHROPIC_API_KEY": SHELL_KEY}
    reply = cli("run", cwd=linked / "sub folder", env=whole, text="typed\n")
    assert (reply.code, reply.err) == (7, "oops\n")
    *lines, folder, typed = reply.out.splitlines()
    assert (folder, typed) == (str(linked / "sub folder"), "typed")
    assert dict(line.split("=", 1) for line in lines).items() >= whole.items()


def start(fake: Fake, cwd: Path) -> subprocess.Popen[str]:
    """Start `llmswitch run` and wait until the program says that it is ready."""
    process = subprocess.Popen(
        [ENTRY, "run"], cwd=cwd, env=fake.whole, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    return process


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_is_claudes_own(fake: Fake, cli: Cli, linked: Path, number: signal.Signals) -> None:
    """`run` has become the program: a signal to its process gets there, and how that ends is how it ends."""
    cli("openrouter", cwd=linked)
    fake.does(f"trap 'echo ended; exit 9' {number.name.removeprefix('SIG')}; echo ready; read line; exit 1")
    with start(fake, linked) as process:
        assert fake.pid == process.pid
        process.send_signal(number)
        assert (process.communicate(timeout=30)[0], process.returncode) == ("ended\n", 9)


def test_no_signal_is_ignored_on_the_way(fake: Fake, linked: Path) -> None:
    """Python ignores SIGPIPE; claude, and all that it starts, must not for that reason."""
    fake.does("echo ready; read line; kill -s PIPE $$; exit 1")
    with start(fake, linked) as process:
        process.communicate("go\n", timeout=30)
    assert process.returncode == -signal.SIGPIPE


def test_the_terminal_is_claudes_own(fake: Fake, cli: Cli, linked: Path) -> None:
    """All three streams are the terminal; what is typed and Ctrl-C get to the program."""
    cli("openrouter", cwd=linked)
    fake.does(
        "trap 'exit 9' INT; test -t 0 && test -t 1 && test -t 2 && echo ask; read line; echo got $line; read line"
    )
    with Terminal([str(ENTRY), "run"], linked, fake.whole) as terminal:
        terminal.expect("ask")
        terminal.send("this\n")
        terminal.expect("got this")
        terminal.interrupt()
        assert terminal.wait() == 9


def test_a_key_that_was_piped_in_cannot_be_handed_on(fake: Fake, cli: Cli, linked: Path) -> None:
    """It was for that pin alone: nothing is started, and the reply says how to save it."""
    assert cli("openrouter", "--key-stdin", cwd=linked, text=KEY).code == 0
    reply = fake.run(cwd=linked)
    assert reply.code == 5
    assert "llmswitch save-key openrouter" in reply.err
    assert fake.arguments is None


def test_a_pin_copied_from_main_is_known(fake: Fake, cli: Cli, repo: Path, linked: Path) -> None:
    """As .worktreeinclude does it: main's record tells whose key it is."""
    cli("openrouter", cwd=repo)
    write(linked, json.loads(settings_of(repo).read_text()))
    assert "print-key --preset openrouter" in fake.settings(cwd=linked)["apiKeyHelper"]


def test_an_overlays_helper_gives_a_key_for_that_overlay_alone(fake: Fake, cli: Cli, repo: Path, linked: Path) -> None:
    """Not where somebody changed it after the start; what the worktree's own file says does not count there."""
    cli("openrouter", "--key-helper", cwd=linked)
    helper = shlex.split(fake.settings("openrouter", cwd=linked)["apiKeyHelper"])
    words = helper[helper.index("print-key") :]
    file, [overlay] = settings_of(linked), overlays(fake.home)
    file.write_text(file.read_text().replace("https://openrouter.ai", "https://evil.example"))
    assert cli(*words, cwd=linked).out == f"{KEY}\n"
    whole = overlay.read_text()
    overlay.write_text(whole.replace("https://openrouter.ai", "https://evil.example"))
    reply = cli(*words, cwd=linked)
    assert (reply.code, reply.out, "was changed after the session started" in reply.err) == (5, "", True)
    overlay.write_text(whole)
    assert cli(*words, cwd=linked / ".claude").out == f"{KEY}\n"
    fake.does("true")
    reply = fake.run(cwd=linked)
    assert (reply.code, "sends it to evil.example" in reply.err) == (5, True)
