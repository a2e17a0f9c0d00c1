"""`--key-helper`: the key stays in the keyring, and Claude Code asks llmswitch for it."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import KEY, Cli, git, settings_of
from support.claude_client import ClaudeClient, require_program
from support.messages_server import Block, MessagesServer, Request, say, use_tool
from support.secret_service import SecretService
from test_live_sessions import FIRST, KEY_A, KEY_B, SECOND, Scene, follow, found, scene  # noqa: F401  # a fixture
from test_real_client import text_of

VARIABLES = ("ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_API_KEY")


@pytest.fixture(scope="module")
def program() -> str:
    """Find the client, before any test's environment is replaced."""
    return require_program()


def written(folder: Path) -> tuple[str, list[str]]:
    """Return the helper in a folder's settings file, and the credentials there."""
    settings = json.loads(settings_of(folder).read_text())
    return settings["apiKeyHelper"], [settings["env"][name] for name in VARIABLES]


def config(home: Path, text: str) -> dict[str, str]:
    """Write the user's config file and return the environment that leads to it."""
    (home / "config.json5").write_text(text)
    return {"LLMSWITCH_HOME": str(home)}


def test_the_file_holds_a_command_that_prints_the_key(cli: Cli, repo: Path, key: str) -> None:
    """By absolute path; both credential variables are blank, and the command prints the key from any folder."""
    reply = cli("openrouter", "--key-helper", cwd=repo)
    assert reply.code == 0, reply
    assert "only where LLMSWITCH_KEY_OPENROUTER is exported" in reply.err
    command, credentials = written(repo)
    assert credentials == ["", ""]
    assert os.path.isabs(shlex.split(command)[0])
    environ = {**os.environ, "LLMSWITCH_KEY_OPENROUTER": key}
    done = subprocess.run(command, shell=True, cwd="/", env=environ, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{key}\n", "")


def test_status_says_how_the_key_gets_there(cli: Cli, repo: Path, key: str) -> None:
    """Not the key's end, which status does not know, but who prints it; and it is no drift."""
    cli("openrouter", "--key-helper", cwd=repo)
    reply = cli("status", "--check", cwd=repo)
    assert reply.code == 0
    assert "key       ******** printed by apiKeyHelper, from LLMSWITCH_KEY_OPENROUTER" in reply.out


def test_a_tracked_file_takes_no_pin(cli: Cli, repo: Path, key: str) -> None:
    """Neither one with a token nor one with a helper, which would be everybody's."""
    settings_of(repo).parent.mkdir()
    settings_of(repo).write_text("{}\n")
    git(repo, "add", "-f", ".claude")
    assert cli("openrouter", cwd=repo).code == 5
    assert cli("openrouter", "--key-helper", cwd=repo).code == 5


def test_between_the_modes_and_back_the_file_is_as_if_it_had_been_so_from_the_start(
    cli: Cli, repo: Path, key: str
) -> None:
    """Token, helper, token and `claude`: no trace of the other mode."""
    cli("openrouter", cwd=repo)
    token = settings_of(repo).read_bytes()
    cli("deepseek", "--key-helper", cwd=repo)
    helper = settings_of(repo).read_bytes()
    assert key.encode() not in helper
    cli("openrouter", cwd=repo)
    assert settings_of(repo).read_bytes() == token
    cli("-", cwd=repo)
    assert settings_of(repo).read_bytes() == helper
    cli("claude", cwd=repo)
    assert not settings_of(repo).exists()


def test_the_config_file_makes_it_the_default(cli: Cli, repo: Path, key: str, tmp_path: Path) -> None:
    """And --no-key-helper goes against it."""
    env = config(tmp_path, "{ key_delivery: 'helper' }  // JSON5")
    cli("openrouter", cwd=repo, env=env)
    assert written(repo)[1] == ["", ""]
    cli("openrouter", "--no-key-helper", cwd=repo, env=env)
    assert written(repo) == ("", [key, ""])


@pytest.mark.parametrize("text", ["{key_delivery: 'post'}", "{delivery: 'helper'}", "[]", "{"])
def test_a_wrong_config_file_is_named(cli: Cli, repo: Path, key: str, tmp_path: Path, text: str) -> None:
    """With the field; nothing is written on a guess."""
    reply = cli("openrouter", cwd=repo, env=config(tmp_path, text))
    assert reply.code == 1
    assert str(tmp_path / "config.json5") in reply.err
    assert not settings_of(repo).exists()


def test_a_wrong_config_file_does_not_bar_the_way_back(cli: Cli, repo: Path, key: str, tmp_path: Path) -> None:
    """`llmswitch claude` needs no preference."""
    cli("openrouter", cwd=repo)
    assert cli("claude", cwd=repo, env=config(tmp_path, "{")).code == 0
    assert not settings_of(repo).exists()


def test_a_key_that_is_saved_nowhere_cannot_be_printed_later(cli: Cli, repo: Path) -> None:
    """Refused, rather than a pin whose helper fails."""
    reply = cli("openrouter", "--key-helper", "--key-stdin", cwd=repo, text=KEY)
    assert reply.code == 4
    assert "llmswitch save-key openrouter" in reply.err
    assert not settings_of(repo).exists()


def other_presets(home: Path) -> dict[str, str]:
    """Write two presets that share the name of a key but take it from different places, and one called like a key."""
    folder = home / "presets"
    folder.mkdir()
    base = {"default_model": "m"}
    taken = {name: {"command": [sys.executable, "-c", f"print('key-of-{name}')"]} for name in ("left", "right")}
    for name, key_from in taken.items():
        preset = {**base, "base_url": f"https://{name}.example", "key": "shared", "key_from": key_from}
        (folder / f"{name}.json5").write_text(json.dumps(preset))
    (folder / "shared.json5").write_text(json.dumps({**base, "base_url": "https://third.example", "key": "third"}))
    return {"LLMSWITCH_HOME": str(home), "LLMSWITCH_KEY_THIRD": "key-of-third"}


def test_each_preset_gets_its_own_key(cli: Cli, repo: Path, tmp_path: Path) -> None:
    """Never that of another preset whose key has the same name, nor of one that is called like a key."""
    env = other_presets(tmp_path)
    for name, expected in (("left", "key-of-left"), ("right", "key-of-right"), ("shared", "key-of-third")):
        assert cli("print-key", "--preset", name, env=env).out == f"{expected}\n"
        assert cli(name, "--key-helper", cwd=repo, env=env).code == 0
        command = written(repo)[0]
        done = subprocess.run(command, shell=True, env={**os.environ, **env}, capture_output=True, text=True)
        assert done.stdout == f"{expected}\n"


def test_a_name_of_several_keys_prints_none(cli: Cli, tmp_path: Path) -> None:
    """A word that is a key's and a preset's name means the key; two places for one key have to be told apart."""
    reply = cli("print-key", "shared", env=other_presets(tmp_path))
    assert (reply.code, reply.out) == (2, "")
    assert "--preset left or right" in reply.err
    assert cli("print-key", "--preset", "").code == 2


def answer_with_env(request: Request) -> list[Block]:
    """Let the client run `env` once, and then be content."""
    asked = any("tool_result" in json.dumps(message) for message in request.body["messages"])
    return [say("done")] if asked else [use_tool("Bash", command="env", description="Show the environment")]


@pytest.mark.parametrize("mode", ["--key-helper", "--no-key-helper"])
def test_the_key_arrives_and_only_in_token_mode_a_tool_can_read_it(
    service: SecretService, cli: Cli, repo: Path, program: str, tmp_path: Path, mode: str
) -> None:
    """With the real client and the real keyring: no file below HOME or the worktree holds the key of a helper pin."""
    client = ClaudeClient(program, tmp_path / "home", tmp_path / "tmp")
    env = {name: text for name, text in service.environ.items() if name not in ("HOME", "PATH", "TMPDIR")}
    assert cli("save-key", "openrouter", text=KEY).code == 0
    with MessagesServer(answer_with_env) as server:
        assert cli("openrouter", mode, "--base-url", server.url, cwd=repo).code == 0
        outcome = client.run(repo, "--dangerously-skip-permissions", env={**env, "IS_SANDBOX": "1"})
        assert outcome.returncode == 0, outcome
        messages = server.messages
        last = json.dumps(messages[-1].body)
    assert {request.bearer for request in messages} == {KEY}
    assert "ANTHROPIC_BASE_URL" in last  # the tool ran, and its answer arrived
    seen = [path for top in (client.home, repo) for path in top.rglob("*") if path.is_file() and holds(path, KEY)]
    if mode == "--key-helper":
        assert KEY not in last
        assert seen == []
    else:
        assert KEY in last
        assert settings_of(repo) in seen


def holds(path: Path, text: str) -> bool:
    """Say whether a file holds a text."""
    return text.encode() in path.read_bytes()


MODES = {"token": "--no-key-helper", "helper": "--key-helper"}


@pytest.mark.parametrize(("before", "after"), [("helper", "helper"), ("helper", "token"), ("token", "helper")])
def test_an_open_session_never_sends_one_providers_key_to_another(
    scene: Scene,  # noqa: F811
    before: str,
    after: str,
) -> None:
    """Whatever the modes: after the switch only the new provider's key goes to the new host."""
    scene.llmswitch("alpha", MODES[before])
    with scene.session(None, (), **scene.env) as session:
        session.say(FIRST)
        scene.llmswitch("beta", MODES[after])
        follow(session, scene.b)
        session.say(SECOND)
        assert session.outside_messages == []
    assert found(scene.a.messages) == [("alpha/sonnet", KEY_A, KEY_A if before == "helper" else None)]
    assert found(scene.b.messages) == [("beta/sonnet", KEY_B, KEY_B if after == "helper" else None)]
    assert KEY_A not in text_of(scene.b.requests)
