"""Tests of the harness itself, with the real client."""

import json
import subprocess
from pathlib import Path

import pytest
from support import claude_client
from support.claude_client import ANTHROPIC_HOST, ClaudeClient, ControlError, require_program
from support.messages_server import Block, MessagesServer, Request, say, use_tool

BASE_URL = "ANTHROPIC_BASE_URL"
PIN = {
    "ANTHROPIC_AUTH_TOKEN": "fake-token",
    "ANTHROPIC_MODEL": "opus",
    "ANTHROPIC_DEFAULT_OPUS_MODEL": "vendor/opus",
    "ANTHROPIC_DEFAULT_SONNET_MODEL": "vendor/sonnet",
}


@pytest.fixture
def client(tmp_path: Path) -> ClaudeClient:
    """Return the real client in a home of its own."""
    return ClaudeClient(require_program(), tmp_path / "home", tmp_path / "tmp")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return an empty git repository."""
    path = tmp_path / "project"
    subprocess.run(["git", "init", "--quiet", path], check=True)
    return path


def pin(project: Path, **env: str) -> None:
    """Write a project's local settings."""
    folder = project / ".claude"
    folder.mkdir(exist_ok=True)
    (folder / "settings.local.json").write_text(json.dumps({"env": env}))


def test_a_slot_and_the_token_reach_the_provider(client: ClaudeClient, project: Path) -> None:
    """The wire shows the slot of the model asked for and the pinned token."""
    with MessagesServer() as server:
        pin(project, **PIN, **{BASE_URL: f"{server.url}/prefix"})
        outcome = client.run(project, "--model", "sonnet")
    assert (outcome.returncode, outcome.result["result"]) == (0, "hello")
    [request] = server.requests
    assert request.path.startswith("/prefix/v1/messages")
    assert (request.model, request.bearer, request.api_key) == ("vendor/sonnet", "fake-token", None)
    assert outcome.outside == []


def test_a_key_of_the_shell_is_seen_wherever_it_goes(client: ClaudeClient, project: Path) -> None:
    """A leaked key shows at the provider and at Anthropic, and costs no retries."""
    with MessagesServer() as server:
        pin(project, **PIN, **{BASE_URL: server.url})
        outcome = client.run(project, env={"ANTHROPIC_API_KEY": "fake-canary"}, timeout=15)
    assert [request.api_key for request in server.messages] == ["fake-canary"]
    assert outcome.outside_hosts == {ANTHROPIC_HOST}
    assert "fake-canary" in {request.api_key for request in outcome.outside}
    assert outcome.outside_messages == []


def test_without_a_pin_the_login_goes_to_anthropic(client: ClaudeClient, project: Path) -> None:
    """The stand-in for Anthropic answers a direct run."""
    client.log_in("fake-login")
    outcome = client.run(project)
    assert outcome.returncode == 0
    assert [(r.host, r.bearer) for r in outcome.outside_messages] == [(ANTHROPIC_HOST, "fake-login")]


def test_a_host_outside_the_list_is_refused(tmp_path: Path, project: Path) -> None:
    """Only named hosts are answered, others are refused and still recorded."""
    client = ClaudeClient(require_program(), tmp_path / "home", tmp_path / "tmp", hosts=["known.example"])
    pin(project, **PIN, **{BASE_URL: "https://known.example/api"})
    known = client.run(project)
    pin(project, **PIN, **{BASE_URL: "https://unknown.example/api"})
    unknown = client.run(project)
    assert [(r.host, r.model) for r in known.outside_messages] == [("known.example", "vendor/opus")]
    assert (known.returncode, unknown.returncode) == (0, 1)
    assert (unknown.outside_hosts, unknown.outside_messages) == ({"unknown.example"}, [])


def test_a_custom_answer_makes_the_client_run_a_tool(client: ClaudeClient, project: Path) -> None:
    """An answer may ask for a tool, whose output comes back."""

    def answer(request: Request) -> list[Block]:
        if any(message["role"] == "assistant" for message in request.body["messages"]):
            return [say("done")]
        return [use_tool("Bash", command="echo seen-$((40 + 2))", description="Print")]

    with MessagesServer(answer) as server:
        pin(project, **PIN, **{BASE_URL: server.url})
        outcome = client.run(project, "--allowedTools", "Bash")
    assert outcome.result["result"] == "done"
    assert "seen-42" in json.dumps(server.messages[-1].body["messages"])


def test_control_requests_are_answered(client: ClaudeClient, project: Path) -> None:
    """All three control requests work, without a message."""
    with MessagesServer() as server:
        pin(project, **PIN, **{BASE_URL: server.url})
        answers = client.control(project, "get_settings", "get_status", "get_context_usage")
    assert answers["get_settings"]["effective"]["env"] == PIN | {BASE_URL: server.url}
    assert answers["get_settings"]["applied"]["model"] == "vendor/opus"
    rows = {row["label"]: row["value"] for s in answers["get_status"]["sections"] for row in s["rows"]}
    assert rows["Anthropic base URL"] == server.url
    assert answers["get_context_usage"]["maxTokens"] > 0
    assert server.messages == []


def test_an_unknown_control_request_is_an_error(client: ClaudeClient, project: Path) -> None:
    """A question the client cannot answer is not passed over."""
    with pytest.raises(ControlError, match="no_such_subtype"):
        client.control(project, "no_such_subtype")


def test_a_time_out_ends_the_whole_group(tmp_path: Path) -> None:
    """A child of the client does not outlive it."""
    program = tmp_path / "hangs"
    program.write_text("#!/bin/sh\nsleep 60 & wait\n")
    program.chmod(0o755)
    client = ClaudeClient(program, tmp_path / "home", tmp_path / "tmp")
    # The child holds the pipes open: this returns only because the child is killed as well.
    with pytest.raises(subprocess.TimeoutExpired):
        client.run(tmp_path, timeout=0.2)


def test_the_environment_of_the_caller_stays_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the fixed environment and the additions reach the client."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "fake-caller")
    program = tmp_path / "prints"
    program.write_text("#!/bin/sh\nenv\n")
    program.chmod(0o755)
    outcome = ClaudeClient(program, tmp_path / "home", tmp_path / "tmp").run(tmp_path, env={"ADDED": "yes"})
    assert "fake-caller" not in outcome.stdout
    assert {"ADDED=yes", f"HOME={tmp_path / 'home'}"} <= set(outcome.stdout.splitlines())


@pytest.mark.parametrize(("ci", "verdict"), [("", pytest.skip.Exception), ("true", pytest.fail.Exception)])
def test_a_missing_client_skips_but_fails_in_ci(
    ci: str, verdict: type[BaseException], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reason names what to install."""
    monkeypatch.delenv(claude_client.PROGRAM_VARIABLE, raising=False)
    monkeypatch.setattr(claude_client, "INSTALL_FOLDER", tmp_path)
    monkeypatch.setenv("CI", ci)
    with pytest.raises(verdict, match="scripts/claude-code"):
        require_program()
