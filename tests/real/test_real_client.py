"""Acceptance: what the real Claude Code client sends, and to whom, after a switch. Loopback and fake keys only."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from conftest import KEY, Cli, git, settings_of
from support.claude_client import ANTHROPIC_HOST, ClaudeClient, Outcome, require_program
from support.messages_server import MessagesServer, Request

from llmswitch.claude.variables import IDENTITY, KEYLESS_TOKEN, TOP_IDENTITY, VARIABLES
from llmswitch.presets.catalog import Catalog
from llmswitch.presets.files import shipped_folder
from llmswitch.presets.preset import Preset

CATALOG = Catalog(shipped_folder(), own=os.devnull)
THIRD_PARTY = ("openrouter", "deepseek", "devstral")
SLOTS = ("haiku", "sonnet", "opus", "fable")
ASKED = (*SLOTS, None)
SHELL_KEY = "sk-ant-canary-of-the-shell-0123456789"
LOGIN = "token-of-the-login-0123456789"
WINDOW = "CLAUDE_CODE_MAX_CONTEXT_TOKENS"
CLOUDS = [
    f"CLAUDE_CODE_USE_{name}"
    for name in ("BEDROCK", "VERTEX", "FOUNDRY", "MANTLE", "ANTHROPIC_AWS", "ANTHROPIC_GOOGLE_CLOUD")
]

# Every value that must not leave has this word in it; no folder and no prompt of these tests does.
STRAY = "stray"
STRAY_HEADERS = {
    "ANTHROPIC_CUSTOM_HEADERS": f"x-{STRAY}: {STRAY}",
    "ANTHROPIC_BETAS": f"{STRAY}-beta-2026-01-01",
    "CLAUDE_CODE_EXTRA_BODY": json.dumps({"model": f"{STRAY}/body", "metadata": {"user_id": STRAY}}),
}
STRAY_CREDENTIALS = {"ANTHROPIC_AUTH_TOKEN": f"{STRAY}-token", "ANTHROPIC_API_KEY": f"sk-ant-{STRAY}-key"}
STRAY_MODELS = {
    **{variable: f"{STRAY}/{slot}" for slot, variable in VARIABLES.items()},
    "ANTHROPIC_MODEL": f"{STRAY}/start",
    "ANTHROPIC_DEFAULT_MODEL": f"{STRAY}/default",
    "ANTHROPIC_SMALL_FAST_MODEL": f"{STRAY}/small",
}


class Stage:
    """A repository, the client that is started in it, and the provider that a switch points it to."""

    def __init__(self, cli: Cli, repo: Path, client: ClaudeClient, server: MessagesServer) -> None:
        self.cli, self.repo, self.client, self.server = cli, repo, client, server

    def llmswitch(self, *arguments: str, env: dict[str, str] | None = None) -> str:
        """Run llmswitch in the repository and return what it prints."""
        reply = self.cli(*arguments, cwd=self.repo, env=env)
        assert reply.code == 0, reply
        return reply.out

    def switch(self, preset: str, *options: str, prefix: str = "") -> None:
        """Switch to a preset, with the loopback server in the place of its host."""
        self.llmswitch(preset, "--base-url", self.server.url + prefix, *options)

    def start(self, slot: str | None, env: Mapping[str, str] | None = None) -> Outcome:
        """Send one prompt, to a slot or to whatever the session starts on."""
        outcome = self.client.run(self.repo, *(["--model", slot] if slot else []), env=env)
        assert outcome.returncode == 0, outcome
        assert KEY not in text_of(outcome.outside)
        return outcome

    def ask(self, slot: str | None = None, env: Mapping[str, str] | None = None) -> Request:
        """Send one prompt and return the one request for a message that it made, which is the server's."""
        before = len(self.server.messages)
        outcome = self.start(slot, env)
        assert outcome.outside_messages == []
        [request] = self.server.messages[before:]
        return request

    def models(self, slots: Sequence[str | None] = ASKED, env: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Return the model on the wire by the slot asked for; `start` where none was."""
        return {slot or "start": self.ask(slot, env).model for slot in slots}

    def credentials(self) -> set[tuple[str | None, str | None]]:
        """Return every (bearer token, x-api-key) that arrived, in requests of any kind."""
        return {(request.bearer, request.api_key) for request in self.server.requests}

    def arrived(self) -> str:
        """Return all that arrived, to look for what must not be in it."""
        return text_of(self.server.requests)


def text_of(requests: Sequence[Request]) -> str:
    """Return whole requests as text: paths, headers and bodies."""
    return json.dumps([asdict(request) for request in requests])


def shipped(name: str) -> Preset:
    """Return a preset as it is shipped."""
    return CATALOG.load(name)


def expected_models(preset: Preset) -> dict[str, str]:
    """Return the model each slot of a preset, and a session's start, should put on the wire."""
    models = {slot: preset.slots[slot] for slot in SLOTS}
    return {**models, "start": models[preset.start({})]}


def write_preset(folder: Path, name: str, **fields: Any) -> dict[str, str]:
    """Write a preset of the user's own and return the environment in which llmswitch finds it."""
    path = folder / "own" / "presets" / f"{name}.json5"
    path.parent.mkdir(parents=True)
    slots = {slot: f"local/{slot}" for slot in SLOTS}
    path.write_text(json.dumps({"title": name, "slots": slots, **fields}))
    return {"LLMSWITCH_HOME": str(folder / "own")}


def write_user_settings(client: ClaudeClient, settings: dict[str, Any]) -> None:
    """Write the user settings of the client's home."""
    path = client.home / ".claude" / "settings.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(settings))


def drop_blanks(repo: Path) -> None:
    """Take the empty values out of a pin, as if llmswitch did not write them."""
    path = settings_of(repo)
    settings = json.loads(path.read_text())
    settings["env"] = {name: value for name, value in settings["env"].items() if value}
    path.write_text(json.dumps({name: value for name, value in settings.items() if value}))


@pytest.fixture(scope="module")
def program() -> str:
    """Find the client, before any test's environment is replaced."""
    return require_program()


@pytest.fixture
def server() -> Iterator[MessagesServer]:
    """Run a fake provider."""
    with MessagesServer() as running:
        yield running


@pytest.fixture
def stage(cli: Cli, repo: Path, key: str, program: str, tmp_path: Path, server: MessagesServer) -> Stage:
    """Set up a repository, the client in a home of its own, and a provider; nothing is switched yet."""
    return Stage(cli, repo, ClaudeClient(program, tmp_path / "user", tmp_path / "tmp"), server)


def test_the_openrouter_preset_names_the_models_it_promises() -> None:
    """A spot check of the file from which the other tests take what they expect."""
    models = expected_models(shipped("openrouter"))
    assert (models["haiku"], models["sonnet"]) == ("mistralai/devstral-2512", "google/gemini-2.5-pro")
    assert models["start"] == models["sonnet"]
    assert CATALOG.models.windows()[models["haiku"]] == 262_144


@pytest.mark.parametrize(("preset", "prefix"), [("openrouter", "/api"), ("deepseek", ""), ("devstral", "")])
def test_every_slot_sends_its_model_and_only_the_presets_key(stage: Stage, preset: str, prefix: str) -> None:
    """Each --model, and none, puts the preset's model on the wire; a key exported in the shell stays away."""
    stage.switch(preset, prefix=prefix)
    assert stage.models(env={"ANTHROPIC_API_KEY": SHELL_KEY}) == expected_models(shipped(preset))
    assert stage.credentials() == {(KEY, None)}
    assert {request.path.partition("?")[0] for request in stage.server.requests} == {f"{prefix}/v1/messages"}
    assert SHELL_KEY not in stage.arrived()


def test_a_login_stays_away_from_the_provider(stage: Stage) -> None:
    """Neither a stored login nor one in the shell's CLAUDE_CODE_OAUTH_TOKEN arrives."""
    stage.client.log_in(LOGIN)
    stage.switch("openrouter")
    stage.ask()
    stage.ask(env={"CLAUDE_CODE_OAUTH_TOKEN": f"{STRAY}-login"})
    assert stage.credentials() == {(KEY, None)}
    assert LOGIN not in stage.arrived()
    assert STRAY not in stage.arrived()


def test_slots_of_ones_own_login_go_to_anthropic_with_it(stage: Stage) -> None:
    """Each slot that was named sends its model, the others Claude Code's own; after `claude` they are all its own."""
    stage.client.log_in(LOGIN)
    stage.llmswitch("claude", "--sonnet", "claude-sonnet-4-6", "--opus", "claude-opus-4-8", "--start", "sonnet")
    sent = {slot or "start": stage.start(slot).outside_messages for slot in ("haiku", "sonnet", "opus", None)}
    models = {slot: request.model for slot, [request] in sent.items()}
    assert {**models, "haiku": ""} == {
        "haiku": "", "sonnet": "claude-sonnet-4-6", "opus": "claude-opus-4-8", "start": "claude-sonnet-4-6",
    }  # fmt: skip
    assert (models["haiku"] or "").startswith("claude-haiku-")
    requests = [request for run in sent.values() for request in run]
    assert {(request.host, request.bearer, request.api_key) for request in requests} == {(ANTHROPIC_HOST, LOGIN, None)}
    stage.llmswitch("claude")
    [request] = stage.start("sonnet").outside_messages
    assert request.model not in (None, "claude-sonnet-4-6")


def test_back_on_claude_every_slot_goes_to_anthropic_with_the_login(stage: Stage) -> None:
    """After `llmswitch claude` nothing reaches the provider, and the stored login is used as before."""
    stage.client.log_in(LOGIN)
    stage.switch("openrouter")
    stage.llmswitch("claude")
    sent = [stage.start(slot).outside_messages for slot in ASKED]
    assert [len(requests) for requests in sent] == [1] * len(ASKED)
    requests = [request for run in sent for request in run]
    assert {(request.host, request.bearer, request.api_key) for request in requests} == {(ANTHROPIC_HOST, LOGIN, None)}
    families = [(request.model or "").split("-")[:2] for request in requests[: len(SLOTS)]]
    assert families == [["claude", slot] for slot in SLOTS]
    assert (requests[-1].model or "").startswith("claude-")
    assert stage.server.requests == []


def test_back_on_claude_a_key_of_the_shell_goes_to_anthropic(stage: Stage) -> None:
    """After `llmswitch claude` a key exported in the shell works as before."""
    stage.switch("openrouter")
    stage.llmswitch("claude")
    outcome = stage.start(None, {"ANTHROPIC_API_KEY": SHELL_KEY})
    sent = [(request.host, request.bearer, request.api_key) for request in outcome.outside_messages]
    assert sent == [(ANTHROPIC_HOST, None, SHELL_KEY)]
    assert stage.server.requests == []


def test_nothing_exported_in_the_shell_reaches_the_provider(stage: Stage) -> None:
    """Credentials, headers, body fields, betas, models and clouds, all exported at once, change nothing."""
    clouds = dict.fromkeys(CLOUDS, "1")
    elsewhere = {"ANTHROPIC_BASE_URL": f"https://{STRAY}.example"}
    shell = STRAY_CREDENTIALS | STRAY_HEADERS | STRAY_MODELS | clouds | elsewhere
    stage.switch("openrouter")
    expected = expected_models(shipped("openrouter"))
    assert stage.models(["haiku", None], shell) == {slot: expected[slot] for slot in ("haiku", "start")}
    assert stage.credentials() == {(KEY, None)}
    assert STRAY not in stage.arrived()
    # Only background requests, which a run without a terminal does not make, would use this one.
    settings = stage.client.control(stage.repo, "get_settings", env=shell)["get_settings"]
    assert settings["effective"]["env"]["ANTHROPIC_SMALL_FAST_MODEL"] == ""


def test_a_cloud_chosen_in_the_shell_does_not_take_the_request(stage: Stage) -> None:
    """Each CLAUDE_CODE_USE_ variable alone: the request still goes to the pinned host, and nowhere else."""
    stage.switch("openrouter")
    outside = {cloud: stage.start("haiku", {cloud: "1"}).outside_hosts for cloud in CLOUDS}
    assert not any(outside.values()), outside
    assert len(stage.server.messages) == len(CLOUDS)
    assert stage.credentials() == {(KEY, None)}


def test_without_the_pins_blanks_the_shells_values_do_arrive(stage: Stage) -> None:
    """Shows that the tests above can see a leak, and that the client still needs the blanks."""
    stage.switch("openrouter")
    drop_blanks(stage.repo)
    request = stage.ask("haiku", {**STRAY_HEADERS, "ANTHROPIC_API_KEY": SHELL_KEY})
    assert (request.api_key, request.model) == (SHELL_KEY, f"{STRAY}/body")
    assert request.headers[f"x-{STRAY}"] == STRAY
    assert STRAY_HEADERS["ANTHROPIC_BETAS"] in request.headers["anthropic-beta"]


def test_without_the_pins_blanks_a_cloud_does_take_the_request(stage: Stage) -> None:
    """Shows the same for a cloud: here the client does not come to the pinned host."""
    stage.switch("openrouter")
    drop_blanks(stage.repo)
    stage.client.run(stage.repo, env={"CLAUDE_CODE_USE_FOUNDRY": "1"})
    assert stage.server.requests == []


def test_nothing_of_the_users_settings_reaches_the_provider(stage: Stage, tmp_path: Path) -> None:
    """A helper, a model and another provider in ~/.claude/settings.json: none of them is used."""
    ran = tmp_path / "helper-ran"
    with MessagesServer() as other:
        write_user_settings(
            stage.client,
            {
                "apiKeyHelper": f"touch {ran}; echo {STRAY}-helper",
                "model": f"claude-{STRAY}-5",
                "env": {
                    **STRAY_CREDENTIALS,
                    **STRAY_HEADERS,
                    **STRAY_MODELS,
                    "ANTHROPIC_BASE_URL": other.url,
                },
            },
        )
        stage.switch("openrouter")
        assert stage.models() == expected_models(shipped("openrouter"))
        assert other.requests == []
    assert stage.credentials() == {(KEY, None)}
    assert STRAY not in stage.arrived()
    assert not ran.exists()


def test_without_the_pins_blanks_the_users_helper_does_arrive(stage: Stage) -> None:
    """Shows that the test above can see a leak."""
    write_user_settings(stage.client, {"apiKeyHelper": f"echo {STRAY}-helper"})
    stage.switch("openrouter")
    drop_blanks(stage.repo)
    assert stage.ask("haiku").api_key == f"{STRAY}-helper"


@pytest.mark.parametrize("slot", ["opus", "fable"])
def test_a_session_starts_on_the_slot_that_was_chosen(stage: Stage, slot: str) -> None:
    """--start SLOT decides what a session without --model sends; a model saved by the user does not."""
    options = [part for name in SLOTS for part in (f"--{name}", f"test/{name}")]
    write_user_settings(stage.client, {"model": "claude-sonnet-5-5"})
    stage.switch("openrouter", "--start", slot, *options)
    assert stage.ask().model == f"test/{slot}"


def test_an_override_arrives_in_its_own_slot_only(stage: Stage) -> None:
    """--haiku MODEL changes what the haiku slot sends, and no other."""
    stage.switch("openrouter", "--haiku", "test/small")
    expected = {**expected_models(shipped("openrouter")), "haiku": "test/small"}
    assert stage.models(["haiku", "opus", None]) == {slot: expected[slot] for slot in ("haiku", "opus", "start")}


def test_one_model_for_everything_arrives_in_every_slot(stage: Stage) -> None:
    """--model MODEL is what every slot and the start send."""
    stage.switch("openrouter", "--model", "test/one:free")
    assert set(stage.models().values()) == {"test/one:free"}


@pytest.mark.parametrize("preset", ["openrouter", "deepseek"])
def test_the_client_plans_with_the_window_of_the_pin(stage: Stage, preset: str) -> None:
    """The start slot's context window is the one the pin names, and asking for it sends only the preset's key."""
    stage.switch(preset)
    written = json.loads(settings_of(stage.repo).read_text())["env"][WINDOW]
    # In both presets the haiku slot has the smallest window of the models that are not Claude's.
    window = CATALOG.models.windows()[shipped(preset).slots["haiku"]]
    usage = stage.client.control(stage.repo, "get_context_usage")["get_context_usage"]
    assert (written, usage["maxTokens"]) == (str(window), window)
    assert usage["model"] == expected_models(shipped(preset))["start"]
    assert stage.credentials() == {(KEY, None)}


def test_a_preset_without_a_key_sends_a_placeholder_and_not_the_login(stage: Stage, tmp_path: Path) -> None:
    """A keyless local provider never gets the login's token, which the client would send it otherwise."""
    stage.client.log_in(LOGIN)
    own = write_preset(tmp_path, "local", base_url=stage.server.url, key=None)
    stage.llmswitch("local", env=own)
    models = stage.models(["fable", None], env={"CLAUDE_CODE_OAUTH_TOKEN": f"{STRAY}-login"})
    assert models == {"fable": "local/fable", "start": "local/sonnet"}
    stage.ask()
    assert (KEYLESS_TOKEN, stage.credentials()) == ("llmswitch-keyless", {(KEYLESS_TOKEN, None)})
    assert LOGIN not in stage.arrived()
    assert STRAY not in stage.arrived()


def test_without_the_placeholder_the_login_does_arrive(stage: Stage, tmp_path: Path) -> None:
    """Shows that the test above can see a leak, and that the client still needs the placeholder."""
    stage.client.log_in(LOGIN)
    stage.llmswitch("local", env=write_preset(tmp_path, "local", base_url=stage.server.url, key=None))
    path = settings_of(stage.repo)
    path.write_text(path.read_text().replace(KEYLESS_TOKEN, ""))
    assert stage.ask().bearer == LOGIN


def test_a_preset_with_an_api_key_sends_no_token(stage: Stage, tmp_path: Path) -> None:
    """auth: "api-key" puts the key in x-api-key; no login and no token of the shell stands beside it."""
    stage.client.log_in(LOGIN)
    fields = {"base_url": stage.server.url, "key": "openrouter", "auth": "api-key", "default_slot": "haiku"}
    stage.llmswitch("own", env=write_preset(tmp_path, "own", **fields))
    assert stage.ask(env=STRAY_CREDENTIALS).model == "local/haiku"
    stage.ask()
    assert stage.credentials() == {(None, KEY)}
    assert not any("authorization" in request.headers for request in stage.server.requests)
    assert LOGIN not in stage.arrived()
    assert STRAY not in stage.arrived()


def test_what_the_client_wrote_itself_survives_the_way_back(stage: Stage) -> None:
    """The client rewrites the file after a switch; `llmswitch claude` leaves its setting and nothing of ours."""
    stage.switch("openrouter")
    assert stage.client.run(stage.repo, prompt="/config outputStyle=Concise").returncode == 0
    written = json.loads(settings_of(stage.repo).read_text())
    assert (written["outputStyle"], written["env"]["ANTHROPIC_AUTH_TOKEN"]) == ("Concise", KEY)
    stage.llmswitch("claude")
    assert json.loads(settings_of(stage.repo).read_text()) == {"outputStyle": "Concise"}
    assert KEY not in settings_of(stage.repo).read_text()


def test_a_pin_the_client_rewrote_is_still_in_force_and_in_order(stage: Stage) -> None:
    """After the client's own write the pin still works and `status --check` finds no difference."""
    stage.switch("deepseek")
    stage.client.run(stage.repo, prompt="/config outputStyle=Concise")
    stage.llmswitch("status", "--check")
    assert stage.models(["haiku", None]) == dict.fromkeys(["haiku", "start"], shipped("deepseek").slots["haiku"])
    assert stage.credentials() == {(KEY, None)}


@pytest.mark.parametrize("preset", THIRD_PARTY)
def test_status_agrees_with_what_the_client_says_of_itself(stage: Stage, preset: str) -> None:
    """Base URL, start slot and the model of every slot are the ones in the client's effective settings."""
    stage.switch(preset, "--start", "opus")
    status = json.loads(stage.llmswitch("status", "--json"))
    settings = stage.client.control(stage.repo, "get_settings")["get_settings"]
    env = settings["effective"]["env"]
    models = {slot: entry["model"] for slot, entry in status["slots"].items()}
    assert (status["preset"], status["problems"]) == (preset, [])
    assert (status["base_url"], status["start_slot"]) == (env["ANTHROPIC_BASE_URL"], env["ANTHROPIC_MODEL"])
    assert models == {slot: env[variable] or None for slot, variable in VARIABLES.items()}
    assert settings["applied"]["model"] == models[status["start_slot"]]


def test_status_agrees_with_the_client_once_back_on_claude(stage: Stage) -> None:
    """After `llmswitch claude` neither of them knows of a provider, a model or a key of ours."""
    stage.switch("openrouter")
    stage.llmswitch("claude")
    status = json.loads(stage.llmswitch("status", "--json"))
    effective = stage.client.control(stage.repo, "get_settings")["get_settings"]["effective"]
    assert (status["preset"], status["base_url"], status["start_slot"]) == ("claude", None, None)
    assert {entry["model"] for entry in status["slots"].values()} == {None}
    assert not {*IDENTITY, WINDOW} & effective.get("env", {}).keys()
    assert not TOP_IDENTITY.keys() & effective.keys()
    assert not settings_of(stage.repo).exists()


def test_the_client_leaves_nothing_of_ours_for_git_to_add(stage: Stage) -> None:
    """After a switch and a run of the client, git sees no new file in the repository."""
    stage.switch("openrouter")
    stage.ask()
    assert git(stage.repo, "status", "--porcelain", "--untracked-files=all") == ""
