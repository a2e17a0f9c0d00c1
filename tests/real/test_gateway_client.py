"""Acceptance: the real Claude Code client on a pin whose slots live at three providers, one of the OpenAI format."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from conftest import Cli, settings_of
from support.answers import STREAMED, Got
from support.claude_client import ClaudeClient, Outcome, require_program
from support.gateway import RunningGateway, Upstream, error, free_port, replying, send_chunk, start_stream
from support.messages_server import Handler, Request, frames_of, message_of, say, use_tool
from support.openai_server import OpenAiUpstream, call
from support.secret_service import SecretService

SLOTS = ("haiku", "sonnet", "opus")
KEYS = {slot: f"sk-test-{slot}-0123456789abcdef0123456789" for slot in SLOTS}
WORDS = "one two three four five six seven"


class Stage:
    """A worktree on a mixed preset, its three providers by slot, and the client."""

    def __init__(self, cli: Cli, repo: Path, client: ClaudeClient, gateway: RunningGateway) -> None:
        self.cli, self.repo, self.client, self.gateway = cli, repo, client, gateway
        self.providers: dict[str, Upstream] = {}

    def switch(self) -> None:
        """Write the preset and switch to it."""
        slots = {
            slot: {
                "model": f"vendor/{slot}-model",
                "base_url": provider.url + ("/v1" if slot == "opus" else ""),
                "key": slot,
                "protocol": "openai" if slot == "opus" else "anthropic",
            }
            for slot, provider in self.providers.items()
        }
        presets = self.gateway.home / "presets"
        presets.mkdir(exist_ok=True)
        (presets / "mixed.json5").write_text(json.dumps({"slots": slots}))
        reply = self.cli("mixed", cwd=self.repo, env=self.environ)
        assert reply.code == 0, reply

    @property
    def environ(self) -> dict[str, str]:
        """What both llmswitch and the client's key helper need to find the gateway, and the keys for the switch."""
        return {name: text for name, text in self.gateway.environ.items() if name.startswith("LLMSWITCH_")}

    def start(self, slot: str | None, *args: str, env: dict[str, str] | None = None, prompt: str = "hi") -> Outcome:
        """Send one prompt; the client's environment has no key."""
        home = {"LLMSWITCH_HOME": str(self.gateway.home), **(env or {})}
        chosen = ["--model", slot] if slot else []
        return self.client.run(self.repo, *chosen, *args, env=home, prompt=prompt)

    def hits(self) -> dict[str, int]:
        """Return how many messages each provider was asked for."""
        return {slot: sum(_is_asked(one) for one in provider.requests) for slot, provider in self.providers.items()}

    def only(self, slot: str, count: int = 1) -> dict[str, int]:
        """Return the hits where only one slot's provider was asked."""
        return {**dict.fromkeys(SLOTS, 0), slot: count}

    def behave(self, slot: str, behaviour: Callable[[Handler, Request], bool]) -> None:
        """Make one slot's provider misbehave."""
        self.providers[slot].behaviour = behaviour

    def check_credentials(self) -> None:
        """Assert that each provider saw its own key and nothing else of ours, anywhere."""
        token = self.gateway.local.token(self.id)
        for slot, provider in self.providers.items():
            everything = json.dumps([asdict(request) for request in provider.requests])
            strangers = [key for other, key in KEYS.items() if other != slot] + [token]
            assert not [secret for secret in strangers if secret in everything]
            assert {(one.bearer, one.api_key) for one in provider.requests} <= {(KEYS[slot], None)}

    @property
    def id(self) -> str:
        """The id of the pin's routes."""
        settings = json.loads(settings_of(self.repo).read_text())
        url: str = settings["env"]["ANTHROPIC_BASE_URL"]
        return url.rpartition("/")[2]


def _is_asked(request: Request) -> bool:
    return request.is_message or request.path.endswith("/chat/completions")


@pytest.fixture(scope="module")
def program() -> str:
    """Find the client, before any test's environment is replaced."""
    return require_program()


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    """One gateway for these tests, with the keys."""
    with RunningGateway(tmp_path_factory.mktemp("gw"), KEYS) as running:
        yield running


@pytest.fixture
def stage(cli: Cli, repo: Path, program: str, tmp_path: Path, gateway: RunningGateway) -> Iterator[Stage]:
    """Set up providers and switch to them."""
    made = Stage(cli, repo, ClaudeClient(program, tmp_path / "user", tmp_path / "tmp"), gateway)
    with (
        Upstream(lambda _: [say("from haiku")]) as haiku,
        Upstream(lambda _: [say("from sonnet")]) as sonnet,
        OpenAiUpstream(lambda _: {"content": "from opus"}) as opus,
    ):
        made.providers = {"haiku": haiku, "sonnet": sonnet, "opus": opus}
        made.switch()
        yield made


def test_each_slot_reaches_its_provider_with_its_own_key_only(stage: Stage) -> None:
    """AF14: No other key, no gateway token in any header or body, and no key in the file; no start means sonnet."""
    for count, slot in enumerate((*SLOTS, None), 1):
        outcome = stage.start(slot)
        assert outcome.returncode == 0, outcome
        assert (outcome.result["result"], outcome.outside_messages) == (f"from {slot or 'sonnet'}", [])
        assert sum(stage.hits().values()) == count
    assert stage.hits() == {"haiku": 1, "sonnet": 2, "opus": 1}
    stage.check_credentials()
    assert not [key for key in KEYS.values() if key in settings_of(stage.repo).read_text()]
    [request] = stage.providers["opus"].requests
    assert request.body["model"] == "vendor/opus-model"
    status = json.loads(stage.cli("gateway", "status", "--json", cwd=stage.repo, env=stage.environ).out)
    assert status["pins"][stage.id]["worktrees"][str(stage.repo)]["requests"] == 4
    lines = stage.cli("gateway", "status", cwd=stage.repo, env=stage.environ).out.splitlines()
    assert f"{stage.repo}: 4 requests, 0 errors; last answered: vendor/sonnet-model." in lines


def run_by_the_client(stage: Stage, slot: str, command: str, **env: str) -> None:
    """Let a slot's provider ask for Bash with a command that prints the canary, and see that it gets the canary."""
    provider = stage.providers[slot]

    def answered(body: dict[str, Any]) -> bool:
        return "canary-of-the-tool" in json.dumps(body["messages"])

    if isinstance(provider, OpenAiUpstream):
        provider.choose = lambda body: {"content": "done"} if answered(body) else call("Bash", command=command)
    else:
        provider.answer = lambda one: [say("done") if answered(one.body) else use_tool("Bash", command=command)]
    outcome = stage.start(slot, "--allowedTools", "Bash", env=env)
    assert (outcome.returncode, outcome.result["result"]) == (0, "done"), outcome
    assert stage.hits() == stage.only(slot, 2)


@pytest.mark.parametrize("slot", SLOTS)
def test_a_tool_is_run_and_its_result_returned(stage: Stage, slot: str) -> None:
    """The provider asks for Bash, and gets what it printed."""
    run_by_the_client(stage, slot, "echo canary-of-the-$(echo tool)")


@pytest.mark.parametrize("slot", SLOTS)
def test_words_arrive_one_by_one(stage: Stage, slot: str) -> None:
    """The provider waits with each word until the client has shown the one before."""
    shown = itertools.count()
    seen = [next(shown)]
    provider = stage.providers[slot]

    def wait(number: int) -> None:
        deadline = time.monotonic() + 20
        while seen[0] < number:
            assert time.monotonic() < deadline, f"only {seen[0]} words were shown"
            time.sleep(0.01)

    if isinstance(provider, OpenAiUpstream):
        sent = itertools.count()
        provider.choose = lambda body: {"content": WORDS}
        provider.pause = lambda: wait(min(next(sent), len(WORDS.split())))
    else:
        provider.behaviour = _slow(wait)
    arguments = [
        "-p",
        "hi",
        "--model",
        slot,
        "--output-format",
        "stream-json",
        "--verbose",
        "--include-partial-messages",
    ]
    with _client(stage, arguments) as process:
        assert process.stdout
        for line in process.stdout:
            event = json.loads(line).get("event", {}) if line.startswith("{") else {}
            seen[0] += event.get("delta", {}).get("type") == "text_delta"
        assert process.wait(20) == 0
    assert seen[0] == len(WORDS.split())


def _slow(wait: Callable[[int], None]) -> Callable[[Handler, Request], bool]:
    def behave(handler: Handler, request: Request) -> bool:
        start_stream(handler)
        frames = frames_of(message_of(request, [say("")]))
        for frame in frames[:2]:
            send_chunk(handler, frame)
        for number, word in enumerate(WORDS.split()):
            wait(number)
            delta = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": word}}
            send_chunk(handler, f"event: content_block_delta\ndata: {json.dumps(delta)}\n\n".encode())
        for frame in frames[3:]:
            send_chunk(handler, frame)
        send_chunk(handler, b"")
        return True

    return behave


def test_a_mixed_preset_for_one_session_writes_no_settings(stage: Stage) -> None:
    """`llmswitch run`: each slot still reaches its own provider, and the token comes from the running gateway."""
    assert stage.cli("claude", cwd=stage.repo, env=stage.environ).code == 0
    programs = f"{Path(stage.client.program).parent}:{os.environ['PATH']}"
    environ = {**stage.client.environment(f"http://127.0.0.1:{free_port()}"), **stage.environ, "PATH": programs}
    reply = stage.cli("run", "mixed", "--", "-p", "hi", "--output-format", "json", cwd=stage.repo, env=environ)
    assert reply.code == 0, reply
    assert json.loads(reply.out)["result"] == "from sonnet"
    assert stage.hits() == stage.only("sonnet")
    assert [(one.bearer, one.api_key) for one in stage.providers["sonnet"].requests] == [(KEYS["sonnet"], None)]
    assert not settings_of(stage.repo).exists()


def _client(stage: Stage, arguments: list[str]) -> subprocess.Popen[str]:
    proxy = f"http://127.0.0.1:{free_port()}"  # nobody: there is no way out
    environ = {**stage.client.environment(proxy), "LLMSWITCH_HOME": str(stage.gateway.home)}
    return subprocess.Popen(
        [stage.client.program, *arguments], cwd=stage.repo, env=environ, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip


def _error(slot: str, status: int, text: str, headers: dict[str, str] | None = None, times: int = 99) -> Any:
    body = {"error": {"message": text, "type": "x"}} if slot == "opus" else error("api_error", text)
    return replying(status, body, headers, times)


@pytest.mark.parametrize("slot", SLOTS)
def test_a_refused_key_is_shown_as_that_and_never_as_a_login(stage: Stage, slot: str) -> None:
    """The provider sees it once, though the client asks its helper and again."""
    stage.behave(slot, _error(slot, 401, "invalid x-api-key"))
    outcome = stage.start(slot)
    assert outcome.returncode != 0
    text = outcome.result["result"]
    assert f"refused the {slot} key (401)" in text
    assert "login" not in text.lower()
    assert stage.hits() == stage.only(slot)


@pytest.mark.parametrize("slot", SLOTS)
def test_a_429_makes_the_client_wait_as_long_as_it_says(stage: Stage, slot: str) -> None:
    """`retry-after: 2` passes; the second try is the client's own."""
    times: list[float] = []
    limited = _error(slot, 429, "slow down", {"retry-after": "2"}, times=1)

    def behave(handler: Handler, request: Request) -> bool:
        times.append(time.monotonic())
        return bool(limited(handler, request))

    stage.behave(slot, behave)
    outcome = stage.start(slot, env={"CLAUDE_CODE_MAX_RETRIES": "2"})
    assert (outcome.returncode, outcome.result["result"]) == (0, f"from {slot}"), outcome
    assert stage.hits() == stage.only(slot, 2)
    assert times[1] - times[0] >= 2


@pytest.mark.parametrize("slot", SLOTS)
def test_an_overload_passes_and_ends_in_an_error_when_it_lasts(stage: Stage, slot: str) -> None:
    """529 once is got over, 529 for ever is shown."""
    stage.behave(slot, _error(slot, 529, "overloaded", times=1))
    outcome = stage.start(slot, env={"CLAUDE_CODE_MAX_RETRIES": "2"})
    assert outcome.returncode == 0, outcome
    stage.behave(slot, _error(slot, 529, "overloaded"))
    outcome = stage.start(slot)
    assert outcome.returncode != 0
    assert "overload" in outcome.stdout.lower()


@pytest.mark.parametrize("slot", SLOTS)
def test_a_400_is_shown_in_the_providers_words(stage: Stage, slot: str) -> None:
    """And nobody else is asked."""
    stage.behave(slot, _error(slot, 400, "the moon is in the wrong house"))
    outcome = stage.start(slot)
    assert outcome.returncode != 0
    assert "the moon is in the wrong house" in outcome.stdout
    assert {other for other, count in stage.hits().items() if count} == {slot}


@pytest.mark.parametrize("slot", SLOTS)
def test_a_cut_stream_is_never_a_short_success(stage: Stage, slot: str) -> None:
    """The client gets the whole answer at its second try, or fails."""
    provider = stage.providers[slot]
    if isinstance(provider, OpenAiUpstream):
        provider.cut_after = 2
    else:
        cut = iter([True])

        def behave(handler: Handler, request: Request) -> bool:
            if not next(cut, False):
                return False
            start_stream(handler)
            for frame in frames_of(message_of(request, [say("from")]))[:3]:
                send_chunk(handler, frame)
            handler.close_connection = True
            handler.connection.shutdown(2)
            return True

        provider.behaviour = behave
    outcome = stage.start(slot, env={"CLAUDE_CODE_MAX_RETRIES": "2"})
    assert outcome.returncode != 0 or outcome.result["result"] == f"from {slot}", outcome


def test_a_dead_provider_is_named_and_nobody_else_is_asked(stage: Stage) -> None:
    """For each format."""
    for slot in ("haiku", "opus"):
        provider = stage.providers[slot]
        provider.shutdown()
        provider.server_close()
        outcome = stage.start(slot)
        assert outcome.returncode != 0
        assert f"{provider.url[7:]} (slot {slot}) cannot be reached" in outcome.stdout
    assert stage.hits() == dict.fromkeys(SLOTS, 0)


@pytest.mark.parametrize("slot", ["haiku", "opus"])
def test_a_hostile_redirect_gets_nothing(stage: Stage, slot: str) -> None:
    """Zero hits at the other host."""
    with Upstream() as hostile:
        stage.behave(slot, replying(307, b"", {"Location": hostile.url}))
        outcome = stage.start(slot)
        assert outcome.returncode != 0
        assert hostile.requests == []


def test_an_unknown_model_and_a_wrong_token_reach_no_provider(stage: Stage) -> None:
    """Both end in an error that says which it is."""
    listed = json.dumps({"availableModels": ["vendor/of-somebody-else"]})  # or one of the pin's is asked in its place
    outcome = stage.start("vendor/of-somebody-else", "--settings", listed)
    assert outcome.returncode != 0
    assert "model" in outcome.stdout
    wrong = json.dumps({"apiKeyHelper": "echo wrong"})
    outcome = stage.start("haiku", "--settings", wrong)
    assert outcome.returncode != 0
    assert "401" in outcome.stdout
    assert stage.hits() == dict.fromkeys(SLOTS, 0)


def test_a_session_gets_over_a_gateway_that_was_started_anew(stage: Stage) -> None:
    """Its token is worth nothing then; the client asks the helper again by itself, within the turn."""
    wrapper = stage.gateway.home / "helper"
    settings = json.loads(settings_of(stage.repo).read_text())
    wrapper.write_text(
        "#!/bin/sh\n"
        f"[ -e {wrapper}.once ] && exec {settings['apiKeyHelper']}\n"
        f"touch {wrapper}.once; echo token-of-the-gateway-before\n"
    )
    wrapper.chmod(0o700)
    outcome = stage.start("haiku", "--settings", json.dumps({"apiKeyHelper": f"'{wrapper}'"}))
    assert (outcome.returncode, outcome.result["result"]) == (0, "from haiku"), outcome


def test_the_helper_starts_the_gateway_and_the_keys_come_from_the_keyring(
    cli: Cli, repo: Path, program: str, tmp_path: Path, service: SecretService
) -> None:
    """Nothing was started by hand, and no key is in any environment or file."""
    home = tmp_path / "g"
    (home / "presets").mkdir(parents=True)
    (home / "config.json5").write_text(json.dumps({"gateway_port": free_port()}))
    environ = {"LLMSWITCH_HOME": str(home)}
    with Upstream(lambda _: [say("from haiku")]) as haiku, Upstream(lambda _: [say("from opus")]) as opus:
        places = {"haiku": haiku, "opus": opus}
        slots: dict[str, Any] = {
            slot: {"model": f"vendor/{slot}", "base_url": at.url, "key": slot} for slot, at in places.items()
        }
        (home / "presets" / "two.json5").write_text(json.dumps({"slots": {**slots, "sonnet": "opus"}}))
        for slot in places:
            assert cli("save-key", slot, env=environ, text=KEYS[slot]).code == 0
        reply = cli("two", cwd=repo, env=environ)
        assert reply.code == 0, reply
        client = ClaudeClient(program, tmp_path / "user", tmp_path / "tmp")
        bus = {"DBUS_SESSION_BUS_ADDRESS": service.environ["DBUS_SESSION_BUS_ADDRESS"]}
        try:
            for slot, provider in places.items():
                outcome = client.run(repo, "--model", slot, env={**environ, **bus})
                assert outcome.result["result"] == f"from {slot}", outcome
                assert {(one.bearer, one.api_key) for one in provider.requests} == {(KEYS[slot], None)}
        finally:
            stopped = cli("gateway", "stop", env=environ)
    assert stopped.out == "The gateway has stopped.\n"
    files = [path for folder in (home, repo) for path in folder.rglob("*") if path.is_file()]
    assert not [path for path in files if any(key.encode() in path.read_bytes() for key in KEYS.values())]
    assert not any(key in os.environ.values() for key in KEYS.values())


def test_doctor_asks_each_slots_provider_through_the_gateway(stage: Stage) -> None:
    """One request a model with the gateway's own token, each provider with its own key; all three answer."""
    reply = stage.cli("doctor", "--probe", "--json", cwd=stage.repo, env=stage.environ)
    found = [each["code"] for each in json.loads(reply.out)["proven"]]
    assert found == ["probe-answers"] * 3, reply
    assert stage.hits() == dict.fromkeys(SLOTS, 1)
    stage.check_credentials()


TRICKY = (
    "par-seq", "par-interleaved", "par-onechunk", "tool-noindex", "tool-emptyid", "tool-stop", "nofinish", "trunc",
    "trunc-tool", "errmid", "surrogate-split", "contentarray",
)  # fmt: skip


@pytest.mark.parametrize("name", TRICKY)
def test_answers_that_servers_really_send_reach_the_client(stage: Stage, name: str) -> None:
    """Each call is run and answered; what broke off is asked for again or fails, and is never a short success."""
    case, opus = STREAMED[name], stage.providers["opus"]
    left = [1]

    def behave(handler: Handler, request: Request) -> bool:
        left[0] -= 1
        if left[0] < 0:
            return False
        start_stream(handler)
        send_chunk(handler, case.body)
        send_chunk(handler, b"")
        return True

    opus.behaviour = behave
    outcome = stage.start("opus", "--allowedTools", "Bash,Read", env={"CLAUDE_CODE_MAX_RETRIES": "2"})
    if case.right is None:
        assert outcome.returncode != 0 or outcome.result["result"] == "from opus", outcome
        return
    assert outcome.returncode == 0, outcome
    asked = opus.requests[-1].body["messages"]
    calls = [call["function"] for message in asked for call in message.get("tool_calls", [])]
    result = outcome.result["result"]
    got = Got("" if calls else result, "", [(one["name"], json.loads(one["arguments"])) for one in calls],
              "tool_use" if calls else "end_turn", (0, 0, 0))  # fmt: skip
    assert case.right(got), (result, calls)
    assert {message["tool_call_id"] for message in asked if message["role"] == "tool"} == {
        call["id"] for message in asked for call in message.get("tool_calls", [])
    }


@pytest.mark.parametrize("slot", ["sonnet", "opus"])
def test_a_gateway_that_is_killed_in_the_middle_of_a_session_answers_the_next_turn(stage: Stage, slot: str) -> None:
    """The tool that the provider asks for kills it; the turn with the result is answered all the same."""
    before = stage.gateway.pid
    # Its last connection may be taken down only when the client asks on it again, which it then tries once more.
    run_by_the_client(stage, slot, f"kill -9 {before}; echo canary-of-the-$(echo tool)", CLAUDE_CODE_MAX_RETRIES="3")
    assert stage.gateway.pid != before
