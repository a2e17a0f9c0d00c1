"""The client behind a pin's list of models: what asks for another id stays, and `sent` says what goes out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import Cli
from support.claude_client import ClaudeClient, require_program
from support.messages_server import MessagesServer
from test_real_client import Stage

from llmswitch.claude.fence import sent
from llmswitch.claude.variables import HOST_APP, VARIABLES

SLOTS = {"haiku": "v/h", "sonnet": "v/s", "opus": "v/o", "fable": "v/f"}
OPTIONS = [word for slot, model in SLOTS.items() for word in (f"--{slot}", model)]
CLAUDE = "claude-opus-4-8"
LISTS: list[tuple[list[str], str]] = [
    (["v/h"], "sonnet"),
    (["sonnet"], "sonnet"),
    (["sonnet"], "haiku"),
    (["opus"], "opus"),
    ([" V/S "], "sonnet"),
    (["v/s[1m]"], "sonnet"),
    (["v"], "sonnet"),
    (["claude"], "fable"),
    (["opusplan"], "sonnet"),
    ([], "haiku"),
    (["opus", "x/myopus"], "opus"),
    (["haiku", "x/haiku-1"], "haiku"),
    (["sonnet", "claude-sonnet-4-6"], "sonnet"),
    (["opusplan", "x/sonnet-1"], "sonnet"),
]


@pytest.fixture
def stage(tmp_path: Path, cli: Cli, repo: Path, key: str) -> Any:
    """A repository, a client with a home of its own, and a provider on loopback."""
    with MessagesServer() as server:
        yield Stage(cli, repo, ClaudeClient(require_program(), tmp_path / "user", tmp_path / "tmp"), server)


def user_settings(stage: Stage, settings: dict[str, Any]) -> None:
    """Write the user's own settings."""
    path = stage.client.home / ".claude" / "settings.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(settings))


@pytest.mark.parametrize("fence", [True, False], ids=["fence", "any"])
def test_an_id_outside_the_pin_goes_out_only_without_the_fence(stage: Stage, fence: bool) -> None:
    """--model with a Claude id: the Opus slot; with `--also any` that very id."""
    stage.switch("openrouter", *OPTIONS, *([] if fence else ["--also", "any"]))
    assert stage.ask(CLAUDE).model == (SLOTS["opus"] if fence else CLAUDE)
    assert stage.ask("sonnet").model == SLOTS["sonnet"]


HEAD = f"---\nname: judge\ndescription: d\nmodel: {CLAUDE}\n---\nBe brief.\n"


@pytest.mark.parametrize("fence", [True, False], ids=["fence", "any"])
@pytest.mark.parametrize("kind", ["agent", "skill", "command"])
def test_a_file_that_asks_for_a_claude_id_works_on_the_pins_models(stage: Stage, kind: str, fence: bool) -> None:
    """Without the fence that very id goes out."""
    stage.switch("openrouter", *OPTIONS, *([] if fence else ["--also", "any"]))
    name = {"agent": "agents/judge.md", "skill": "skills/judge/SKILL.md", "command": "commands/judge.md"}[kind]
    path = stage.repo / ".claude" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(HEAD)
    words = ["--agent", "judge"] if kind == "agent" else []
    stage.client.run(stage.repo, *words, prompt="hi" if words else "/judge")
    models = {request.model for request in stage.server.messages}
    assert models
    assert models <= ({*SLOTS.values()} if fence else {CLAUDE})


def test_a_hook_with_a_model_passes_the_fence(stage: Stage) -> None:
    """So `doctor` names it; one that names a slot stays."""
    stage.switch("openrouter", *OPTIONS)
    for model, expected in ((CLAUDE, CLAUDE), ("haiku", SLOTS["haiku"])):
        hook = {"type": "prompt", "prompt": "Is this fine?", "model": model}
        user_settings(stage, {"hooks": {"UserPromptSubmit": [{"hooks": [hook]}]}})
        before = len(stage.server.messages)
        stage.client.run(stage.repo)
        assert expected in {request.model for request in stage.server.messages[before:]}


def test_one_more_id_can_be_allowed(stage: Stage) -> None:
    """`--also`."""
    stage.switch("openrouter", *OPTIONS, "--also", "w/x")
    assert stage.ask("w/x").model == "w/x"


@pytest.mark.parametrize("model", ["anthropic/claude-opus-4.8", "v/opus-x", "claude-opus-latest", "x/myopus", "v/x"])
def test_a_family_in_a_list_allows_every_id_with_its_name_as_a_word(stage: Stage, model: str) -> None:
    """For a pin without a list of its own; other ids give way."""
    stage.switch("openrouter", *OPTIONS, "--sonnet", model, "--also", "any", "--start", "sonnet")
    user_settings(stage, {"availableModels": ["opus"]})
    expected = sent({**SLOTS, "sonnet": model, "subagent": ""}, ["opus"]).get("sonnet", model)
    assert (stage.ask().model, expected == model) == (expected, model not in ("x/myopus", "v/x"))


@pytest.mark.parametrize(("listed", "slot"), LISTS)
def test_what_a_list_makes_of_a_slot_is_what_we_say(stage: Stage, listed: list[str], slot: str) -> None:
    """For a pin without a list of its own: status prints what the client sends."""
    stage.switch("openrouter", *OPTIONS, "--also", "any", "--start", slot)
    user_settings(stage, {"availableModels": listed})
    expected = sent({**SLOTS, "subagent": ""}, listed).get(slot, SLOTS[slot])
    assert stage.ask().model == expected
    reply = stage.cli("status", "--json", cwd=stage.repo, env={"HOME": str(stage.client.home)})
    assert json.loads(reply.out)["slots"][slot]["model"] == expected


def test_a_list_of_the_users_opens_what_it_names(stage: Stage) -> None:
    """Lists count together: what status notes is so."""
    stage.switch("openrouter", *OPTIONS)
    user_settings(stage, {"availableModels": ["opus"]})
    assert stage.ask(CLAUDE).model == CLAUDE
    assert stage.ask("sonnet").model == SLOTS["sonnet"]


def test_an_id_with_a_familys_name_in_it_closes_the_family_again(stage: Stage) -> None:
    """In whichever list: then status has nothing to note either."""
    stage.switch("openrouter", *OPTIONS, "--also", "x/myopus")
    user_settings(stage, {"availableModels": ["opus"]})
    assert stage.ask(CLAUDE).model == SLOTS["opus"]
    reply = stage.cli("status", "--json", cwd=stage.repo, env={"HOME": str(stage.client.home)})
    assert "list-opened" not in {each["code"] for each in json.loads(reply.out)["problems"]}


def test_a_proxy_of_the_shell_does_not_see_a_loopback_pin(stage: Stage) -> None:
    """In whatever spelling; without the pin's exceptions it does."""
    stage.switch("openrouter", *OPTIONS)
    with MessagesServer() as proxy:
        environ = dict.fromkeys(("HTTP_PROXY", "http_proxy", "HTTPS_PROXY"), proxy.url)
        environ |= {"NO_PROXY": "", "no_proxy": "x.example"}
        assert stage.ask(env=environ).model == SLOTS["sonnet"]
        assert proxy.requests == []
        path = stage.repo / ".claude" / "settings.local.json"
        settings = json.loads(path.read_text())
        del settings["env"]["NO_PROXY"], settings["env"]["no_proxy"]
        path.write_text(json.dumps(settings))
        stage.client.run(stage.repo, env=environ)
        assert proxy.requests


@pytest.mark.parametrize("name", HOST_APP)
def test_a_program_that_chooses_the_provider_cuts_the_pin_off(stage: Stage, name: str) -> None:
    """Exported, and not even a blank in the file helps: so it is told as an error."""
    stage.switch("openrouter", *OPTIONS)
    outcome = stage.client.run(stage.repo, env={name: "1"})
    assert (outcome.returncode != 0, stage.server.messages) == (True, [])


def test_the_slots_are_those_of_the_pin() -> None:
    """The table above names them all but the sub-agent's."""
    assert {*SLOTS, "subagent"} == set(VARIABLES)
