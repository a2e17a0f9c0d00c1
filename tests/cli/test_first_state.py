"""`llmswitch -` and `- --to first`: the user's own entries come back byte for byte, and what they send is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import Cli, settings_of
from test_switch import write

from llmswitch.claude.variables import KEYLESS_TOKEN

TOKEN = "own-token-0123456789abcdefghij"
OWN = {
    "helper": b'{\n "$schema": "x",\n "apiKeyHelper": "echo proxy",\n'
    b' "env": {\n  "ANTHROPIC_BASE_URL": "http://localhost:8000"\n }\n}\n',
    "cloud": b'{"env":{"AWS_REGION":"eu-west-1", "CLAUDE_CODE_USE_BEDROCK":1},"permissions":{"allow":["Bash(ls:*)"]}}',
    "url only": b'\xef\xbb\xbf{\r\n\t"env" : {\r\n\t\t"A":"1" ,'
    b' "ANTHROPIC_BASE_URL":"https://kimi.example" ,"B":"2"\r\n\t}\r\n}',
    "tuning": b'{"env": {"CLAUDE_CODE_MAX_CONTEXT_TOKENS": 1000, "ANTHROPIC_MODEL": "opus"},'
    b' "disableAutoMode": "disable"}',
    "nothing": b'{"permissions": {}}',
}
LATER = [["openrouter"], ["deepseek", "openrouter", "claude"], ["claude"], ["openrouter", "-", "deepseek"]]


@pytest.mark.parametrize("own", OWN)
@pytest.mark.parametrize("later", LATER, ids=" ".join)
def test_the_first_state_comes_back_byte_for_byte(cli: Cli, repo: Path, key: str, own: str, later: list[str]) -> None:
    """From any later state, and again after it."""
    write(repo, OWN[own])
    for name in later:
        assert cli(name, cwd=repo).code == 0
    for _ in range(2):
        reply = cli("-", "--to", "first", cwd=repo)
        assert reply.code == 0
        assert settings_of(repo).read_bytes() == OWN[own]
    assert KEYLESS_TOKEN not in settings_of(repo).read_text()
    assert cli("openrouter", cwd=repo).code == 0
    assert cli("-", cwd=repo).code == 0
    assert settings_of(repo).read_bytes() == OWN[own]


def test_no_file_is_a_first_state_too(cli: Cli, repo: Path, key: str) -> None:
    """It goes again."""
    cli("openrouter", cwd=repo)
    cli("deepseek", cwd=repo)
    assert cli("-", "--to", "first", cwd=repo).code == 0
    assert not settings_of(repo).exists()


def test_the_reply_names_what_is_sent_where(cli: Cli, repo: Path, key: str, sealed: dict[str, str]) -> None:
    """A URL without a credential gets the login: it comes back as it was, and that is told."""
    login = Path(sealed["HOME"]) / ".claude/.credentials.json"
    login.parent.mkdir()
    login.write_text(json.dumps({"claudeAiOauth": {"accessToken": "sk-ant-oat01-fake"}}))
    write(repo, OWN["url only"])
    cli("openrouter", cwd=repo)
    reply = cli("-", cwd=repo)
    assert "your own entries (kimi.example)" in reply.out
    assert "No credential is set for kimi.example: your own login is sent there." in reply.err
    write(repo, OWN["helper"])
    cli("openrouter", cwd=repo)
    assert "Sent to localhost:8000: apiKeyHelper of" in cli("-", cwd=repo).err


@pytest.mark.parametrize("form", [["-"], ["-", "--to", "first"]], ids=" ".join)
def test_a_state_that_held_a_secret_comes_back_only_with_one(cli: Cli, repo: Path, key: str, form: list[str]) -> None:
    """It is asked for, or piped in; the state holds none, and no dummy takes its place."""
    own = {"env": {"ANTHROPIC_BASE_URL": "https://else.example", "ANTHROPIC_AUTH_TOKEN": TOKEN, "A": "1"}}
    first = json.dumps(own).encode()
    write(repo, first)
    assert cli("openrouter", "--discard-key", cwd=repo).code == 0
    pinned = settings_of(repo).read_bytes()
    assert TOKEN not in (repo / ".git/llmswitch/state.json").read_text()
    reply = cli(*form, cwd=repo)
    assert reply.code == 4
    assert "ANTHROPIC_AUTH_TOKEN for else.example" in reply.err
    assert "--key-stdin" in reply.err
    assert settings_of(repo).read_bytes() == pinned
    assert cli(*form, "--key-stdin", cwd=repo, text=TOKEN).code == 0
    assert settings_of(repo).read_bytes() == first
    assert settings_of(repo).stat().st_mode & 0o777 == 0o600


def test_log_shows_the_first_state_and_how_to_have_it_again(cli: Cli, repo: Path, key: str) -> None:
    """Its host and members, no secret."""
    write(repo, json.dumps({"env": {"ANTHROPIC_BASE_URL": "https://else.example", "ANTHROPIC_AUTH_TOKEN": TOKEN}}))
    cli("openrouter", "--discard-key", cwd=repo)
    reply = cli("log", cwd=repo)
    assert "own entries (else.example)" in reply.out
    assert reply.out.rstrip().endswith("llmswitch - --to first")
    first = json.loads(cli("log", "--json", cwd=repo).out)["first"]
    assert first["members"] == {"ANTHROPIC_BASE_URL": "https://else.example"}
    assert first["secrets"] == ["ANTHROPIC_AUTH_TOKEN"]


def test_an_unknown_first_state_is_called_that(cli: Cli, repo: Path, key: str) -> None:
    """No switch yet, and a switch of an older version."""
    assert cli("-", "--to", "first", cwd=repo).code == 2
    cli("openrouter", cwd=repo)
    state = repo / ".git/llmswitch/state.json"
    data = json.loads(state.read_text())
    del data["first"]
    state.write_text(json.dumps(data))
    reply = cli("-", "--to", "first", cwd=repo)
    assert reply.code == 2
    assert "not known" in reply.err
