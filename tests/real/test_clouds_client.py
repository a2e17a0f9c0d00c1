"""The real client with each cloud's switch: which base URL it asks, with which credential, and which spelling is on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import settings_of
from support.claude_client import ClaudeClient, require_program
from support.messages_server import MessagesServer

from llmswitch.claude import clouds
from llmswitch.claude.variables import counts

# What each needs to send anything; its sign-in is left out, or a key stands in its place.
NEEDS = {
    "bedrock": {"AWS_REGION": "eu-west-1", "AWS_BEARER_TOKEN_BEDROCK": "fake-token"},
    "vertex": {"CLOUD_ML_REGION": "us-east5", "ANTHROPIC_VERTEX_PROJECT_ID": "p", "CLAUDE_CODE_SKIP_VERTEX_AUTH": "1"},
    "foundry": {"ANTHROPIC_FOUNDRY_API_KEY": "fake-token"},
    "mantle": {"AWS_REGION": "eu-west-1", "AWS_BEARER_TOKEN_BEDROCK": "fake-token"},
    "anthropic_aws": {
        "AWS_REGION": "eu-west-1",
        "ANTHROPIC_AWS_API_KEY": "fake-token",
        "ANTHROPIC_AWS_WORKSPACE_ID": "w",
    },
    "anthropic_google_cloud": {
        "ANTHROPIC_GOOGLE_CLOUD_LOCATION": "us",
        "ANTHROPIC_GOOGLE_CLOUD_PROJECT": "p",
        "ANTHROPIC_GOOGLE_CLOUD_WORKSPACE_ID": "w",
        "CLAUDE_CODE_SKIP_ANTHROPIC_GOOGLE_CLOUD_AUTH": "1",
    },
}
SPELLINGS = ("1", "true", "TRUE", "yes", "on", " 1 ", "0", "false", "no", "off", "", "2", "enabled", "y")


def sent(
    client: ClaudeClient, repo: Path, cloud: clouds.Cloud, spelling: str
) -> tuple[dict[str, str], bool, list[str]]:
    """Start a session with the cloud's switch and two base URLs; return its env, who was asked, and the credentials."""
    with MessagesServer() as base, MessagesServer() as other:
        env = {
            **NEEDS[cloud.name],
            cloud.switch: spelling,
            cloud.base_url: other.url,
            "ANTHROPIC_BASE_URL": base.url,
            "ANTHROPIC_AUTH_TOKEN": "the-base-urls-token",
        }
        settings_of(repo).parent.mkdir(exist_ok=True)
        settings_of(repo).write_text(json.dumps({"env": env}))
        client.run(repo, env={"CLAUDE_CODE_MAX_RETRIES": "0"}, timeout=90)
        asked = [request for request in other.requests if request.method == "POST"]
        assert bool(asked) != bool(base.messages), (cloud.name, spelling)
        return env, bool(asked), [str(request.bearer or request.api_key) for request in asked or base.messages]


@pytest.fixture
def client(repo: Path, sealed: dict[str, str], tmp_path: Path) -> ClaudeClient:
    """The newest client."""
    return ClaudeClient(require_program(), Path(sealed["HOME"]), tmp_path / "client")


@pytest.mark.parametrize("cloud", clouds.ALL, ids=lambda cloud: cloud.name)
@pytest.mark.parametrize("spelling", ["1", "0"])
def test_a_cloud_takes_its_own_base_url_and_credential(
    client: ClaudeClient, repo: Path, cloud: clouds.Cloud, spelling: str
) -> None:
    """On, ANTHROPIC_BASE_URL is not asked, and the credential is the one that status names; off, it is."""
    env, on, credentials = sent(client, repo, cloud, spelling)
    assert on is (spelling == "1") is counts(cloud.switch, spelling)
    named = clouds.credential(cloud, env).partition(",")[0] if on else "ANTHROPIC_AUTH_TOKEN"
    assert set(credentials) == {env[named]}


@pytest.mark.long
@pytest.mark.parametrize("cloud", clouds.ALL, ids=lambda cloud: cloud.name)
def test_every_spelling_means_what_the_client_takes_it_for(
    client: ClaudeClient, repo: Path, cloud: clouds.Cloud
) -> None:
    """One rule for all clouds."""
    for spelling in SPELLINGS:
        assert sent(client, repo, cloud, spelling)[1] is counts(cloud.switch, spelling), spelling
