"""What a workspace's editor settings say of a backend, and what `doctor` makes of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import KEY, Cli

from llmswitch.doctor.editors import named

TERMINAL = "terminal.integrated.env.linux"
FILES = {
    ".vscode/settings.json": (
        '{\n  // mine\n  "terminal.integrated.env.linux": {"ANTHROPIC_BASE_URL": "https://a.example", "PATH": "x"},\n}',
        [(TERMINAL, "ANTHROPIC_BASE_URL", False)],
    ),
    ".vscode/tasks.json": (
        json.dumps({"tasks": [{"options": {"env": {"ANTHROPIC_MODEL": "opus"}}}]}),
        [("tasks.options.env", "ANTHROPIC_MODEL", False)],
    ),
    "my.code-workspace": (
        json.dumps({"settings": {"claudeCode.environmentVariables": [{"name": "ANTHROPIC_API_KEY", "value": KEY}]}}),
        [("settings.claudeCode.environmentVariables", "ANTHROPIC_API_KEY", True)],
    ),
    ".devcontainer/devcontainer.json": (
        json.dumps({"remoteEnv": {"CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST": "1"}}),
        [("remoteEnv", "CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST", False)],
    ),
    ".idea/workspace.xml": (
        '<project><envs><env name="ANTHROPIC_AUTH_TOKEN" value="sk-or-v1-0123456789abcdef" /></envs></project>',
        [("env", "ANTHROPIC_AUTH_TOKEN", True)],
    ),
    ".vscode/launch.json": ("{ not json", []),
    ".vscode/extensions.json": ('{"claudeCode.selectedModel": "opus"}', [("claudeCode.selectedModel",) * 2 + (False,)]),
}


@pytest.mark.parametrize("name", FILES)
def test_names_of_ours_are_found_wherever_an_editor_keeps_them(tmp_path: Path, name: str) -> None:
    """Comments are no matter, other variables none of ours, and a file that is no JSON says nothing."""
    text, expected = FILES[name]
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    assert [(each.place, each.name, each.secret) for each in named(str(tmp_path))] == expected
    assert all(each.path == str(path) for each in named(str(tmp_path)))


def test_doctor_says_which_beat_a_pin_and_which_do_not(cli: Cli, repo: Path, key: str) -> None:
    """With the file and the place, never the value."""
    for name, (text, _) in FILES.items():
        (repo / name).parent.mkdir(exist_ok=True)
        (repo / name).write_text(text)
    found = _editors(cli, repo)
    assert "without a pin it decides there" in found["ANTHROPIC_BASE_URL"]
    assert "no pin counts" in found["CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST"]
    assert "holds a credential" in found["ANTHROPIC_API_KEY"]
    assert "was not tried" in found["claudeCode.selectedModel"]
    assert cli("openrouter", cwd=repo).code == 0
    assert "a pin is stronger" in _editors(cli, repo)["ANTHROPIC_BASE_URL"]
    assert KEY not in cli("doctor", cwd=repo).out


def _editors(cli: Cli, repo: Path) -> dict[str, str]:
    """Return what doctor says of each name in an editor's settings."""
    problems = json.loads(cli("doctor", "--json", cwd=repo).out)["problems"]
    said = [each["message"] for each in problems if each["code"].startswith("editor-")]
    names = [name for _, expected in FILES.values() for _, name, _ in expected]
    return {name: next(message for message in said if name in message) for name in names}
