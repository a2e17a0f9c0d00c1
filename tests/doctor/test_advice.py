"""Advice that works: each advised command is run; its finding is gone, no other is there, every other choice stands."""

from __future__ import annotations

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

LOGIN = {"claudeAiOauth": {"accessToken": "sk-ant-oat01-fake"}}
FOREIGN = {"ANTHROPIC_BASE_URL": "https://llm.example"}
PINNED = ("openrouter", "--haiku", "deepseek/deepseek-v3.2", "--start", "opus", "--also", "x/y")
# Advice to look something up: it has to work, and mends nothing by itself.
LOOKS = re.compile(r"llmswitch (list|show \S+|doctor --models|models.*|cost.*)$|git -C \S+ status$")


class Scene:
    """A pinned repository with choices of the user's, in a home in which Claude Code was set up."""

    def __init__(self, warm: Warm, repo: Path, home: Path) -> None:
        self.warm, self.repo, self.home = warm, repo, home
        self.env: dict[str, str] = {}
        self.at = repo  # where commands are typed

    def run(self, *words: str) -> Any:
        """Type a command."""
        return self.warm.run(*words, cwd=self.at, **self.env)

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

    def found(self) -> list[dict[str, str]]:
        """Return what doctor and status find."""
        said = [json.loads(self.run(name, "--json").out)["problems"] for name in ("doctor", "status")]
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
}  # fmt: skip


@pytest.fixture
def scene(repo: Path, sealed: dict[str, str], key: str) -> Iterator[Scene]:
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
    with Warm(sealed) as warm:
        made = Scene(warm, repo, home)
        assert made.run(*PINNED).code == 0
        yield made


def follow(scene: Scene, fix: str) -> bool | None:
    """Do what an advice says and return whether that worked; None for what no command does."""
    if fix.startswith("unset "):
        for name in fix.partition(";")[0].split()[1:]:
            scene.env.pop(name, None)
        return True
    words = shlex.split(fix) if re.match(r"(llmswitch|git|chmod|rm) ", fix) else []
    # A key is adopted into the keyring, which there is none of here.
    if not words or re.search(r"\b(PRESET|NAME|MODEL)\b|[.;] |, then |--adopt-key", fix):
        return None
    if words[0] == "llmswitch":
        return scene.run(*words[1:]).code == 0  # type: ignore[no-any-return]
    return subprocess.run(words, cwd=scene.at, capture_output=True).returncode == 0


def choices(scene: Scene) -> dict[str, object]:
    """Return what the user chose, as it stands in each worktree: models, start, further ids, and what is not ours."""
    found: dict[str, object] = {}
    for root in (scene.repo, scene.repo.parent / "linked"):
        if not settings_of(root).exists():
            continue
        data = json.loads(settings_of(root).read_text())
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
    return name in words or (name in slots and slots[name] in words) or (text is True and name in words)


# What a command is meant to take away.
REMOVES = re.compile(r"llmswitch claude|rm |git rm")


@pytest.mark.parametrize("name", SCENES)
def test_what_is_advised_works_and_undoes_nothing(scene: Scene, tmp_path: Path, name: str) -> None:
    """Each by itself, on the state as it was."""
    SCENES[name](scene)
    env, places, kept = dict(scene.env), [scene.repo.parent / "linked", scene.repo, scene.home], tmp_path / "kept"
    for place in filter(Path.exists, places):
        shutil.copytree(place, kept / place.name, symlinks=True)
    before, chosen = scene.found(), choices(scene)
    known = {problem["code"] for problem in before}
    wrong = []
    for fix in dict.fromkeys(problem["fix"] for problem in before if problem["fix"]):
        worked = follow(scene, fix)
        if worked is not None:
            after = [] if LOOKS.match(fix) else scene.found()
            same = {(each["code"], each["message"]) for each in after}
            mine = [each for each in before if each["fix"] == fix]
            stays = [each["code"] for each in mine if (each["code"], each["message"]) in same]
            stays = [] if fix == "llmswitch run" else stays  # it starts a session past what is wrong
            new = {each["code"] for each in after} - known
            now = choices(scene)
            lost = {key: text for key, text in chosen.items() if now.get(key) != text}
            lost = {} if REMOVES.match(fix) else {key: text for key, text in lost.items() if not about(key, text, mine)}
            if not worked or stays or new or lost:
                wrong.append((fix, [each["code"] for each in mine], f"{worked=} {stays=} {new=} {lost=}"))
        scene.env = dict(env)
        for place in places:
            if (kept / place.name).exists():
                shutil.rmtree(place)
                shutil.copytree(kept / place.name, place, symlinks=True)
    assert not wrong, "\n".join(map(str, wrong))
