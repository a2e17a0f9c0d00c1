"""Random states of files, shells and pins, and the real client as their judge.

A state is plain data, so that it can be printed, reduced and run again. It is built in a folder of its own; then
llmswitch says what a session there would do, and a session of the client does it. Every difference is a `Fault`.
"""

from __future__ import annotations

import contextlib
import copy
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from llmswitch.base.errors import LlmswitchError
from llmswitch.claude import layers as layers_module
from llmswitch.claude.credentials import OAUTH, oauth
from llmswitch.claude.credentials import sent as credentials_sent
from llmswitch.claude.effective import Value, effective
from llmswitch.claude.fence import OWN_MODELS, allows
from llmswitch.claude.variables import (
    ALLOWED,
    API_KEY,
    AUTH_TOKEN,
    BASE_URL,
    CLOUD_SWITCHES,
    HELPER,
    KEYLESS_TOKEN,
    OURS,
    SAVED_MODEL,
    TOP_MEMBERS,
    VARIABLES,
    counts,
    plain,
)
from llmswitch.cli.app import App
from llmswitch.commands.request import Request as Wanted
from llmswitch.commands.run import in_use
from llmswitch.worktrees import layout as worktrees

from .claude_client import ANTHROPIC_HOST, CONTROL_ARGUMENTS, ClaudeClient, Outcome
from .layers import reader_of
from .layouts import BUILDERS, REFUSED, Builder
from .messages_server import MessagesServer, Request
from .tree import ROOT, SOURCE

State = dict[str, Any]
KEY = "sk-or-v1-judge-0123456789abcdef0123456789"
OWN_KEY = "key-of-the-judges-preset-0123456789"
LOGIN = "token-of-the-login-0123456789"
FOREIGN = "foreign.example"
PIN_HOST = "openrouter.ai"
HOSTS = (ANTHROPIC_HOST, FOREIGN, PIN_HOST)
LAYOUTS: dict[str, Builder] = {
    build.__name__: build for build in (*BUILDERS, *REFUSED) if "foreign" not in build.__name__ or os.geteuid() == 0
}
FOLDERS = ("root", "below", "below with settings")
SLOT_NAMES = ("haiku", "sonnet", "opus", "fable")
OWN_PRESET = {
    "title": "The judge's own", "base_url": "{server}/judge", "key": "judge", "slots":
    {"haiku": "j/haiku", "sonnet": "j/sonnet", "opus": "j/opus", "fable": "j/fable", "subagent": ""},
}  # fmt: skip
OLD_PIN = ROOT / "tests" / "support" / "from_0_1" / "pin.json"

# What a layer may hold: member → values; {l} is the layer's letter, {server} and {proxy} are addresses on loopback.
ENV: dict[str, tuple[Any, ...]] = {
    BASE_URL: ("{server}/{l}", "{server}/{l}", "", "https://foreign.example/{l}", 5, None, "none", "{server}/{l}/"),
    "ANTHROPIC_AUTH_TOKEN": ("tok-{l}", "tok-{l}", "", 7, " tok-{l} "),
    "ANTHROPIC_API_KEY": ("key-{l}", "key-{l}", ""),
    "ANTHROPIC_MODEL": ("haiku", "sonnet", "opus", "fable", "", "{l}/start", "claude-opus-4-8", "sonnet[1m]", 5),
    "ANTHROPIC_DEFAULT_HAIKU_MODEL": ("{l}/haiku", ""),
    "ANTHROPIC_DEFAULT_SONNET_MODEL": ("{l}/sonnet", "{l}/sonnet[1m]", ""),
    "ANTHROPIC_DEFAULT_OPUS_MODEL": ("{l}/opus", "", "claude-opus-4-8", "{l}/opus[1M]"),
    "ANTHROPIC_DEFAULT_FABLE_MODEL": ("{l}/fable", ""),
    "CLAUDE_CODE_SUBAGENT_MODEL": ("{l}/sub", ""),
    "ANTHROPIC_SMALL_FAST_MODEL": ("{l}/small", ""),
    "ANTHROPIC_CUSTOM_HEADERS": ("x-{l}: 1", ""),
    "ANTHROPIC_BETAS": ("beta-{l}", ""),
    "CLAUDE_CODE_EXTRA_BODY": ('{"model": "{l}/body"}', '{"metadata": {"user_id": "{l}"}}', ""),
    "CLAUDE_CODE_USE_BEDROCK": ("0", "", "false", "1"),
    "CLAUDE_CODE_USE_VERTEX": ("0", ""),
    "CLAUDE_CODE_MAX_CONTEXT_TOKENS": ("50000", ""),
    "CLAUDE_CODE_DISABLE_1M_CONTEXT": ("1", ""),
    "CLAUDE_CODE_OAUTH_TOKEN": ("oauth-{l}",),
    "HTTP_PROXY": ("{proxy}", ""),
    "https_proxy": ("{proxy}",),
    "NO_PROXY": ("x.example", "127.0.0.1,localhost"),
    "no_proxy": ("x.example", ""),
    "NODE_TLS_REJECT_UNAUTHORIZED": ("0", "1"),
    "EDITOR": ("vi", 5, None, True, ["a", None], {"a": 1}, 1e-7, 2**53 + 1, -0.0, 1.5e300),
}
LISTS: tuple[Any, ...] = (
    ["opus"], ["sonnet", "opus"], [], ["{l}/haiku"], ["{l}/haiku", "{l}/sonnet", "{l}/opus"], ["claude-opus-4-8"],
    ["haiku"], "x", [5], ["mistralai"],
)  # fmt: skip
MEMBERS: dict[str, tuple[Any, ...]] = {
    "apiKeyHelper": ("echo hlp-{l}", "echo hlp-{l}", "", None, 5),
    "model": ("opus", "haiku", "{l}/saved", "claude-opus-4-8", 5, ""),
    ALLOWED: LISTS,
    "disableAutoMode": ("disable", None, "", 5),
    "permissions": ({"allow": ["Bash(ls:*)"]}, {"allow": "x"}, {"defaultMode": "plan"}, {"defaultMode": "x"}, []),
    "hooks": (
        {}, {"Stop": {"a": 1}}, {"Stop": [{"hooks": [{"type": "command", "command": "true"}]}]}, {"Stop": ["text"]},
        {"Stop": [{"matcher": "x"}]}, {"Stop": [{"hooks": [{"type": "odd"}]}]}, {"Stop": None}, [], None,
        {"Stop": [{"hooks": [{"type": "command", "command": "true", "timeout": "x"}]}]}, {"Odd": [1]},
        {"Stop": [{"matcher": {}, "hooks": []}]}, {"Stop": [{"hooks": [{"command": "true"}]}]},
    ),
    "cleanupPeriodDays": (30, 0, -1, "x", 0.5, None),
    "statusLine": ({"type": "command", "command": "true"}, {"type": "x"}, "x", None),
    "includeCoAuthoredBy": (True, "x", None),
    "outputStyle": ("x", 5),
    "enabledPlugins": ({}, [], {"a@b": True}, {"a@b": "x"}),
    "sandbox": ({}, {"enabled": True}, {"enabled": "x"}, 5),
    "attribution": ({"commit": ""}, {"commit": 5}, "x"),
    "teammateMode": ("auto", "odd", 5),
    "enableAllProjectMcpServers": (True, "x"),
    "spinnerVerbs": ({"mode": "append", "verbs": ["a"]}, {"mode": "x"}, ["a"]),
    "forceLoginMethod": ("claudeai", "x"),
    "theme": ("dark", 5),
    "unknownMember": (5, None, {"a": 1}),
}  # fmt: skip
TEXTS = (
    "", "{", "[]", "null", '{"env": {"EDITOR": "x"},}', '{"env": 5}', '{"env": {"EDITOR": "a", "EDITOR": "b"}}',
    "\ufeff{}",
    '{"env": {"EDITOR": 1E-7, "PAGER": 9007199254740993}}', '// x\n{"env": {"ANTHROPIC_BASE_URL": "{server}/text"}}',
)  # fmt: skip
SHELL: dict[str, tuple[str, ...]] = {
    "ANTHROPIC_BASE_URL": ("{server}/shell",),
    "ANTHROPIC_AUTH_TOKEN": ("tok-shell",),
    "ANTHROPIC_API_KEY": ("key-shell",),
    "ANTHROPIC_MODEL": ("shell/start", "haiku"),
    "ANTHROPIC_DEFAULT_OPUS_MODEL": ("shell/opus",),
    "CLAUDE_CODE_OAUTH_TOKEN": ("oauth-shell",),
    "ANTHROPIC_CUSTOM_HEADERS": ("x-shell: 1",),
    "CLAUDE_CODE_USE_BEDROCK": ("1", "0"),
    "HTTP_PROXY": ("{proxy}",),
    "http_proxy": ("{proxy}",),
    "NO_PROXY": ("", "x.example"),
    "no_proxy": ("x.example",),
    "CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST": ("1", "0"),
    "CLAUDE_CODE_HOST_AUTH_ENV_VAR": ("TOKEN",),
    "CLAUDE_CONFIG_DIR": ("", "{home}/other", "own/relative"),
    "CLAUDE_CODE_SUBAGENT_MODEL": ("claude-haiku-5-5",),
}
PINS: tuple[list[str], ...] = (
    ["openrouter"], ["openrouter", "--start", "haiku"], ["openrouter", "--also", "any"], ["openrouter", "--key-helper"],
    ["deepseek"], ["deepseek", "--opus", "x/y[1m]"], ["devstral", "--also", "claude-opus-4-8"], ["or-claude"],
    ["ollama", "--model", "qwen3:8b"], ["openrouter", "--subagent", "z/sub"],
    ["openrouter", "--sonnet", "claude-opus-4-8"],
)  # fmt: skip
# What `llmswitch run` is asked for; "judge" is a preset of the user's own, on loopback.
RUNS: tuple[list[str], ...] = (
    [], [], [], [], ["judge"], ["judge"], ["judge", "--haiku", "r/haiku", "--start", "haiku"], ["openrouter"],
    ["openrouter", "--also", "any"], ["claude"], ["--sonnet", "r/sonnet"], ["judge", "--also", "claude-opus-4-8"],
)  # fmt: skip
ASKED: tuple[list[str], ...] = (
    [], [], [], ["--model", "haiku"], ["--model", "claude-opus-4-8"], ["--agent", "judge"], ["--model", "sonnet"],
)  # fmt: skip


class Chooser:
    """Makes the state of a seed."""

    def __init__(self, seed: str) -> None:
        self.random, self.seed = random.Random(seed), seed

    def some(self, pool: Mapping[str, Sequence[Any]], likely: float) -> dict[str, Any]:
        """Return some members of a pool, each with one of its values."""
        return {name: self.random.choice(values) for name, values in pool.items() if self.random.random() < likely}

    def layer(self) -> Any:
        """Return what a settings file holds: its text, or its root; None for no file."""
        kind = self.random.random()
        if kind < 0.4:
            return None
        if kind < 0.47:
            return self.random.choice(TEXTS)
        likely = self.random.choice([0.05, 0.15, 0.4])
        root: dict[str, Any] = {"env": self.some(ENV, likely)} if self.random.random() < 0.9 else {}
        if root and self.random.random() < 0.03:
            root["env"] = self.random.choice([None, 5, [], {"A": {}}])
        return {**root, **self.some(MEMBERS, self.random.choice([0.0, 0.05, 0.12]))}

    def pin(self) -> dict[str, Any]:
        """Return how a pin is put here, and what is changed in it after that."""
        choose = self.random
        how = choose.choices(["none", "switch", "hand", "older", "tool"], [2, 10, 2, 2, 2])[0]
        if how != "switch":
            return {"how": how}
        words = list(choose.choice(PINS))
        if choose.random() < 0.7:
            words += ["--base-url", "{server}/pin"]
        where = choose.choice(["here", "here", "here", "main", "both"])
        changed = self.some(ENV, 0.04) if choose.random() < 0.25 else {}
        gone = choose.random() < 0.1
        first, less = choose.random() < 0.3, choose.choice(["ANTHROPIC_API_KEY", "ANTHROPIC_MODEL", ALLOWED])
        pin = {"how": how, "where": where, "words": words, "changed": changed, "first": first}
        return {**pin, "without": less if gone else ""}

    def state(self) -> State:
        """Return a state."""
        choose = self.random
        managed = choose.random() < 0.12
        names = ("user", "project", "local", "other 0", "other 0 shared", "other 1", *(["managed"] if managed else []))
        self.random = random.Random(f"{self.seed} run")  # what came before stays as it was
        run = self.random.choice(RUNS)
        self.random = choose
        return {
            "run": run,
            "layout": choose.choice(sorted(LAYOUTS)),
            "folder": choose.choices(FOLDERS, [6, 1, 1])[0],
            "files": {name: root for name in names if (root := self.layer()) is not None},
            "pin": self.pin(),
            "shell": self.some(SHELL, choose.choice([0.0, 0.05, 0.15])),
            "login": choose.random() < 0.3,
            "agent": choose.choice([None, None, None, "claude-opus-4-8", "haiku", "w/other"]),
            "asked": choose.choice(ASKED),
        }


@dataclass(frozen=True)
class Sent:
    """One request for a message: through which proxy, to which host and path, with what, for which model."""

    via: str
    host: str
    path: str
    bearer: str | None
    api_key: str | None
    model: str | None


@dataclass(frozen=True)
class Promise:
    """What a run promises: where to, with which credentials (None: those that `left` decides), the pin's members."""

    url: str
    credentials: frozenset[str] | None
    members: Mapping[str, Any]
    left: Mapping[str, Value] = field(default_factory=dict)
    opened: Sequence[str] = ()  # by lists of other files


@dataclass
class Seen:
    """What llmswitch says of a state, and what the client did."""

    ours: dict[str, str] = field(default_factory=dict)
    theirs: dict[str, Any] = field(default_factory=dict)
    values: dict[str, Value] = field(default_factory=dict)
    status: dict[str, Any] | None = None
    code: int = 0
    said: str = ""
    sent: list[Sent] = field(default_factory=list)
    login: bool = False
    switched: list[tuple[int, str]] = field(default_factory=list)
    ran: Outcome | None = None
    port: int = 0  # of the provider
    promise: Promise | None = None


NO_START = "Claude Code does not start with such a file"  # an administrator's
# What `status` prints and the client does not do: the finding that tells it, and why it is not printed otherwise.
TOLD = {
    "host-app": "another program chooses the provider, for as long as that shell lives: what the files say comes back",
}


@dataclass(frozen=True)
class Fault:
    """One difference: of which kind, and in words."""

    kind: str
    words: str


NO_NAMESPACE = "no mount namespace of its own, for managed settings"


class Namespace:
    """What starts a program with an /etc/claude-code of our own; `available` says whether that can be had here."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "etc" / "claude-code"
        self.folder.mkdir(parents=True)
        mount = f"mount -t overlay overlay -o lowerdir={folder}/etc:/etc /etc"
        unshare = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-rm"]
        self.command = [*unshare, "sh", "-c", f'{mount} && exec "$0" "$@"']

    def available(self) -> bool:
        """Say whether a namespace can be made."""
        try:
            return subprocess.run([*self.command, "true"], capture_output=True).returncode == 0
        except OSError:
            return False


class Judge:
    """The client, with a provider, a proxy and an internet of its own, for as many states as wanted."""

    def __init__(self, program: str, by_run: bool = False) -> None:
        self.program, self.by_run = program, by_run
        self.left_out = 0
        self.counts: Counter[str] = Counter()  # what became of the states that were judged

    def faults(self, state: State) -> list[Fault]:
        """Build a state, ask both, and return how they differ."""
        with tempfile.TemporaryDirectory(prefix="truth-") as name, MessagesServer() as server, Proxy() as proxy:
            place = Built(state, Path(os.path.realpath(name)), server, proxy, self.program)
            if "managed" in state["files"] and not place.administered:
                self.left_out += 1
                return []
            with place.environment():
                seen = place.look(self.by_run)
            self.counts["sent" if seen.sent else "sent nothing"] += 1
            self.counts["status could not tell"] += not self.by_run and seen.status is None
            return judged_run(state, seen) if self.by_run else judged(state, seen)


class Proxy(MessagesServer):
    """A proxy that notes what asks for it and refuses it."""


class Built:
    """One state, on disk."""

    def __init__(self, state: State, base: Path, server: MessagesServer, proxy: MessagesServer, program: str) -> None:
        self.state, self.server, self.proxy = state, server, proxy
        self.home = base / "user"
        self.home.mkdir()
        (base / "work").mkdir()
        config = "[user]\n\tname = A Tester\n\temail = tester@example.com\n[init]\n\tdefaultBranch = trunk\n"
        (base / "gitconfig").write_text(config)
        self.base = base
        self.namespace = Namespace(base)
        wants = "managed" in state["files"]
        self.administered = wants and self.namespace.available()
        self.client = Recorder(program, self.home, base / "tmp", self.namespace.command if self.administered else [])
        self.words = {"server": server.url, "proxy": proxy.url, "home": str(self.home)}

    @contextlib.contextmanager
    def environment(self) -> Iterator[None]:
        """Replace this process's environment, for git, and where managed settings lie."""
        before, managed, own = dict(os.environ), layers_module._MANAGED, self.plain()
        os.environ.clear()
        os.environ.update(own)
        layers_module._MANAGED = str(self.namespace.folder)
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)
            layers_module._MANAGED = managed

    def plain(self) -> dict[str, str]:
        """Return the environment of git and of llmswitch, without the state's shell."""
        return {
            "HOME": str(self.home), "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "PYTHONPATH": SOURCE,
            "TMPDIR": str(self.base / "tmp"), "GIT_CONFIG_GLOBAL": str(self.base / "gitconfig"),
            "GIT_CONFIG_NOSYSTEM": "1", "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
            "DBUS_SESSION_BUS_ADDRESS": f"unix:path={self.base}/no-bus", "LLMSWITCH_KEY_OPENROUTER": KEY,
            "LLMSWITCH_KEY_JUDGE": OWN_KEY,
        }  # fmt: skip

    def filled(self, value: Any, letter: str) -> Any:
        """Return a value with its addresses and its layer's letter."""
        text = json.dumps(value).replace("{l}", letter)
        for word, address in self.words.items():
            text = text.replace("{" + word + "}", address)
        return json.loads(text)

    def look(self, by_run: bool) -> Seen:
        """Build it all, and ask llmswitch and the client."""
        state, seen = self.state, Seen(port=self.server.server_port, login=self.state["login"])
        root, others = LAYOUTS[state["layout"]](self.base / "work", self.home)
        self.root, self.others = root, others
        self.cwd = root if state["folder"] == "root" else root / "mid" / "sub"
        self.cwd.mkdir(parents=True, exist_ok=True)
        shell = self.filled(state["shell"], "shell")
        if state["login"]:
            self.client.log_in(LOGIN)
            with contextlib.suppress(OSError):
                folder = self.cwd / (shell.get("CLAUDE_CONFIG_DIR", ".claude") or ".")
                if "CLAUDE_CONFIG_DIR" in shell:
                    folder.mkdir(parents=True, exist_ok=True)
                    shutil.copy(self.home / ".claude" / ".credentials.json", folder / ".credentials.json")
        if state["agent"]:
            self.write(self.paths(shell)["user"].parent / "agents" / "judge.md",
                       f"---\nname: judge\ndescription: d\nmodel: {state['agent']}\n---\nBe brief.\n")  # fmt: skip
        fixed = self.client.environment("{internet}")
        session = {**fixed, **self.plain(), "PATH": fixed["PATH"], **shell}
        first = bool(state["pin"].get("first"))
        seen.switched = self.switch(session) if first else []
        self.write_files(shell, keep_pin=first)
        seen.switched += [] if first else self.switch(session)
        self.edit()
        environ = {**session, "HTTPS_PROXY": session.get("HTTPS_PROXY", "http://internet.invalid")}
        if by_run:
            self.launch(seen, environ, shell)
        else:
            self.ask_both(seen, environ, shell)
        return seen

    def write(self, path: Path, text: str) -> None:
        """Write one file, where its folder can be made."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def paths(self, shell: Mapping[str, str]) -> dict[str, Path]:
        """Return where each layer's file lies."""
        config = self.cwd / shell.get("CLAUDE_CONFIG_DIR", str(self.home / ".claude"))
        own = self.cwd if self.state["folder"] != "below" else self.root
        found = {
            "user": config / "settings.json",
            "project": own / ".claude" / "settings.json",
            "local": own / ".claude" / "settings.local.json",
            "managed": self.namespace.folder / "managed-settings.json",
        }
        for number, folder in enumerate(self.others[:2]):
            found[f"other {number}"] = folder / ".claude" / "settings.local.json"
            found[f"other {number} shared"] = folder / ".claude" / "settings.json"
        return found

    def write_files(self, shell: Mapping[str, str], keep_pin: bool) -> None:
        """Write the settings files; a pin that is there already keeps its file."""
        paths = self.paths(shell)
        for name, root in self.state["files"].items():
            if name not in paths or (keep_pin and paths[name].exists()):
                continue
            letter = name.replace(" ", "")
            if isinstance(root, str):
                text = root
                for word, address in self.words.items():
                    text = text.replace("{" + word + "}", address)
            else:
                text = json.dumps(self.filled(root, letter))
            self.write(paths[name], text)

    def switch(self, session: Mapping[str, str]) -> list[tuple[int, str]]:
        """Put the pin here; return how the commands ended and what they said."""
        pin, replies = self.state["pin"], []
        if pin["how"] == "switch":
            words = self.filled(pin["words"], "pin")
            main = self.others[0] if self.others and (self.others[0] / ".git").exists() else self.cwd
            folders = {"here": [self.cwd], "main": [main], "both": [main, self.cwd]}[pin["where"]]
            for folder in folders:
                if folder.is_dir():
                    done = self.llmswitch([*words, "--discard-key"], folder, session)
                    replies.append((done.returncode, done.stdout + done.stderr))
            return replies
        made: dict[str, dict[str, Any]] = {
            "none": {},
            "hand": {"env": {BASE_URL: "{server}/hand", "ANTHROPIC_AUTH_TOKEN": "tok-hand", "ANTHROPIC_MODEL": "opus",
                             "ANTHROPIC_DEFAULT_OPUS_MODEL": "hand/opus", "ANTHROPIC_API_KEY": ""}},
            "tool": {"env": {BASE_URL: "{server}/tool", "ANTHROPIC_AUTH_TOKEN": "tok-tool",
                             "ANTHROPIC_MODEL": "tool/model", "ANTHROPIC_SMALL_FAST_MODEL": "tool/model"}},
            "older": json.loads(OLD_PIN.read_text()) if pin["how"] == "older" else {},
        }  # fmt: skip
        if found := self.filled(made[pin["how"]], "pin"):
            path = self.cwd / ".claude" / "settings.local.json"
            self.merge(path, found)
        return replies

    def merge(self, path: Path, root: Mapping[str, Any]) -> None:
        """Put members into a settings file, as a tool does that cannot read a broken one."""
        try:
            before = json.loads(path.read_text())
            before = before if isinstance(before, dict) else {}
        except (OSError, ValueError):
            before = {}
        env = before.get("env")
        whole = {**before, **root, "env": {**(env if isinstance(env, dict) else {}), **root.get("env", {})}}
        self.write(path, json.dumps(whole))

    def edit(self) -> None:
        """Change the file of a pin as somebody does who edits it."""
        pin, path = self.state["pin"], self.cwd / ".claude" / "settings.local.json"
        if not (pin.get("changed") or pin.get("without")) or not path.exists():
            return
        with contextlib.suppress(ValueError, AttributeError, TypeError):
            root = json.loads(path.read_text())
            root.get("env", {}).update(self.filled(pin.get("changed") or {}, "edited"))
            root.pop(pin.get("without"), None)
            root.get("env", {}).pop(pin.get("without"), None)
            path.write_text(json.dumps(root))

    def llmswitch(
        self, words: Sequence[str], cwd: Path, environ: Mapping[str, str]
    ) -> subprocess.CompletedProcess[str]:
        """Run llmswitch, where there are managed settings among them."""
        wrap = self.namespace.command if self.administered else []
        argv = [*wrap, sys.executable, "-m", "llmswitch", *words]
        return subprocess.run(
            argv, cwd=cwd, env=dict(environ), capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60
        )

    def ask_both(self, seen: Seen, environ: dict[str, str], shell: Mapping[str, str]) -> None:
        """Ask `status`, then the client for its settings and for one answer."""
        done = self.llmswitch(["status", "--json", "--check"], self.cwd, environ)
        seen.code, seen.said = done.returncode, done.stderr
        with contextlib.suppress(ValueError):
            seen.status = json.loads(done.stdout)
        with contextlib.suppress(Exception):
            found = reader_of(environ).layers(worktrees.find(str(self.cwd)), os.path.realpath(self.cwd))
            seen.values = effective(found)
            files = effective(layer for layer in found if layer.origin != "shell")
            seen.ours = {name: value.text for name, value in files.items()}
        seen.theirs, seen.ran = self.client.converse(self.cwd, self.state["asked"], {**self.plain(), **shell})
        seen.sent = self.requests(seen.ran)

    def launch(self, seen: Seen, environ: dict[str, str], shell: Mapping[str, str]) -> None:
        """Start the client by `llmswitch run`."""
        folder = self.base / "bin"
        folder.mkdir()
        (folder / "claude").symlink_to(os.path.realpath(self.client.real))
        path = f"{folder}:{environ['PATH']}"
        asked = self.state.get("run", [])
        self.write(self.home / ".config/llmswitch/presets/judge.json5", json.dumps(self.filled(OWN_PRESET, "")))
        words = [sys.executable, "-m", "llmswitch", "run", *asked, "--", *self.state["asked"]]
        with contextlib.suppress(LlmswitchError):
            seen.promise = promised(App(environ), asked, str(self.cwd))
        seen.ran = self.client.launched(words, self.cwd, {**self.plain(), **shell, "PATH": path})
        seen.sent = self.requests(seen.ran)

    def requests(self, ran: Outcome) -> list[Sent]:
        """Return every request for a message, wherever it arrived."""
        direct = [sent("", request) for request in self.server.messages]
        proxied = [sent("proxy", request) for request in self.proxy.requests if request.path.startswith("http://")]
        # Nobody can see what goes through one. To Anthropic go other things than messages too; a session whose messages
        # went there would have sent none to where `status` says.
        tunnels = [
            Sent("proxy", request.path.partition(":")[0], "", None, None, None)
            for request in self.proxy.requests
            if request.method == "CONNECT" and not request.path.startswith(("127.0.0.1", f"{ANTHROPIC_HOST}:"))
        ]
        outside = [sent("", request) for request in ran.outside if request.is_message]
        refused = [
            Sent("", request.path.partition(":")[0], "", None, None, None)
            for request in ran.outside
            if request.method == "CONNECT" and request.path.partition(":")[0] not in HOSTS
        ]
        return [*direct, *[each for each in proxied if "/v1/messages" in each.path], *tunnels, *outside, *refused]


def sent(via: str, request: Request) -> Sent:
    """Return a request as data."""
    path = urlsplit(request.path).path.removesuffix("/v1/messages")
    return Sent(via, request.host, path, request.bearer, request.api_key, request.model)


class Recorder(ClaudeClient):
    """The client, asked for its settings and for an answer in one run."""

    def __init__(self, program: str, home: Path, tmp: Path, wrap: Sequence[str]) -> None:
        super().__init__(program, home, tmp, HOSTS)
        self.real, self._wrap = program, list(wrap)

    def converse(self, cwd: Path, asked: Sequence[str], env: Mapping[str, str]) -> tuple[dict[str, Any], Outcome]:
        """Return the settings the client reports, and how the run with one prompt ended."""
        request = {"type": "control_request", "request_id": "1", "request": {"subtype": "get_settings"}}
        prompt = {"type": "user", "message": {"role": "user", "content": "hi"}}
        feed = f"{json.dumps(request)}\n{json.dumps(prompt)}\n"
        outcome = self.launched([self.real, *CONTROL_ARGUMENTS, *asked], cwd, env, feed)
        for line in outcome.stdout.splitlines():
            if '"control_response"' in line:
                answer = json.loads(line)["response"].get("response", {}).get("effective", {})
                top = {name: answer[name] for name in (*TOP_MEMBERS, SAVED_MODEL) if name in answer}
                return {**answer.get("env", {}), **top}, outcome
        return {}, outcome

    def launched(self, words: Sequence[str], cwd: Path, env: Mapping[str, str], feed: str | None = None) -> Outcome:
        """Start a command with an internet around it."""
        if feed is None:
            words = [*words, "-p", "hi", "--output-format", "json"]
        command = [*self._wrap, *words]
        self.program, rest = command[0], command[1:]
        return self._start(cwd, rest, feed, env, 60)


def judged(state: State, seen: Seen) -> list[Fault]:
    """Return how what llmswitch says differs from what the client reports and does."""
    faults = [*_crashes(seen)]
    if seen.status is None:  # it said that it cannot tell
        silent = Fault("crash", f"status --json ended with {seen.code} and said nothing")
        return faults if seen.said.strip() else [*faults, silent]
    told = not TOLD.keys().isdisjoint(problem["code"] for problem in seen.status["problems"])
    faults += [*_settings(seen, told), *_agree(state, seen)]
    codes = {problem["code"] for problem in seen.status["problems"] if problem["level"] == "error"}
    if told or not seen.sent:
        return [*faults, *_silent(state, seen, codes)]
    for each in seen.sent:
        faults += _request(state, seen, each, codes)
    return list(dict.fromkeys(faults))


def _crashes(seen: Seen) -> Iterator[Fault]:
    """Yield the fault of a traceback."""
    texts = [seen.said, *[said for _, said in seen.switched], *([seen.ran.stderr] if seen.ran else [])]
    for text in texts:
        if "Traceback" in text:
            yield Fault("crash", text.strip().splitlines()[-1])


def _settings(seen: Seen, told: bool) -> Iterator[Fault]:
    """Yield the fault of values that the client merges otherwise; `told`: but for those of the provider."""
    ours = {name: _typed(name, text) for name, text in seen.ours.items()}
    if not seen.theirs and seen.ran is not None and seen.ran.returncode != 0:
        return
    theirs = {name: _typed(name, text) if name == SAVED_MODEL else text for name, text in seen.theirs.items()}
    names = {name for name in {*ours, *theirs} if ours.get(name) != theirs.get(name)}
    names = {name for name in names if not (name == ALLOWED and same_list(ours.get(name), seen.theirs.get(name)))}
    names = {name for name in names if not (told and (name in OURS or name.startswith("ANTHROPIC_")))}
    if names:
        few = {name: (ours.get(name), seen.theirs.get(name)) for name in sorted(names)[:6]}
        yield Fault("settings", f"merged values differ (ours, the client's): {few}")


def _agree(state: State, seen: Seen) -> Iterator[Fault]:
    """Yield the fault of a switch that was content with what `status` calls an error right after it."""
    pin, status = state["pin"], seen.status or {}
    untouched = pin["how"] == "switch" and not (pin["changed"] or pin["without"] or pin["first"])
    if not untouched or pin["where"] == "main" or not seen.switched or any(code for code, _ in seen.switched):
        return
    errors = [problem for problem in status["problems"] if problem["level"] == "error"]
    said = "".join(said for _, said in seen.switched)  # a second one may have nothing to do
    if errors and "warning" not in said:
        yield Fault("agree", f"the switch said nothing of {errors[0]['code']}: {errors[0]['message'][:150]}")


def same_list(ours: Any, theirs: Any) -> bool:
    """Say whether two lists of models are the same but for their order."""
    return isinstance(ours, list) and isinstance(theirs, list) and sorted(ours) == sorted(theirs)


def _typed(name: str, text: str) -> Any:
    if name == SAVED_MODEL:  # the client adds [1m] to it by itself, in the file too
        return plain(text)
    return json.loads(text) if name == ALLOWED else text


def _silent(state: State, seen: Seen, codes: set[str]) -> Iterator[Fault]:
    """Yield the fault of a session that sends nothing although nothing is said of that."""
    del state
    if seen.ran is not None and seen.ran.returncode == 0 and not seen.sent:
        yield Fault("nothing", "the session ended well and sent nothing")
    if codes or seen.sent or seen.status is None:
        return
    if any(NO_START in problem["message"] for problem in seen.status["problems"]):
        return  # told, and nothing leaves
    cloud = any(seen.values[name].text in ("1", "true") for name in CLOUD_SWITCHES if name in seen.values)
    there = urlsplit(seen.status["base_url"] or "").port in (None, seen.port)  # nobody else answers on loopback
    if seen.status["preset"] not in (None, "claude") and not cloud and seen.code == 0 and there:
        out = seen.ran.stdout[-300:] if seen.ran else ""
        yield Fault("nothing", f"status --check is content, and nothing was sent: {out}")


def _request(state: State, seen: Seen, each: Sent, codes: set[str]) -> Iterator[Fault]:
    status = seen.status or {}
    cloud = status.get("cloud")
    if cloud:
        if each.host in (*HOSTS, "127.0.0.1") and each.model:
            yield Fault("cloud", f"status names {cloud}, sent to {each.host}{each.path}")
        return
    url = urlsplit((status["base_url"] or f"https://{ANTHROPIC_HOST}").strip())
    if each.host != (url.hostname or "") or (each.path != url.path.rstrip("/") and each.model is not None):
        yield Fault("host", f"status says {url.geturl()}, sent to {each.host}{each.path}")
        return
    if each.via and not codes & {"proxy", "repository-proxy"} and url.hostname == "127.0.0.1":
        yield Fault("proxy", f"sent through a proxy; told: {sorted(codes)}")
    if each.model is not None:
        yield from _message(state, seen, each)


def _message(state: State, seen: Seen, each: Sent) -> Iterator[Fault]:
    """Yield the faults of a credential or a model that `status` does not say."""
    status, expected = seen.status or {}, _credentials(seen)
    if expected is not None and (each.bearer, each.api_key) != expected:
        yield Fault("credential", f"expected {expected}, sent {(each.bearer, each.api_key)}")
    if (kind := (status["credential"] or {}).get("kind")) not in _kinds(each):
        yield Fault("credential", f"status prints {kind}, sent {(each.bearer, each.api_key)}")
    models = _models(state, seen)
    if models and each.model not in models:
        told = [problem["code"] for problem in status["problems"]]
        yield Fault("model", f"expected {sorted(models)}, sent {each.model}; told: {told}")


def _credentials(seen: Seen) -> tuple[str | None, str | None] | None:
    """Return the (bearer, x-api-key) that llmswitch's list of credentials means."""
    names = credentials_sent(seen.values, seen.login)
    texts = {name: seen.values[name].text for name in names if name in seen.values}
    helper = texts.get("apiKeyHelper", "")
    printed = helper.removeprefix("echo ") if helper.startswith("echo ") else KEY if helper else None
    bearer, key = texts.get("ANTHROPIC_AUTH_TOKEN"), texts.get("ANTHROPIC_API_KEY")
    if "login" in names:
        bearer = LOGIN
    if OAUTH in names:
        token = oauth(seen.values)
        bearer = token.text if token else None
    if helper and not bearer and not key:
        return printed, printed
    if helper:
        return None  # two places: `status` says that both are sent
    return (bearer.strip() if bearer else None, key)


def _kinds(each: Sent) -> set[str | None]:
    """Return the kinds of credential that `status` may print for a request."""
    if each.bearer == LOGIN:
        return {"login"}
    if (each.bearer or "").startswith("oauth-"):
        return {"oauth"}
    if each.bearer == KEYLESS_TOKEN:
        return {"none"}
    bearer = {"bearer", "helper", "header"} if each.bearer else set()
    key = {"api-key", "helper", "header"} if each.api_key else set()
    return {*bearer, *key} if bearer or key else {"missing", "header", "login"}


def _models(state: State, seen: Seen) -> set[str]:
    """Return the models that may go out by what status prints; nothing where it does not say."""
    status, asked = seen.status or {}, state["asked"]
    texts = {name: value.text for name, value in seen.values.items()}
    if texts.get("CLAUDE_CODE_EXTRA_BODY") or texts.get("ANTHROPIC_DEFAULT_MODEL"):
        return set()  # `status` says nothing of them: no pin lets them through
    slots = {name: entry["model"] or OWN_MODELS.get(name, "") for name, entry in status["slots"].items()}
    entries = json.loads(texts[ALLOWED]) if ALLOWED in texts else None
    saved = texts.get(SAVED_MODEL, "")
    meant = texts.get(VARIABLES[saved]) or OWN_MODELS[saved] if saved in SLOT_NAMES else saved
    saved = saved if entries is None or allows(entries, meant) else ""
    start = status["start_slot"] or saved or "opus"
    chosen = status["start_slot"] or saved or asked
    wanted = asked[1] if asked[:1] == ["--model"] else state["agent"] if asked and state["agent"] else start
    if not wanted or (asked[:1] == ["--agent"] and not state["agent"]):
        return set()
    # What is sent where nothing is chosen, or what was chosen is not allowed: no list touches it. The subscription
    # decides, which nobody knows of a bare token; that it goes to a foreign host is an error already.
    bare = (status["credential"] or {}).get("kind") == "oauth"
    default = {
        plain(texts.get(VARIABLES[slot]) or OWN_MODELS[slot]) for slot in ("opus", *(["sonnet"] if bare else []))
    }
    if not chosen:
        return default
    word = plain(wanted).lower()
    if word in SLOT_NAMES:
        return {plain(slots[word]), *(default if bare else ())}
    if entries is None or allows(entries, wanted):
        return {plain(wanted)}
    return {plain(slots["opus"]), plain(slots.get(start, slots["opus"])), *(default if bare else ())}


def promised(app: App, asked: Sequence[str], folder: str) -> Promise:
    """Return what a run promises by the preset that it names, by the worktree's own file, or by what lies below."""
    checkout = app.checkouts.at(folder, folder)
    named = asked[0] if asked and not asked[0].startswith("--") else ""
    overrides = {
        word.removeprefix("--"): value
        for word, value in zip(asked[bool(named) :: 2], asked[bool(named) + 1 :: 2], strict=True)
    }
    settings = None if named else checkout.file.settings()
    own = settings.values() if settings else {}
    if overrides and not named:
        named, overrides = in_use(checkout, overrides)
    others = effective(checkout.layers).get(ALLOWED)  # lists of all files count together, that of a file's pin too
    opened = json.loads(others.text) if others else []
    if named and not (preset := app.catalog.load(named)).is_claude:
        built = Wanted(named, overrides, app.environ).chosen(app.catalog).pin  # exported models count
        key = {"openrouter": KEY, "judge": OWN_KEY}.get(preset.key or "", KEYLESS_TOKEN)
        return Promise(built.base_url, frozenset({key}), built.members, opened=opened)
    if counts(BASE_URL, own.get(BASE_URL, "")) and not named:
        texts = {own[name] for name in (API_KEY, AUTH_TOKEN) if own.get(name)}
        return Promise(
            own[BASE_URL], frozenset({*texts, KEY, KEYLESS_TOKEN, own.get(HELPER, "").removeprefix("echo ")}), own
        )
    gone = ("main", "worktree") if named else ("main",)
    left = effective(layer for layer in checkout.layers if layer.origin not in gone)
    url = left[BASE_URL].text if BASE_URL in left else ""
    return Promise(url or f"https://{ANTHROPIC_HOST}", None, {}, left)


def judged_run(state: State, seen: Seen) -> list[Fault]:
    """Return what `llmswitch run` sends that is not of the pin here, or of the preset that it names; it may refuse."""
    faults, promise = [*_crashes(seen)], seen.promise
    if seen.ran is not None and seen.ran.returncode == 0 and not seen.sent:
        faults.append(Fault("nothing", "the session ended well and sent nothing"))
    if seen.sent and promise is None:
        faults.append(Fault("run", "it started where nothing is promised"))
    for each in seen.sent:
        faults += [*_kept_host(promise, each), *_kept_rest(state, seen, promise, each)] if promise else []
    return list(dict.fromkeys(faults))


def _kept_host(promise: Promise, each: Sent) -> Iterator[Fault]:
    """Yield how a request goes elsewhere than promised."""
    url = urlsplit(promise.url.strip())
    if each.host != (url.hostname or "") or (each.path != url.path.rstrip("/") and each.model is not None):
        yield Fault("run host", f"promised {url.geturl()}, sent to {each.host}{each.path}")
    if each.via and each.host == "127.0.0.1":
        yield Fault("run proxy", f"sent through a proxy: {each}")
    if KEY in (each.bearer, each.api_key) and each.host not in ("127.0.0.1", PIN_HOST):
        yield Fault("run key", f"the key is sent to {each.host}")


def _kept_rest(state: State, seen: Seen, promise: Promise, each: Sent) -> Iterator[Fault]:
    """Yield how its credentials and its model are not those that are promised."""
    if each.model is None:
        return
    found = {each.bearer, each.api_key} - {None}
    if promise.credentials is not None and not found <= promise.credentials:
        yield Fault("run credential", f"promised {sorted(promise.credentials)}, sent {sorted(map(str, found))}")
    if promise.credentials is None:
        names = credentials_sent(promise.left, seen.login)
        if LOGIN in found and "login" not in names:
            yield Fault("run credential", f"promised {names}, sent the login")
    if (models := _run_models(state, promise)) and each.model not in models:
        yield Fault("run model", f"promised {sorted(models)}, sent {each.model}")


def _run_models(state: State, promise: Promise) -> set[str]:
    """Return the models of a pin, and what may be asked for beside them; nothing where nothing is promised."""
    members = promise.members
    mapped = {plain(str(members[name])) for slot, name in VARIABLES.items() if members.get(name)}
    if not mapped or any(not members.get(name) for slot, name in VARIABLES.items() if slot != "subagent"):
        return set()
    entries = members.get(ALLOWED)
    entries = json.loads(entries) if isinstance(entries, str) else entries
    words = [*state["asked"][1:], *([state["agent"]] if state["asked"][:1] == ["--agent"] and state["agent"] else [])]
    return mapped | {plain(word) for word in words if entries is None or allows([*entries, *promise.opened], word)}


def reduced(state: State, still: Callable[[State], bool], most: int = 60) -> State:
    """Return a smaller state that is still at fault, with at most so many tries."""
    tries = 0
    progress = True
    while progress and tries < most:
        progress = False
        for smaller in _smaller(state):
            tries += 1
            if tries > most:
                break
            if still(smaller):
                state, progress = smaller, True
                break
    return state


def _smaller(state: State) -> Iterator[State]:
    """Yield states with one thing less, the large ones first."""
    simple = {"layout": "main_checkout", "folder": "root", "pin": {"how": "none"}, "shell": {}, "login": False,
              "agent": None, "asked": [], "run": []}  # fmt: skip
    for name, value in simple.items():
        if state.get(name, value) != value:
            yield {**state, name: value}
    for part in ("files", "shell"):
        for name in state[part]:
            yield {**state, part: {key: value for key, value in state[part].items() if key != name}}
    if state["pin"].get("changed") or state["pin"].get("without"):
        yield {**state, "pin": {**state["pin"], "changed": {}, "without": ""}}
    yield from _fewer_members(state)


def _fewer_members(state: State) -> Iterator[State]:
    """Yield states with one member of a file less."""
    for name, root in state["files"].items():
        if not isinstance(root, dict):
            continue
        for member in root:
            less = copy.deepcopy(state)
            del less["files"][name][member]
            yield less
        env = root.get("env")
        for member in env if isinstance(env, dict) else ():
            less = copy.deepcopy(state)
            del less["files"][name]["env"][member]
            yield less
