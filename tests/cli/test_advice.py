"""Advice that works: each advised command is run; its finding is gone, no other is there, every other choice stands."""

from __future__ import annotations

import ast
import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import git, settings_of
from support.warm import Warm
from test_doctor import EDITS, put

from llmswitch.claude.variables import VARIABLES
from llmswitch.claude.ways import WAYS
from llmswitch.status.key_age import CODES

LOGIN = {"claudeAiOauth": {"accessToken": "sk-ant-oat01-fake"}}
FOREIGN = {"ANTHROPIC_BASE_URL": "https://llm.example"}
PINNED = ("openrouter", "--haiku", "deepseek/deepseek-v3.2", "--start", "opus", "--also", "x/y")
# Advice to look something up: it has to work, and mends nothing by itself.
LOOKS = re.compile(r"llmswitch (list|show \S+|doctor --models|models.*|cost.*|use \S+)$|git -C .+ status$")


class Scene:
    """A pinned repository with choices of the user's, in a home in which Claude Code was set up."""

    def __init__(self, warm: Warm, repo: Path, home: Path, environ: dict[str, str]) -> None:
        self.warm, self.repo, self.home, self.environ = warm, repo, home, environ
        self.env: dict[str, str] = {}
        self.at = repo  # where commands are typed
        self.rows = False  # look at all worktrees too
        self.saved = 0

    def run(self, *words: str) -> Any:
        """Type a command."""
        return self.warm.run(*words, cwd=self.at, **{**self.environ, **self.env})

    def edit(self, change: Callable[[dict[str, Any]], object]) -> None:
        """Edit the settings file by hand."""
        path = settings_of(self.at)
        path.parent.mkdir(exist_ok=True)
        data = json.loads(path.read_text()) if path.exists() else {}
        change(data)
        path.write_text(json.dumps(data, indent=2))

    def put(self, place: Path, settings: object) -> None:
        """Write another settings file, or another file of JSON."""
        place.parent.mkdir(exist_ok=True)
        place.write_text(json.dumps(settings))

    def user(self, **env: str) -> None:
        """Write the user's settings."""
        self.put(self.home / ".claude/settings.json", {"env": env})

    def project(self, **env: str) -> None:
        """Write the repository's settings."""
        self.put(self.repo / ".claude/settings.json", {"env": env})

    def log_in(self) -> None:
        """Leave a login."""
        self.put(self.home / ".claude/.credentials.json", LOGIN)

    def link(self) -> None:
        """Go into a linked worktree."""
        self.at = self.repo.parent / "linked"
        git(self.repo, "worktree", "add", "--quiet", str(self.at), "-b", "linked")

    def own(self, env: dict[str, str]) -> None:
        """Take the pin away and put the user's own entries there."""
        assert self.run("claude").code == 0
        self.edit(lambda data: data.update(env=env))

    def save(self, name: str) -> Any:
        """Save a key that was never seen before."""
        self.saved += 1
        _write(self.home / "pasted", f"sk-or-v1-{self.saved:064}")
        environ = {**self.environ, **self.env, "STDIN": str(self.home / "pasted")}
        return self.warm.run("save-key", name, cwd=self.at, **environ)

    def preset(self, name: str, text: str | None) -> None:
        """Write one of the user's own presets, or take it away."""
        path = self.home / "own/presets" / f"{name}.json5"
        self.env["LLMSWITCH_HOME"] = str(self.home / "own")
        _write(path, text or "")
        if text is None:
            path.unlink()

    def below(self) -> None:
        """Go into a folder below the root."""
        self.at = self.at / "folder"
        self.at.mkdir()

    def found(self) -> list[dict[str, str]]:
        """Return what doctor and status find."""
        said = [json.loads(self.run(name, "--json").out)["problems"] for name in ("doctor", "status")]
        for option in ("--all", "--everywhere") if self.rows else ():
            rows = json.loads(self.run("status", option, "--json").out)["worktrees"]
            said += [row["problems"] for row in rows]
        return [problem for problems in said for problem in problems]


def _edited(code: str) -> Callable[[Scene], object]:
    return lambda scene: scene.edit(EDITS[code][0])


def _all(*steps: Callable[[Scene], object]) -> Callable[[Scene], object]:
    def made(scene: Scene) -> None:
        for step in steps:
            step(scene)

    return made


def _free(scene: Scene) -> None:
    scene.own({})


def _tracked(scene: Scene) -> None:
    git(scene.repo, "add", "--force", ".claude")


def _copied(scene: Scene) -> None:
    (scene.repo / ".worktreeinclude").write_text(".claude/\n")


def _linked_own(scene: Scene) -> None:
    scene.run("claude")
    scene.link()
    scene.run(*PINNED)


def _overridden(scene: Scene) -> None:
    scene.run("claude")
    scene.link()
    scene.run(*PINNED)
    scene.at = scene.repo
    scene.run("deepseek", "--anyway")


def _shadowed(scene: Scene) -> None:
    _overridden(scene)
    scene.at = scene.repo.parent / "linked"


def _renamed(scene: Scene) -> None:
    scene.edit(put("ANTHROPIC_DEFAULT_OPUS_MODEL", "edited/by-hand"))


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_text(text)


def _program(scene: Scene, name: str, text: str) -> None:
    _write(scene.home / "bin" / name, text)
    (scene.home / "bin" / name).chmod(0o755)


def _linked_file(scene: Scene) -> None:
    settings_of(scene.repo).rename(scene.repo / "other.json")
    settings_of(scene.repo).symlink_to(scene.repo / "other.json")


def _linked_folder(scene: Scene) -> None:
    (scene.repo / ".claude").rename(scene.home / "folder")
    (scene.repo / ".claude").symlink_to(scene.home / "folder")


def _unexported(scene: Scene) -> None:
    del scene.environ["LLMSWITCH_KEY_OPENROUTER"]


def _gone(scene: Scene) -> None:
    shutil.rmtree(scene.at)
    scene.at, scene.rows = scene.repo, True


OLD_GIT = f"""#!/bin/sh
case "$*" in *--version) echo git version 2.30.2;; *) exec {shutil.which("git")} "$@";; esac
"""

SCENES: dict[str, Callable[[Scene], object]] = {
    **{f"edited: {code}": _edited(code) for code in EDITS},
    "edited: a slot": _renamed,
    "edited: a placeholder": lambda scene: scene.edit(put("ANTHROPIC_AUTH_TOKEN", "${OPENROUTER_API_KEY}")),
    "edited: no list": lambda scene: scene.edit(lambda data: data.pop("availableModels")),
    "edited: two slots and the window": _all(_edited("slot-missing"), _edited("window-wrong")),
    "mode": lambda scene: settings_of(scene.repo).chmod(0o644),
    "tracked": _tracked,
    "copied": _copied,
    "leftover": lambda scene: shutil.copy(settings_of(scene.repo), scene.repo / ".claude/settings.local.json.bak"),
    "temporary": lambda scene: (scene.repo / ".claude/.llmswitch-x.tmp").write_text(""),
    "exported": _all(_free, lambda scene: scene.env.update(ANTHROPIC_MODEL="x")),
    "exported URL": _all(_free, lambda scene: scene.env.update(FOREIGN), Scene.log_in),
    "exported host": lambda scene: scene.env.update(CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST="1"),
    "user's URL": _all(_free, lambda scene: scene.user(**FOREIGN), Scene.log_in),
    "user's key beside the pin": lambda scene: scene.user(ANTHROPIC_API_KEY="0123456789abcdef0123"),
    "project's": _all(_free, lambda scene: scene.project(**FOREIGN, ANTHROPIC_AUTH_TOKEN="x" * 20)),
    "own URL, a login": _all(lambda scene: scene.own(FOREIGN), Scene.log_in),
    "own URL, no login": lambda scene: scene.own(FOREIGN),
    "own URL of a preset": lambda scene: scene.own({"ANTHROPIC_BASE_URL": "http://localhost:11434"}),
    "own URL, another's key": lambda scene: scene.own(
        {"ANTHROPIC_BASE_URL": "https://api.z.ai/api/anthropic", "ANTHROPIC_AUTH_TOKEN": "sk-or-v1-0123456789abcdef01"}
    ),
    "own cloud": lambda scene: scene.own({"CLAUDE_CODE_USE_BEDROCK": "1", "AWS_REGION": "eu-west-1"}),
    "a cloud over the pin": lambda scene: scene.put(
        scene.home / ".claude/settings.json", {"env": {"CLAUDE_CODE_USE_VERTEX": "1"}, "model": "opus"}
    ),
    "linked, own pin": _linked_own,
    "main over a linked pin": _overridden,
    "a linked pin under main's": _shadowed,
    "linked, follows": lambda scene: scene.link(),
    "main with followers": _all(lambda scene: scene.link(), lambda scene: setattr(scene, "at", scene.repo)),
    "state lost": lambda scene: (scene.repo / ".git/llmswitch/state.json").unlink(),
    "misnamed": lambda scene: scene.edit(put("ANTHROPIC_AUTH_KEY", "x")),
    "a rule with a secret": lambda scene: scene.edit(
        lambda data: data.update(permissions={"allow": ["Bash(API_TOKEN=0123456789abcdef x)"]})
    ),
    "nothing": lambda scene: scene.own({}),
    "an agent's model": lambda scene: _write(scene.repo / ".claude/agents/a.md", "---\nname: a\nmodel: z/z\n---\n"),
    "a hook's model": lambda scene: scene.edit(
        lambda data: data.update(
            hooks={"Stop": [{"hooks": [{"type": "prompt", "prompt": "x", "model": "z/z"}]}]}
        )
    ),
    "user's list": lambda scene: scene.put(scene.home / ".claude/settings.json", {"availableModels": ["z/z"]}),
    "a list too short": lambda scene: scene.edit(lambda data: data.update(availableModels=["x/y"])),
    "a list alone": lambda scene: scene.edit(lambda data: [data.pop("env"), data.pop("disableAutoMode", None)]),
    "a window nobody knows": lambda scene: scene.edit(
        lambda data: [
            data["env"].update({name: "some/model" for name in data["env"] if name in VARIABLES.values()}),
            data["env"].pop("CLAUDE_CODE_MAX_CONTEXT_TOKENS"), data.update(availableModels=["some/model"]),
        ]
    ),
    "a saved model": _all(
        lambda scene: scene.edit(lambda data: data["env"].pop("ANTHROPIC_MODEL")),
        lambda scene: scene.put(scene.home / ".claude/settings.json", {"model": "claude-opus-5-5"}),
    ),
    "a shared folder": lambda scene: (scene.repo / ".claude").chmod(0o777),
    "a link": _linked_file,
    "hard links": lambda scene: os.link(settings_of(scene.repo), scene.repo / "other.json"),
    "a linked folder": _linked_folder,
    "not ignored": lambda scene: (scene.repo / ".git/info/exclude").write_text(""),
    "no client": lambda scene: (scene.home / "bin/claude").unlink(),
    "an old client": lambda scene: _write(scene.home / "bin/claude", '#!/bin/sh\necho "2.1.100 (Claude Code)"\n'),
    "an old git": lambda scene: _program(scene, "git", OLD_GIT),
    "no keyring": _all(_free, lambda scene: scene.env.update(PYTHON_KEYRING_BACKEND="keyring.backends.fail.Keyring")),
    "an unused key": lambda scene: scene.save("nobody"),
    "an own preset that is old": _all(
        lambda scene: scene.preset("mine", "{extends: 'openrouter', verified: '2020-01-01'}"),
        lambda scene: scene.run("mine"),
    ),
    "an own preset that is broken": lambda scene: scene.preset("bad", "{"),
    "an own preset that is gone": _all(
        lambda scene: scene.preset("mine", "{extends: 'openrouter'}"),
        lambda scene: scene.run("mine"),
        lambda scene: scene.preset("mine", None),
    ),
    "an own preset that is hidden": lambda scene: scene.preset("status", "{extends: 'openrouter'}"),
    "a first run": lambda scene: (scene.home / ".claude.json").unlink(),
    "an editor's exports": lambda scene: _write(
        scene.repo / ".vscode/settings.json",
        json.dumps({"terminal.integrated.env.linux": {"ANTHROPIC_MODEL": "x", "ANTHROPIC_API_KEY": "k" * 30}}),
    ),
    "an editor's host": lambda scene: _write(
        scene.repo / ".vscode/settings.json",
        json.dumps({"terminal.integrated.env.linux": {"CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST": "1"},
                    "claudeCode.environmentVariables": [{"name": "ANTHROPIC_MODEL", "value": "x"}]}),
    ),
    "a header to a foreign host": _all(
        lambda scene: scene.own(FOREIGN),
        lambda scene: scene.user(ANTHROPIC_CUSTOM_HEADERS="x-api-key: 0123456789abcdef0123"),
    ),
    "an older key": _all(
        lambda scene: scene.save("openrouter"), _unexported,
        lambda scene: scene.run(*PINNED), lambda scene: scene.save("openrouter"),
    ),
    "a deleted key": _all(
        lambda scene: scene.save("openrouter"), _unexported, lambda scene: scene.run(*PINNED),
        lambda scene: scene.run("keys", "delete", "openrouter"),
    ),
    "a deleted key of a helper": _all(
        lambda scene: scene.save("openrouter"), _unexported, lambda scene: scene.run(*PINNED, "--key-helper"),
        lambda scene: scene.run("keys", "delete", "openrouter"),
    ),
    "below": lambda scene: scene.below(),
    "below, linked": _all(_linked_own, lambda scene: scene.below()),
    "own slots, a URL of the user's": _all(
        _free, lambda scene: scene.run("claude", "--opus", "claude-opus-5-5"), lambda scene: scene.user(**FOREIGN)
    ),
    "broken": lambda scene: settings_of(scene.repo).write_text("{'env': 1"),
    "with comments": lambda scene: settings_of(scene.repo).write_text(
        "// x\n" + settings_of(scene.repo).read_text()
    ),
    "broken, the user's": lambda scene: _write(scene.home / ".claude/settings.json", "{"),
    "a proxy before this machine": _all(
        lambda scene: scene.run("ollama", "--model", "x/y"),
        lambda scene: scene.edit(lambda data: [data["env"].pop(name, 0) for name in ("NO_PROXY", "no_proxy")]),
        lambda scene: scene.env.update(HTTPS_PROXY="http://127.0.0.1:9", HTTP_PROXY="http://127.0.0.1:9"),
    ),
    "a repository's proxy": lambda scene: scene.project(HTTPS_PROXY="http://x.example:9"),
    "a repository's proxy that reads": lambda scene: scene.project(
        HTTPS_PROXY="http://x.example:9", NODE_TLS_REJECT_UNAUTHORIZED="0"
    ),
    "a ladder": _all(
        lambda scene: _write(scene.repo / ".claude/model-ladder.json", '["one", "two"]'),
        lambda scene: scene.run("openrouter", "--ladder"),
        lambda scene: _write(scene.repo / ".claude/model-ladder.json", '["one", "three"]'),
    ),
    "a lost overlay": lambda scene: _program(scene, "claude", '#!/bin/sh\necho "2.1.332 (Claude Code)"\n'),
    "no key to read": _all(
        _unexported, lambda scene: scene.env.update(PYTHON_KEYRING_BACKEND="keyring.backends.fail.Keyring")
    ),
    "user's key in the pin": _all(
        lambda scene: scene.edit(lambda data: data["env"].pop("ANTHROPIC_API_KEY")),
        lambda scene: scene.user(ANTHROPIC_API_KEY="0123456789abcdef0123"),
    ),
    "the extension": lambda scene: _write(
        scene.repo / ".vscode/settings.json", json.dumps({"claudeCode.selectedModel": "opus"})
    ),
    "cloud over the pin, exported": lambda scene: scene.edit(
        lambda data: data["env"].update(CLAUDE_CODE_USE_BEDROCK="1")
    ),
    "cancelled": lambda scene: scene.env.update(ANTHROPIC_API_KEY="k" * 20),
    "a worktree that is gone": _all(_linked_own, _gone),
}  # fmt: skip


# Each name of a finding, and a situation that has it.
SHOWN = {
    "asks-for-model": "an agent's model",
    "auto-mode": "edited: auto-mode",
    "base-url": "edited: base-url",
    "below": "project's",
    "cancelled": "cancelled",
    "copied": "copied",
    "dead-id": "edited: dead-id",
    "deleted-key": "a deleted key",
    "drift": "edited: slot-missing",
    "editor-beats": "an editor's host",
    "editor-exports": "an editor's exports",
    "editor-key": "an editor's exports",
    "editor-untried": "the extension",
    "exported": "exported",
    "file-mode": "mode",
    "first-run": "a first run",
    "followed": "main with followers",
    "git-doubts": "a linked folder",
    "hard-links": "hard links",
    "header-sent": "a header to a foreign host",
    "helper-gone": "edited: helper-gone",
    "hook-model": "a hook's model",
    "host-app": "exported host",
    "keyring": "no keyring",
    "ladder": "a ladder",
    "leftover": "leftover",
    "list-alone": "a list alone",
    "list-opened": "a linked pin under main's",
    "login-sent": "exported URL",
    "looks-like": "own URL, another's key",
    "misnamed": "misnamed",
    "mixed": "user's key in the pin",
    "model-key": "a saved model",
    "no-client": "no client",
    "no-credential": "own URL, no login",
    "not-ignored": "not ignored",
    "not-read-here": "below, linked",
    "not-there": "a worktree that is gone",
    "old-client": "an old client",
    "old-git": "an old git",
    "old-preset": "an own preset that is old",
    "older-key": "an older key",
    "open": "edited: open",
    "other-key": "edited: unknown-preset",
    "overlay-lost": "a lost overlay",
    "overrides": "main over a linked pin",
    "overruled": "user's key beside the pin",
    "placeholder": "edited: a placeholder",
    "preset-hidden": "an own preset that is hidden",
    "preset-unusable": "an own preset that is broken",
    "proxy": "a proxy before this machine",
    "repository-proxy": "a repository's proxy",
    "secret-in-rule": "a rule with a secret",
    "set-elsewhere": "user's URL",
    "settings-ignored": "broken",
    "shadowed": "a linked pin under main's",
    "shared-folder": "a shared folder",
    "slot-missing": "edited: slot-missing",
    "slots-elsewhere": "own slots, a URL of the user's",
    "slots-narrowed": "edited: slot-missing",
    "strange-host": "edited: unknown-preset",
    "symlink": "a link",
    "temporary": "temporary",
    "tracked": "tracked",
    "two-credentials": "edited: two-credentials",
    "unknown-preset": "edited: base-url",
    "unmapped": "exported URL",
    "unusable": "a worktree that is gone",
    "unused-key": "an unused key",
    "window-missing": "edited: window-missing",
    "window-unknown": "a window nobody knows",
    "window-wrong": "edited: window-wrong",
}  # fmt: skip
# Those that no situation here has, and why: no command mends them, or another test has what they need.
NOT_HERE = {
    "client-agrees": "nothing is wrong",
    "client-differs": "Claude Code's own words for it, to look at",
    "client-silent": "Claude Code's own fault",
    "cloud": "the user takes the switch out of a file by hand: tests/status/test_credentials_and_clouds.py",
    "gateway-down": "tests/gateway has a gateway that runs",
    "gateway-refused": "tests/gateway has a gateway that runs",
    "gateway-trouble": "tests/gateway has a gateway that runs",
    "gateway-version": "tests/gateway has a gateway that runs",
    "history-clean": "nothing is wrong",
    "history-key": "what was published stays so; the key is revoked at its provider's page",
    "history-unread": "git's own objects are broken",
    "key-good": "nothing is wrong",
    "key-refused": "the provider's answer: tests/doctor/test_probe.py has a server",
    "key-unknown": "tests/gateway has a gateway that runs",
    "model-gone": "the provider's list says what there is",
    "models-served": "nothing is wrong",
    "models-unread": "the provider's answer: tests/doctor/test_probe.py has a server",
    "no-fence": "a pin of an older version: tests/cli/test_mends.py mends it by --fix",
    "no-git": "a program is installed by hand",
    "no-list": "the provider has none",
    "not-asked": "the reason why a check did not run",
    "old-session": "the session is restarted by hand",
    "one-million": "the pin's list puts another model there: tests/doctor/test_doctor.py has it without",
    "other-owner": "only an administrator can",
    "probe-answers": "nothing is wrong",
    "probe-cure": "the provider's answer: tests/doctor/test_probe.py has a server",
    "probe-error-inside": "the provider's answer: tests/doctor/test_probe.py has a server",
    "probe-failing": "the provider's answer: tests/doctor/test_probe.py has a server",
    "probe-limit": "the provider's answer: tests/doctor/test_probe.py has a server",
    "probe-model": "the provider's answer: tests/doctor/test_probe.py has a server",
    "probe-no-endpoint": "the provider's answer: tests/doctor/test_probe.py has a server",
    "probe-no-message": "the provider's answer: tests/doctor/test_probe.py has a server",
    "probe-redirect": "the provider's answer: tests/doctor/test_probe.py has a server",
    "probe-refused": "the provider's answer: tests/doctor/test_probe.py has a server",
    "probe-rejected": "the provider's answer: tests/doctor/test_probe.py has a server",
    "redirect": "the provider's answer: tests/doctor/test_probe.py has a server",
    "routes-gone": "tests/gateway has a gateway that runs",
    "gateway-elsewhere": "tests/gateway has a gateway that runs",
    "settings-doubtful": "a file is mended in an editor",
    "usage": "names its cause in words",
}  # fmt: skip
# Names that are put together: of a session's evidence, of how a connection failed.
PARTS = ("used-", "probe-")
# The situations that are run each time; the others are many.
QUICK = 43


def test_every_finding_has_a_situation_or_a_reason() -> None:
    """By the names in the code, so that a new one cannot be forgotten."""
    names = {*CODES, *(code for code in WAYS if code in ("host-app", "proxy", "repository-proxy"))}
    for path in (Path(__file__).parents[2] / "src/llmswitch").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Problem":
                first = node.args[0]
                if isinstance(first, ast.Constant):
                    names.add(str(first.value))
                elif isinstance(first, ast.JoinedStr):
                    assert getattr(first.values[0], "value", "") in PARTS, path
                else:  # CODES, and a way's
                    assert ast.unparse(first) in ("CODES[0]", "CODES[1]", "way.code"), path
    assert names == SHOWN.keys() | NOT_HERE.keys()
    assert not SHOWN.keys() & NOT_HERE.keys()
    assert set(SHOWN.values()) <= SCENES.keys()


@pytest.fixture(scope="module")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warm]:
    """One warm process for all situations, each of which brings its own environment."""
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path_factory.mktemp("nobody"))}
    with Warm(environ) as made:
        yield made


@pytest.fixture
def scene(warm: Warm, repo: Path, sealed: dict[str, str], key: str) -> Scene:
    """The repository, pinned with choices."""
    home = Path(sealed["HOME"])
    (home / ".claude.json").write_text('{"hasCompletedOnboarding": true}')
    program = home / "bin/claude"
    program.parent.mkdir()
    program.write_text(
        '#!/bin/sh\n[ "$1" = --settings ] && [ ! -e "$2" ] && exit 1\n'
        '[ "$1" = --version ] && echo "2.1.332 (Claude Code)" || echo "started $*"\n'
    )
    program.chmod(0o755)
    sealed["PATH"] = f"{program.parent}{os.pathsep}{sealed['PATH']}"
    settings_of(repo).parent.mkdir()
    settings_of(repo).write_text('{"permissions": {"allow": ["Bash(ls:*)"]}, "env": {"EDITOR": "vi"}}')
    sealed["PYTHON_KEYRING_BACKEND"] = "file_keyring.Keyring"
    made = Scene(warm, repo, home, sealed)
    assert made.run(*PINNED).code == 0
    return made


# The first command of an advice, and one after "then"; what comes after "; or" is another way.
COMMAND = re.compile(r"(?:^|[:.] |[,;] then:? )((?:llmswitch|git|chmod|rm) [^;,]*?)(?=$|[;,]|\. )")


def commands(fix: str) -> list[str]:
    """Return the commands that an advice names, filled in; none where it is no command's work."""
    found = COMMAND.findall(fix.partition("; or")[0])
    return [re.sub(r"\b(PRESET|NAME)\b", "openrouter", re.sub(r"\bMODEL\b", "x/y", each)) for each in found]


def follow(scene: Scene, fix: str) -> bool | None:
    """Do what an advice says and return whether that worked; None for what no command does."""
    if fix.startswith("unset "):
        for name in fix.partition(";")[0].split()[1:]:
            scene.env.pop(name, None)
        return True
    typed = [shlex.split(os.path.expandvars(each)) for each in commands(fix)]
    for words in typed:
        if words[:2] == ["llmswitch", "save-key"]:
            ended = scene.save(words[2])
        elif words[0] == "llmswitch":
            ended = scene.run(*words[1:])
        else:
            ended = subprocess.run(words, cwd=scene.at, capture_output=True)
        if getattr(ended, "returncode", getattr(ended, "code", 0)):
            return False
    return True if typed else None


def choices(scene: Scene) -> dict[str, object]:
    """Return what the user chose, as it stands in each worktree: models, start, further ids, and what is not ours."""
    found: dict[str, object] = {}
    for root in (scene.repo, scene.repo.parent / "linked"):
        if not settings_of(root).exists():
            continue
        try:
            data = json.loads(settings_of(root).read_text())
        except ValueError:  # a broken file is the situation
            continue
        env = data.get("env", {})
        found |= {f"{root.name} {name}": env.get(name) for name in env if name.endswith("_MODEL") and env[name]}
        found |= {f"{root.name} EDITOR": env.get("EDITOR"), f"{root.name} permissions": data.get("permissions")}
        found |= {f"{root.name} {entry}": True for entry in data.get("availableModels", ())}
    return found


def about(key: str, text: object, problems: list[dict[str, str]]) -> bool:
    """Say whether one of the problems is about a choice: its mend changes it."""
    words = " ".join(each["message"] for each in problems)
    slots = {name: slot for slot, name in VARIABLES.items()}
    name = key.rpartition(" ")[2]
    if any(each["code"] == "ladder" for each in problems):  # it gives the slots
        return True
    return name in words or (name in slots and slots[name] in words) or (text is True and name in words)


def texts(folder: Path) -> dict[str, bytes]:
    """Return every file that a mend could change."""
    kinds = ("settings.local.json", "settings.json", "exclude", ".gitignore", "state.json")
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.name in kinds and path.is_file()}


# What a command is meant to take away.
REMOVES = re.compile(r"llmswitch claude|rm |git rm")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.long] * (at >= QUICK)) for at, name in enumerate(SCENES)]
)
def test_what_is_advised_works_and_undoes_nothing(scene: Scene, tmp_path: Path, name: str) -> None:
    """Each by itself, on the state as it was."""
    SCENES[name](scene)
    env, places, kept = dict(scene.env), [scene.repo.parent / "linked", scene.repo, scene.home], tmp_path / "kept"
    for place in filter(Path.exists, places):
        shutil.copytree(place, kept / place.name, symlinks=True)
    before, chosen = scene.found(), choices(scene)
    known = {problem["code"] for problem in before}
    assert {code for code, shown in SHOWN.items() if shown == name} <= known
    wrong = []
    for fix in dict.fromkeys(problem["fix"] for problem in before if problem["fix"]):
        worked = follow(scene, fix)
        if worked is not None:
            after = [] if LOOKS.match(fix) else scene.found()
            same = {(each["code"], each["message"]) for each in after}
            mine = [each for each in before if each["fix"] == fix]
            stays = [each["code"] for each in mine if (each["code"], each["message"]) in same]
            # A run starts a session past what is wrong; with the rest the user's own hands come first.
            stays = [] if fix.endswith("llmswitch run") or fix.startswith("Take ") else stays
            # What another file says is overruled then, as it has to be.
            new = {each["code"] for each in after} - known - {"overruled"}
            now = chosen if LOOKS.match(fix) else choices(scene)
            lost = {key: text for key, text in chosen.items() if now.get(key) != text}
            meant = {text for key, text in lost.items() if about(key, text, mine)}
            lost = {
                key: text for key, text in lost.items()
                if not (about(key, text, mine) or key.rpartition(" ")[2] in meant or REMOVES.match(fix))
            }  # fmt: skip
            if not worked or stays or new or lost:
                wrong.append((fix, [each["code"] for each in mine], f"{worked=} {stays=} {new=} {lost=}"))
        scene.env = dict(env)
        for place in places:
            if (kept / place.name).exists():
                shutil.rmtree(place)
                shutil.copytree(kept / place.name, place, symlinks=True)
    assert not wrong, "\n".join(map(str, wrong))
    # And --fix comes to an end: a second one changes nothing, and finds what the first one left.
    scene.run("doctor", "--fix")
    files, left = texts(scene.repo.parent), {(each["code"], each["message"]) for each in scene.found()}
    scene.run("doctor", "--fix")
    assert texts(scene.repo.parent) == files
    assert {(each["code"], each["message"]) for each in scene.found()} == left
