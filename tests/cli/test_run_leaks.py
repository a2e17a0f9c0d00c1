"""`run` starts nothing that would send the user's own login, or another provider's key, to a foreign host."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import Cli, settings_of

URL = {"ANTHROPIC_BASE_URL": "https://llm.example"}
KEYED = {**URL, "ANTHROPIC_AUTH_TOKEN": "0123456789abcdef"}
HEADER = {"ANTHROPIC_CUSTOM_HEADERS": "x-api-key: 0123456789abcdef"}
OAUTH = {"CLAUDE_CODE_OAUTH_TOKEN": "sk-ant-oat01-0123456789abcdef"}
OTHERS = {"ANTHROPIC_BASE_URL": "https://api.z.ai/api/anthropic", "ANTHROPIC_AUTH_TOKEN": "sk-or-v1-0123456789abcdef01"}
# name → (the layers, a login, whether it is refused)
CASES: dict[str, tuple[dict[str, dict[str, str]], bool, bool]] = {
    "a URL in user settings": ({"user": URL}, True, True),
    "a URL of the project's": ({"project": URL}, True, True),
    "a URL in the local file": ({"worktree": URL}, True, True),
    "an exported URL": ({"shell": URL}, True, True),
    "no login": ({"user": URL}, False, False),
    "a key beside it": ({"user": KEYED}, True, False),
    "a token for the login, exported": ({"user": URL, "shell": OAUTH}, False, True),
    "a header from elsewhere": ({"user": KEYED, "shell": HEADER}, True, True),
    "a key of another provider": ({"user": OTHERS}, True, True),
    "nothing": ({}, True, False),
}


@pytest.fixture
def env(tmp_path: Path, sealed: dict[str, str]) -> dict[str, str]:
    """The environment with a `claude` that says what it was started with."""
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin/claude"
    program.write_text('#!/bin/sh\necho "started $*"\n')
    program.chmod(0o755)
    return {"PATH": f"{tmp_path}/bin:{sealed['PATH']}"}


@pytest.mark.parametrize("case", CASES)
def test_run_refuses_what_would_send_a_credential_elsewhere(
    cli: Cli, repo: Path, key: str, env: dict[str, str], sealed: dict[str, str], case: str
) -> None:
    """With a hint; --anyway goes on, a preset has its own credential, and what is no session is not held up."""
    layers, login, refused = CASES[case]
    home = Path(sealed["HOME"])
    places = {"user": home, "project": repo, "worktree": repo}
    for layer, values in layers.items():
        if layer == "shell":
            env = {**env, **values}
            continue
        name = "settings.local.json" if layer == "worktree" else "settings.json"
        (places[layer] / ".claude").mkdir(exist_ok=True)
        (places[layer] / ".claude" / name).write_text(json.dumps({"env": values}))
    if login:
        (home / ".claude").mkdir(exist_ok=True)
        text = json.dumps({"claudeAiOauth": {"accessToken": "sk-ant-oat01-fake"}})
        (home / ".claude/.credentials.json").write_text(text)
    reply = cli("run", "--", "-p", "hi", cwd=repo, env=env)
    assert (reply.code, reply.out.startswith("started")) == ((5, False) if refused else (0, True))
    assert not refused or "llmswitch run PRESET" in reply.err
    assert cli("run", "--anyway", "--", "-p", "hi", cwd=repo, env=env).code == 0
    assert cli("run", "--", "mcp", "list", cwd=repo, env=env).code == 0
    if "a header" not in case:
        assert cli("run", "openrouter", "--", "-p", "hi", cwd=repo, env=env).code == 0


def test_models_without_a_preset_go_on_the_own_login(
    cli: Cli, repo: Path, env: dict[str, str], sealed: dict[str, str]
) -> None:
    """Where no preset is in use and nothing sends requests elsewhere; else the reason is told."""
    reply = cli("run", "--haiku", "claude-haiku-4-5", "--", "-p", "hi", cwd=repo, env=env)
    assert reply.code == 0, reply
    overlay = json.loads(Path(reply.out.split("--settings ")[1].split()[0]).read_text())
    assert overlay == {"env": {"ANTHROPIC_DEFAULT_HAIKU_MODEL": "claude-haiku-4-5"}}
    assert not settings_of(repo).exists()
    exported = cli("run", "--haiku", "x", "--", "-p", "hi", cwd=repo, env={**env, **KEYED})
    assert (exported.code, "the shell sends requests to llm.example" in exported.err) == (5, True)
    user = Path(sealed["HOME"]) / ".claude/settings.json"
    user.parent.mkdir(exist_ok=True)
    user.write_text(json.dumps({"env": KEYED}))
    set_there = cli("run", "--haiku", "x", "--", "-p", "hi", cwd=repo, env=env)
    assert (set_there.code, f"{user} sends requests to llm.example" in set_there.err) == (5, True)


def test_run_names_the_claude_ids_that_another_files_list_lets_past(
    cli: Cli, repo: Path, key: str, env: dict[str, str], sealed: dict[str, str]
) -> None:
    """All lists count together; the ids of the worktree's own pin are no news."""
    users = Path(sealed["HOME"]) / ".claude/settings.json"
    users.parent.mkdir()
    users.write_text('{"availableModels": ["claude-opus-4-8"]}')
    assert cli("openrouter", cwd=repo).code == 0
    reply = cli("run", "devstral", "--", "-p", "hi", cwd=repo, env=env)
    assert reply.code == 0, reply.err
    assert f"note: {users} also allows claude-opus-4-8: an agent or a skill that asks" in reply.err
    assert str(settings_of(repo)) not in reply.err
    users.write_text('{"availableModels": 5}')
    assert "also allows" not in cli("run", "devstral", "--", "-p", "hi", cwd=repo, env=env).err
