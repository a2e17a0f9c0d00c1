"""Refusals whose hints work: each way that a hint names is gone, the refused command works, other choices stand."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from conftest import git, settings_of
from test_advice import FOREIGN, PINNED, Scene
from test_advice import scene as pinned_scene
from test_advice import warm as warm_process

scene, warm = pinned_scene, warm_process  # fixtures
OWN_TOKEN = {"ANTHROPIC_BASE_URL": "https://api.z.ai/api/anthropic", "ANTHROPIC_AUTH_TOKEN": "0123456789abcdef0123"}
LOCAL = ("ollama", "--model", "x/y")  # needs no key
HOOKS = {"Stop": [{"hooks": [{"type": "command", "command": "true"}]}]}
# A command, or an option to add, in the sentences of a hint.
WAY = re.compile(
    r"((?:llmswitch|git (?=-C)|chmod|unset|export) ?(?:'[^']*'|[^;,(')]|)*?)(?=$|[;,]|\.? \(|\. |\.$)"
    r"|(--[a-z-]+(?: NAME)?)"
)


class Case(NamedTuple):
    """How a refusal's state is made, what is refused with which exit code, and the ways on that its hint names.

    Commands are counted, not listed: they are read from the hint. `hand` does what no command does, `again`
    is typed then in the place of what was refused.
    """

    make: Callable[[Scene], object]
    typed: tuple[str, ...]
    code: int
    ways: int
    hand: Callable[[Scene], object] | None = None
    again: tuple[str, ...] | None = None


def _free(scene: Scene) -> None:
    scene.own({"EDITOR": "vi"})


def _own(**env: str) -> Callable[[Scene], None]:
    return lambda scene: scene.own({"EDITOR": "vi", **env})


def _all(*steps: Callable[[Scene], object]) -> Callable[[Scene], object]:
    return lambda scene: [step(scene) for step in steps] and None


def _track(scene: Scene) -> None:
    git(scene.repo, "add", "--force", ".claude/settings.local.json")


def _linked(scene: Scene) -> None:
    """Two linked worktrees with pins of their own."""
    _free(scene)
    scene.link()
    scene.run(*PINNED)
    other = scene.repo.parent / "the other"
    git(scene.repo, "worktree", "add", "--quiet", str(other), "-b", "other")
    assert scene.run(*PINNED, "-w", str(other)).code == 0
    scene.at = scene.repo


def _shared_folder(scene: Scene) -> None:
    (scene.repo / ".claude").rename(scene.home / "folder")
    (scene.repo / ".claude").symlink_to(scene.home / "folder")


def _own_folder(scene: Scene) -> None:
    (scene.at / ".claude").unlink()
    (scene.at / ".claude").mkdir()
    shutil.copy(scene.home / "folder/settings.local.json", settings_of(scene.at))


def _own_folder_of_linked(scene: Scene) -> None:
    (scene.at / ".claude").unlink()


def _linked_to_main(scene: Scene) -> None:
    scene.link()
    (scene.at / ".claude").symlink_to(scene.repo / ".claude")


def _file_link(scene: Scene) -> None:
    settings_of(scene.repo).rename(scene.home / "other.json")
    settings_of(scene.repo).symlink_to(scene.home / "other.json")


def _own_file(scene: Scene) -> None:
    text = settings_of(scene.repo).read_bytes()
    settings_of(scene.repo).unlink()
    settings_of(scene.repo).write_bytes(text)


def _keyless(scene: Scene) -> None:
    del scene.environ["LLMSWITCH_KEY_OPENROUTER"]


def _strange_host(scene: Scene) -> None:
    scene.save("openrouter")
    _keyless(scene)
    assert scene.run(*PINNED, "--key-helper").code == 0
    scene.edit(lambda data: data["env"].update(FOREIGN))


def _older_key(scene: Scene) -> None:
    scene.save("openrouter")
    _keyless(scene)
    assert scene.run(*PINNED).code == 0
    scene.save("openrouter")


def _passing_key(scene: Scene) -> None:
    _keyless(scene)
    (scene.home / "pasted").write_text("sk-or-v1-" + "1" * 64)
    scene.env["STDIN"] = str(scene.home / "pasted")
    assert scene.run(*PINNED, "--key-stdin").code == 0


def _program(text: str) -> Callable[[Scene], object]:
    return lambda scene: (scene.home / "bin/claude").write_text(text)


def _redirected(scene: Scene) -> None:
    _free(scene)
    git(scene.repo, "config", "core.worktree", str(scene.repo))
    scene.link()
    git(scene.repo, "config", "extensions.worktreeConfig", "true")


def _unexclude(scene: Scene) -> None:
    _free(scene)
    (scene.repo / ".git/info/exclude").write_text("")
    (scene.repo / ".gitignore").write_text("!.claude/settings.local.json\n")


PROXY = {"HTTPS_PROXY": "http://x.example:9", "NODE_TLS_REJECT_UNAUTHORIZED": "0"}
RUN = ("run", "--", "-p", "hi")

CASES = {
    "main is pinned": Case(lambda scene: scene.link(), LOCAL, 5, 4),
    "linked worktrees are pinned": Case(_linked, LOCAL, 5, 4),
    "tracked, with a key": Case(_all(_free, _track), PINNED, 5, 1),
    "tracked, with a key, below": Case(_all(_free, _track, Scene.below), PINNED, 5, 1),
    "tracked, without a key": Case(_all(_free, _track), LOCAL, 5, 2),
    "a credential of the user's": Case(_own(**OWN_TOKEN), PINNED, 5, 2),
    "a header of the user's": Case(_own(ANTHROPIC_CUSTOM_HEADERS="x-api-key: 0123456789abcdef"), PINNED, 5, 1),
    "a shared folder": Case(_shared_folder, PINNED, 5, 1, _own_folder),
    "a folder that is main's": Case(_linked_to_main, PINNED, 5, 2, _own_folder_of_linked),
    "a link": Case(_file_link, LOCAL, 5, 1, _own_file),
    "hard links": Case(lambda scene: os.link(settings_of(scene.repo), scene.home / "o"), LOCAL, 5, 0, _own_file),
    "read-only": Case(lambda scene: settings_of(scene.repo).chmod(0o400), LOCAL, 5, 1),
    "a folder that everybody writes": Case(lambda scene: (scene.repo / ".claude").chmod(0o777), PINNED, 5, 1),
    "a repository's proxy": Case(
        _all(_free, lambda scene: scene.project(**PROXY)), PINNED, 5, 1,
        lambda scene: (scene.repo / ".claude/settings.json").write_text("{}"),
    ),
    "an ignored file that is not": Case(
        _unexclude, PINNED, 5, 1, lambda scene: (scene.repo / ".gitignore").write_text("")
    ),
    "no key": Case(_all(_free, _keyless), PINNED, 4, 2),
    "a host that is not the preset's": Case(
        lambda scene: None, ("openrouter", "--base-url", "https://x.example"), 5, 1
    ),
    "own slots, requests elsewhere": Case(
        _all(_free, lambda scene: scene.user(**FOREIGN)), ("claude", "--opus", "claude-opus-5-5"), 5, 2,
        lambda scene: scene.user(),
    ),
    "another worktree by core.worktree": Case(
        _redirected, LOCAL, 5, 1, lambda scene: git(scene.repo, "config", "--unset", "core.worktree")
    ),
    "print-key to a strange host": Case(_strange_host, ("print-key", "--preset", "openrouter"), 5, 1),
    "run with a helper to a strange host": Case(_strange_host, RUN, 5, 1),
    "run with a key that is nowhere": Case(_passing_key, RUN, 5, 2),
    "run without its settings": Case(_program('#!/bin/sh\necho "2.1.332 (Claude Code)"\n'), RUN, 5, 1),
    "run with a login to a foreign host": Case(
        _all(_own(**FOREIGN), Scene.log_in), RUN, 5, 2, lambda scene: _own()(scene)
    ),
    "run with a model, requests elsewhere": Case(
        _all(_free, lambda scene: scene.user(**FOREIGN)), ("run", "--opus", "x/y", "--", "-p", "hi"), 5, 1
    ),
    "a helper of a key that is saved nowhere": Case(
        _passing_key, (*PINNED, "--key-helper", "--key-stdin"), 4, 1, None, (*PINNED, "--key-helper")
    ),
    "renew in a read-only file": Case(
        _all(_older_key, lambda scene: settings_of(scene.repo).chmod(0o400)), ("renew",), 1, 1
    ),
    "renew in a tracked file": Case(_all(_older_key, _track), ("renew",), 1, 1),
    "renew beside another base URL": Case(
        _all(_older_key, lambda scene: scene.edit(lambda data: data["env"].update(FOREIGN))), ("renew",), 1, 1
    ),
    "a key of the state before": Case(
        _all(_own(**OWN_TOKEN), lambda scene: scene.run(*LOCAL, "--discard-key")), ("-",), 4, 2
    ),
}  # fmt: skip


def ways(hint: str) -> list[str]:
    """Return the commands and options that a hint names, filled in."""
    found = [command or option for command, option in WAY.findall(hint)]
    return [re.sub(r"\bPRESET\b", "openrouter", re.sub(r"\bNAME\b", "kept", each)) for each in found]


def type_in(scene: Scene, way: str) -> Any:
    """Type a command as a shell takes it."""
    words = shlex.split(way)
    if words[:2] == ["llmswitch", "save-key"]:
        return scene.save(words[2])
    if words[0] == "llmswitch":
        return scene.run(*words[1:])
    return subprocess.run(words, cwd=scene.at, capture_output=True)


def others(scene: Scene) -> dict[str, object]:
    """Return what is the user's own in every settings file."""
    found: dict[str, object] = {str(path): path.read_bytes() for path in scene.home.glob(".claude/*.json")}
    for root in (scene.repo, *scene.repo.parent.glob("linked"), *scene.repo.parent.glob("the other")):
        shared = root / ".claude/settings.json"
        found[str(shared)] = shared.read_bytes() if shared.exists() else None
        if root.exists():
            data = json.loads(settings_of(root).read_text()) if settings_of(root).exists() else {}
            found[f"{root} rest"] = (data.get("permissions"), data.get("hooks"), data.get("env", {}).get("EDITOR"))
    return found


def pinned(scene: Scene) -> dict[str, object]:
    """Return the models, the start and the list in the file."""
    data = json.loads(settings_of(scene.at).read_text()) if settings_of(scene.at).exists() else {}
    models = {name: text for name, text in data.get("env", {}).items() if name.endswith("_MODEL")}
    return {**models, "list": data.get("availableModels")}


def carry_out(scene: Scene, case: Case, way: str, message: str) -> list[object]:
    """Do what a way says, see that the refused command works then, and return what went wrong."""
    again = case.again or case.typed
    if way.startswith("--"):
        at = again.index("--") if "--" in again else len(again)
        again = (*again[:at], *way.split(), *again[at:])
        if way == "--key-stdin":
            (scene.home / "given").write_text("0123456789abcdef0123")
            scene.env["STDIN"] = str(scene.home / "given")
    elif not way:
        assert case.hand
        case.hand(scene)
    else:
        ended = [type_in(scene, command) for command in way.split(" && ")]
        if failed := [each for each in ended if getattr(each, "returncode", getattr(each, "code", 0))]:
            return failed
    # A look and a session mend nothing, what was meant for main is done there, and a first of two is half.
    looks = way.startswith(("llmswitch run", "llmswitch list")) or (way.startswith("git -C") and " rm " not in way)
    if looks or way.startswith(f"llmswitch {case.typed[0]} ") or f"{way}; then: " in message:
        return []
    ended = scene.run(*again)
    return [ended] if ended.code else []


def keeps_pin(case: Case, way: str) -> bool:
    """Say whether a way past this refusal leaves the pin's models as they were chosen."""
    return case.typed[0] in ("run", "print-key", "renew") and bool(way) and "llmswitch claude" not in way


@pytest.mark.long
@pytest.mark.parametrize("name", CASES)
def test_what_a_refusal_advises_works_and_undoes_nothing(scene: Scene, tmp_path: Path, name: str) -> None:
    """Each way by itself, on the state as it was; what comes after "then" on what came before it."""
    case = CASES[name]
    scene.edit(lambda data: data.update(hooks=HOOKS))
    case.make(scene)
    env, before, kept = dict(scene.env), others(scene), tmp_path / "kept"
    places = [place for place in scene.repo.parent.iterdir() if place.is_dir() and place != kept]
    for place in places:
        shutil.copytree(place, kept / place.name, symlinks=True)
    refused = scene.run(*case.typed)
    assert refused.code == case.code, refused
    assert others(scene) == before
    message = " ".join(refused.err.split())
    found = ways(re.split(r"Nothing was changed\.|Only that rule was added\.", message)[-1])
    assert len(found) == case.ways, (message, found)
    models = pinned(scene)
    wrong: list[object] = []
    for way in [*found, *([""] if case.hand else [])]:
        if not way or f"; then: {way}" not in message:
            for place in places:
                shutil.rmtree(place)
                shutil.copytree(kept / place.name, place, symlinks=True)
            scene.env = dict(env)
        wrong += [(way, each) for each in carry_out(scene, case, way, message)]
        after = others(scene)
        wrong += [(way, key, old, after.get(key)) for key, old in before.items() if way and after.get(key) != old]
        if keeps_pin(case, way) and pinned(scene) != models:
            wrong.append((way, models, pinned(scene)))
    assert not wrong, "\n".join(map(str, wrong))
