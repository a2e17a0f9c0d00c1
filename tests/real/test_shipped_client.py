"""Each shipped preset once through the real client, with its real base URL, behind a loopback internet."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from conftest import git, settings_of
from support.claude_client import ClaudeClient, Outcome, require_program
from support.messages_server import Answer, Block, Request, say

from llmswitch.base.errors import COMMANDS
from llmswitch.base.urls import is_loopback
from llmswitch.claude.variables import KEYLESS_TOKEN
from llmswitch.cli.app import App
from llmswitch.cli.main import cli
from llmswitch.keys.sources import variable
from llmswitch.presets.catalog import Catalog
from llmswitch.presets.files import shipped_folder
from llmswitch.presets.listing import load_all
from llmswitch.presets.models import base_id
from llmswitch.presets.pin import pin
from llmswitch.presets.preset import AUTO, Preset
from llmswitch.settings import change
from llmswitch.settings.settings import Settings
from llmswitch.settings.state import Record

CATALOG = Catalog(shipped_folder(), "/nowhere")
PRESETS = {preset.name: preset for preset in load_all(CATALOG)[0] if preset.base_url and preset.protocol == "anthropic"}
# What a cloud's own switch asks, and what of the model stands in the address there.
CLOUDS = {
    "bedrock": "bedrock-runtime.us-east-1.amazonaws.com",
    "vertex": "aiplatform.googleapis.com",
    "foundry": "a-resource.services.ai.azure.com",
}
CLOUD_SHELL = {
    "AWS_BEARER_TOKEN_BEDROCK": "fake-bedrock-token", "AWS_REGION": "us-east-1",
    "CLAUDE_CODE_SKIP_VERTEX_AUTH": "1", "ANTHROPIC_VERTEX_PROJECT_ID": "a-project",
    "ANTHROPIC_FOUNDRY_RESOURCE": "a-resource", "ANTHROPIC_FOUNDRY_API_KEY": "fake-foundry-key",
}  # fmt: skip
HOSTS = sorted({preset.host.partition(":")[0] for preset in PRESETS.values()} | set(CLOUDS.values()))
SLOTS = ("haiku", "sonnet", "opus", "fable")


def key_of(preset: Preset) -> str:
    """Return a fake key that names the key it stands for."""
    return f"fake-{preset.key}-0123456789abcdef"


def agents() -> Answer:
    """Answer a session's first request with an agent for each slot and one for none, and every other with a word."""
    asked: list[Request] = []

    def answer(request: Request) -> list[Block]:
        asked.append(request)
        task = {"description": "say hi", "prompt": "Say hi.", "subagent_type": "general-purpose"}
        named = [*({**task, "model": slot} for slot in SLOTS), task]
        calls = [{"type": "tool_use", "id": f"toolu_{number}", "name": "Agent", "input": each}
                 for number, each in enumerate(named)]  # fmt: skip
        return calls if len(asked) == 1 else [say("done")]

    return answer


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> ClaudeClient:
    """The client, in one home for all presets, with an internet of all their hosts."""
    folder = tmp_path_factory.mktemp("client")
    return ClaudeClient(require_program(), folder / "user", folder / "tmp", HOSTS)


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One repository for all presets, so that each comes after another's pin."""
    folder = tmp_path_factory.mktemp("repository")
    git(folder, "init", "--quiet")
    return folder


def switched(preset: Preset, repo: Path, sealed: dict[str, str]) -> None:
    """Switch the repository to a preset, with every provider's key at hand."""
    keys = {variable(each.key): key_of(each) for each in PRESETS.values() if each.key}
    app = App({**sealed, **keys}, COMMANDS)
    cli.main([preset.name, "-w", str(repo)], "llmswitch", standalone_mode=False, obj=app)


def session(client: ClaudeClient, repo: Path, preset: Preset, env: dict[str, str]) -> Outcome:
    """Run one session in which every slot is asked; plain http to this machine goes to the internet's stand-in too.

    With one model in all slots one request says it all.
    """
    client.answer = agents() if len(expected(preset)) > 1 else None
    # A pin of this machine says that no proxy stands between; here the internet's stand-in is one.
    exceptions = json.dumps({"env": {"NO_PROXY": "", "no_proxy": ""}})
    proxied = ["--settings", exceptions] if preset.base_url and is_loopback(preset.base_url) else []
    return client.run(repo, *proxied, "--allowedTools", "Agent", env={"NO_PROXY": "", **env})


def expected(preset: Preset) -> set[str]:
    """Return the ids that the five slots and a session's start put on the wire."""
    ids = {preset.slots.get(slot) or preset.default_model or "" for slot in SLOTS}
    own = set(CATALOG.models.own.values()) - {CATALOG.models.own["version"]} if ids == {AUTO} else ids
    return {base_id(model) for model in {*own, preset.slots.get("subagent", "")} - {""}}


@pytest.mark.parametrize("name", PRESETS)
def test_exactly_its_host_is_asked_with_exactly_its_key_and_the_slots_ids_arrive(
    name: str, client: ClaudeClient, repo: Path, sealed: dict[str, str]
) -> None:
    """CX8, in one session: the start slot, an agent in each slot, and one that inherits."""
    preset = PRESETS[name]
    switched(preset, repo, sealed)
    left = set(re.findall(r"fake-[a-z-]+-0123456789abcdef", left_behind(repo)))
    assert left == ({key_of(preset)} if preset.key else set())
    outcome = session(client, repo, preset, {})
    assert outcome.returncode == 0, outcome
    assert outcome.outside_hosts == {preset.host.partition(":")[0]}
    key = key_of(preset) if preset.key else KEYLESS_TOKEN
    sent = (key, None) if preset.auth == "bearer" else (None, key)
    asked = [request for request in outcome.outside if request.method != "CONNECT"]
    assert {(request.bearer, request.api_key) for request in asked} == {sent}
    assert {base_id(request.model or "") for request in outcome.outside_messages} == expected(preset)
    assert "[1m]" not in json.dumps([request.model for request in outcome.outside_messages])


@pytest.mark.parametrize("name", CLOUDS)
def test_a_cloud_is_asked_by_claude_code_itself(
    name: str, client: ClaudeClient, repo: Path, sealed: dict[str, str]
) -> None:
    """With the shell's credentials for it, and none of llmswitch's; the ids are the preset's."""
    preset = CATALOG.load(name)
    switched(preset, repo, sealed)
    assert "fake-" not in settings_of(repo).read_text()
    outcome = session(client, repo, preset, CLOUD_SHELL)
    asked = [request for request in outcome.outside if request.host == CLOUDS[name] and request.method == "POST"]
    assert asked
    assert "api.anthropic.com" not in outcome.outside_hosts
    wire = [request.path + (request.model or "") for request in asked]
    assert all(any(model in each.replace("%3A", ":") for model in expected(preset)) for each in wire), wire
    if name == "foundry":
        assert {request.model for request in outcome.outside_messages} == expected(preset)


def test_no_key_of_one_preset_stays_when_another_comes() -> None:
    """AF13, all pairs A → B → claude: B's file and state hold no byte of A's key, and in the end there is none."""
    keys = {preset.name: key_of(preset) for preset in PRESETS.values() if preset.key}
    start = Settings('{"permissions": {"allow": []}}\n')
    pins = {name: written(preset) for name, preset in PRESETS.items()}
    for first in pins:
        one = change.switched(start, [Record(), Record()], pins[first], {})
        for second in pins:
            two = change.switched(one.after, [one.record, Record()], pins[second], {})
            assert two.after
            left = two.after.text + json.dumps([one.record.data(), two.record.data()])
            assert [name for name, key in keys.items() if key in left and key != keys.get(second)] == []
            assert keys.get(second, KEYLESS_TOKEN) in two.after.text
            three = change.switched(two.after, [two.record, one.record], {}, {})
            assert three.after
            assert three.after.text == start.text
            assert "fake-" not in json.dumps(three.record.data())


def written(preset: Preset) -> Mapping[str, str]:
    """Return what a switch to a preset writes, with its key."""
    return pin(preset, {}, CATALOG).with_key(preset.auth, key_of(preset) if preset.key else KEYLESS_TOKEN).members


def left_behind(repo: Path) -> str:
    """Return the settings file, the state and whatever else lies in the folders a switch writes to."""
    folders = [repo / ".claude", repo / ".git" / "llmswitch"]
    return "".join(path.read_text() for folder in folders for path in folder.rglob("*") if path.is_file())
