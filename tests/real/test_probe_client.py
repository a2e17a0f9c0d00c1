"""`doctor --probe` asks as the real Claude Code does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.claude_client import ClaudeClient, require_program
from support.messages_server import MessagesServer
from test_probe import Pinned, pinned

__all__ = ["pinned"]  # the fixture


@pytest.fixture(scope="module")
def program() -> str:
    """Find the client, before any test's environment is replaced."""
    return require_program()


# The client's settings → what they change in the request.
TUNINGS: list[dict[str, str]] = [
    {},
    {"CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS": "1"},
    {"CLAUDE_CODE_DISABLE_THINKING": "1"},
    {"CLAUDE_CODE_EFFORT_LEVEL": "auto"},
    {"CLAUDE_CODE_EFFORT_LEVEL": "low", "ENABLE_TOOL_SEARCH": "false", "MAX_THINKING_TOKENS": "0"},
]


@pytest.mark.parametrize("tuning", TUNINGS, ids=lambda tuning: ",".join(tuning) or "none")
def test_the_request_is_the_one_of_the_client(
    pinned: Pinned, tmp_path: Path, tuning: dict[str, str], program: str
) -> None:
    """Path, headers, betas, credential and the fields that providers stumble over."""
    with MessagesServer() as server:
        client = ClaudeClient(program, tmp_path / "user", tmp_path / "tmp")
        pinned.to(server.url, env=tuning)
        assert client.run(pinned.repo).returncode == 0
        theirs = server.messages[-1]
        server.clear()
        assert "probe-answers" in pinned.found()
        ours = next(request for request in server.messages if request.model == theirs.model)
    assert ours.path == theirs.path
    same = {"accept", "anthropic-dangerous-direct-browser-access", "anthropic-version", "content-type", "x-app"}
    for name in {*same, "anthropic-beta", "authorization", "x-api-key"}:
        assert ours.headers.get(name) == theirs.headers.get(name), name
    assert ours.headers["user-agent"].split("/")[0] == theirs.headers["user-agent"].split("/")[0]
    for field in ("thinking", "context_management", "output_config", "stream"):
        assert ours.body.get(field) == theirs.body.get(field), field
    assert searches(ours.body) == searches(theirs.body)


def searches(body: dict[str, Any]) -> bool:
    """Say whether some tool is only there when it is searched for."""
    return any("defer_loading" in tool for tool in body["tools"])
