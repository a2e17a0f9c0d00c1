"""No mend weakens: where a pin gets its key from a helper, no advice and no --fix puts a key into a file."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import KEY, settings_of
from support.warm import Warm
from test_doctor import EDITS, put

Edit = Callable[[dict[str, Any]], object]
STATE = ".git/llmswitch/state.json"
HELPERS: dict[str, Edit] = {
    "as it was put here": lambda data: None,
    "helper: gone, of our form": lambda data: data.update(apiKeyHelper="/gone/llmswitch print-key --preset openrouter"),
    "helper: gone, of another preset": lambda data: data.update(apiKeyHelper="/gone/llmswitch print-key --preset glm"),
    "helper: somebody else's": lambda data: data.update(apiKeyHelper="/gone/vault read key"),
    "helper: blank": lambda data: data.update(apiKeyHelper=""),
    "helper: dropped": lambda data: data.pop("apiKeyHelper"),
    "helper: no text": lambda data: data.update(apiKeyHelper=7),
    "base URL: another host": put("ANTHROPIC_BASE_URL", "https://x.example"),
    "base URL: another preset's": put("ANTHROPIC_BASE_URL", "https://api.z.ai/api/anthropic"),
    "env: gone": lambda data: data.pop("env"),
    "models: none": lambda data: [data["env"].pop(name) for name in list(data["env"]) if name.endswith("_MODEL")],
    "list: another": lambda data: data.update(availableModels=["sonnet"]),
}
STATES = {
    **HELPERS,
    **{code: edit for code, (edit, *_) in EDITS.items() if code != "two-credentials"},  # which puts a key there
}
# Ends of one command in a sentence of advice.
_COMMAND = re.compile(r"llmswitch (?:(?!, then|; or|[.;,] |\.$).)+")


@pytest.fixture
def warm(repo: Path, sealed: dict[str, str], key: str) -> Iterator[Warm]:
    """The repository, pinned to openrouter with a helper, and a Claude Code that was set up."""
    (Path(sealed["HOME"]) / ".claude.json").write_text('{"hasCompletedOnboarding": true}')
    with Warm(sealed) as warm:
        reply = warm.run("openrouter", "--key-helper", "--haiku", "deepseek/deepseek-v3.2", cwd=repo)
        assert reply.code == 0, reply
        yield warm


def holders(*folders: Path) -> list[Path]:
    """Return the files that hold the key."""
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    return [path for path in files if KEY.encode() in path.read_bytes()]


CASES = [(name, False) for name in STATES] + [(name, True) for name in HELPERS]


@pytest.mark.parametrize(("name", "lost"), CASES, ids=[f"{name}{', state lost' * lost}" for name, lost in CASES])
def test_no_mend_puts_a_key_where_none_stood(
    warm: Warm, repo: Path, sealed: dict[str, str], tmp_path: Path, name: str, lost: bool
) -> None:
    """Every command that doctor and status name is typed, each on the state as it was; so is --fix."""
    file, home, kept = settings_of(repo), Path(sealed["HOME"]), tmp_path / "kept"
    data = json.loads(file.read_text())
    STATES[name](data)
    file.write_text(json.dumps(data))
    if lost:
        (repo / STATE).unlink()
    for place in (repo, home):
        shutil.copytree(place, kept / place.name, symlinks=True)
    said = [warm.run(*words, cwd=repo).out for words in (["doctor", "--json"], ["status", "--json"])]
    fixes = {problem["fix"] for text in said for problem in json.loads(text)["problems"]}
    commands = {each[0] for fix in fixes for each in _COMMAND.finditer(fix)} | {"llmswitch doctor --fix"}
    assert holders(repo, home) == []
    for command in sorted(commands):
        words = shlex.split(command.replace("PRESET", "openrouter"))[1:]
        warm.run(*words, cwd=repo)
        assert holders(repo, home) == [], command
        for place in (repo, home):
            shutil.rmtree(place)
            shutil.copytree(kept / place.name, place, symlinks=True)


def test_fix_renews_a_helper_of_ours_whose_program_is_gone(warm: Warm, repo: Path) -> None:
    """As a switch would write it now; everything else stays, and there is nothing more to find."""
    file = settings_of(repo)
    before = json.loads(file.read_text())
    file.write_text(json.dumps({**before, "apiKeyHelper": "/gone/llmswitch print-key --preset openrouter"}))
    found = {each["code"]: each["fix"] for each in json.loads(warm.run("doctor", "--json", cwd=repo).out)["problems"]}
    assert len({found["helper-gone"], found["drift"]}) == 1, "one mend, not two that contradict each other"
    assert "--key-helper" in found["helper-gone"]
    warm.run("doctor", "--fix", cwd=repo)
    assert json.loads(file.read_text()) == before
    assert warm.run("status", "--check", cwd=repo).code == 0


def test_fix_says_when_it_mends_nothing(warm: Warm, repo: Path) -> None:
    """And changes nothing."""
    file = settings_of(repo)
    file.write_text(json.dumps({**json.loads(file.read_text()), "apiKeyHelper": "/gone/vault read key"}))
    before = file.read_bytes()
    assert "Nothing was mended" in warm.run("doctor", "--fix", cwd=repo).err
    assert file.read_bytes() == before
