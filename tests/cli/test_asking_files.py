"""Files that ask for a model of their own, as `doctor` names them: agents, skills, commands and hooks."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from conftest import Cli

CLAUDE = "claude-opus-4-8"
HEAD = f"---\nname: x\ndescription: d\nmodel: {CLAUDE}\n---\nText.\n"
PLACES = {"agent": "agents/x.md", "skill": "skills/x/SKILL.md", "command": "commands/sub/x.md"}


def write(path: Path, text: str) -> Path:
    """Write a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def found(cli: Cli, repo: Path) -> list[tuple[str, str, str]]:
    """Return what doctor says of such files: code, level and message."""
    data = json.loads(cli("doctor", "--json", cwd=repo).out)
    codes = ("asks-for-model", "hook-model", "list-opened")
    whole = [{**each, "message": each["message"].replace("~", os.environ["HOME"])} for each in data["problems"]]
    return [(each["code"], each["level"], each["message"]) for each in whole if each["code"] in codes]


@pytest.mark.parametrize("kind", PLACES)
def test_a_file_with_a_foreign_id_is_named_with_what_goes_out(
    cli: Cli, repo: Path, key: str, sealed: dict[str, str], kind: str
) -> None:
    """Of the repository and of the user: behind the list the inherited model, without one the id itself."""
    ours = write(repo / ".claude" / PLACES[kind], HEAD)
    users = write(Path(sealed["HOME"], ".claude", PLACES[kind]), HEAD)
    assert found(cli, repo) == []
    assert cli("openrouter", cwd=repo).code == 0
    for path, (code, level, message) in zip((ours, users), found(cli, repo), strict=True):
        assert (code, level) == ("asks-for-model", "note")
        assert message.startswith(f"The {kind} {path} asks for {CLAUDE}; ")
        assert "the model that it inherits is sent" in message
    assert cli("openrouter", "--also", "any", cwd=repo).code == 0
    assert [f"asks for {CLAUDE}, and openrouter.ai is sent that id" in each[2] for each in found(cli, repo)] == [
        True
    ] * 2
    assert cli("openrouter", "--also", CLAUDE, cwd=repo).code == 0
    assert ["which the pin allows" in each[2] for each in found(cli, repo)] == [True] * 2
    assert cli("status", "--check", cwd=repo).code == 0


def test_a_list_that_lets_such_a_file_through_is_a_warning_with_both_names(
    cli: Cli, repo: Path, key: str, sealed: dict[str, str]
) -> None:
    """Lists count together; the name of a family opens it only where no id of the pin's has it in it."""
    agent = write(repo / ".claude" / PLACES["agent"], HEAD)
    assert cli("openrouter", cwd=repo).code == 0
    other = write(Path(sealed["HOME"], ".claude", "settings.json"), '{"availableModels": ["opus"]}')
    assert not [each for each in found(cli, repo) if each[0] == "list-opened"]
    write(other, json.dumps({"availableModels": [CLAUDE]}))
    warnings = [message for code, level, message in found(cli, repo) if (code, level) == ("list-opened", "warning")]
    assert [str(agent) in each and str(other) in each for each in warnings] == [True]


@pytest.mark.parametrize(("model", "told"), [(CLAUDE, True), ("haiku", False), ("inherit", False), ("", False)])
def test_a_slot_is_no_foreign_id(cli: Cli, repo: Path, key: str, model: str, told: bool) -> None:
    """An alias goes through the pin's slot."""
    write(repo / ".claude" / PLACES["agent"], HEAD.replace(CLAUDE, model))
    assert cli("openrouter", cwd=repo).code == 0
    assert bool(found(cli, repo)) is told


@pytest.mark.parametrize("kind", ["prompt", "agent", "command"])
def test_a_hook_with_a_model_passes_any_list(cli: Cli, repo: Path, key: str, kind: str) -> None:
    """File, event and id are named; a command asks no model."""
    hook = {"type": kind, "prompt": "x", "command": "true", "model": CLAUDE}
    path = write(repo / ".claude" / "settings.json", json.dumps({"hooks": {"Stop": [{"hooks": [hook]}]}}))
    assert cli("openrouter", cwd=repo).code == 0
    expected = f"A hook of {path} (Stop) asks for {CLAUDE}: no list of models keeps it from openrouter.ai."
    assert found(cli, repo) == ([] if kind == "command" else [("hook-model", "note", expected)])


@pytest.mark.parametrize("kind", ["agent", "skill"])
@pytest.mark.parametrize("asks", ["prompt", "agent", "command"])
@pytest.mark.parametrize("indent", ["  ", ""], ids=["deeper", "flush"])
def test_a_hook_in_front_matter_is_one_too(cli: Cli, repo: Path, key: str, kind: str, asks: str, indent: str) -> None:
    """With the file it stands in and its event, the second of two; a member behind the hooks is none of theirs."""
    hooks = f"""hooks:
  PreToolUse:
  {indent}- matcher: "Bash"
  {indent}  hooks:
  {indent}    - type: command
  {indent}      command: "true"
  Stop:
  {indent}- hooks:
  {indent}    - model: "{CLAUDE}"  # a word on it
  {indent}      type: {asks}
model: haiku
"""
    path = write(repo / ".claude" / PLACES[kind], f"---\nname: x\n{hooks}---\nmodel: {CLAUDE}\n")
    assert cli("openrouter", cwd=repo).code == 0
    expected = f"A hook of {path} (Stop) asks for {CLAUDE}: no list of models keeps it from openrouter.ai."
    assert found(cli, repo) == ([] if asks == "command" else [("hook-model", "note", expected)])


def test_an_id_that_goes_on_after_a_slots_is_told(cli: Cli, repo: Path, key: str) -> None:
    """The list lets it through: the reason is named, and no other file."""
    write(repo / ".claude" / PLACES["agent"], HEAD.replace(CLAUDE, "x/y-2-Large"))
    assert cli("openrouter", "--opus", "x/Y-2", cwd=repo).code == 0
    [(code, level, message)] = found(cli, repo)
    assert (code, level) == ("asks-for-model", "note")
    assert "asks for x/y-2-Large, which the pin allows since it goes on after its x/Y-2: openrouter.ai is" in message


def test_with_a_blank_config_folder_the_users_agents_are_those_of_the_start_folder(
    cli: Cli, repo: Path, key: str, sealed: dict[str, str]
) -> None:
    """As Claude Code 2.1.332 reads them; those of the home are not there then."""
    write(Path(sealed["HOME"], ".claude", PLACES["agent"]), HEAD)
    agent = write(repo / PLACES["agent"], HEAD)
    assert cli("openrouter", cwd=repo).code == 0
    sealed["CLAUDE_CONFIG_DIR"] = ""
    [(_, _, message)] = found(cli, repo)
    assert message.startswith(f"The agent {agent} asks for {CLAUDE}; ")
