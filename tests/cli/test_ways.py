"""The ways past a pin that other files and the shell open: told by status and its short forms, refused by a switch."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import Cli, settings_of

from llmswitch.claude.variables import HOST_APP

PROXY = {"HTTPS_PROXY": "http://127.0.0.1:9"}
WEAK = {**PROXY, "NODE_TLS_REJECT_UNAUTHORIZED": "0"}
LOCAL = ("ollama", "--model", "qwen3:8b")


def shared(repo: Path, env: dict[str, str]) -> Path:
    """Write the repository's own settings."""
    path = repo / ".claude" / "settings.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"env": env}))
    return path


def env_of(repo: Path) -> dict[str, str]:
    """Return the variables that the local file sets."""
    found: dict[str, str] = json.loads(settings_of(repo).read_text())["env"]
    return found


@pytest.mark.parametrize("name", HOST_APP)
def test_a_shell_in_which_another_program_chooses_the_provider(cli: Cli, repo: Path, key: str, name: str) -> None:
    """An error wherever a pin is; none where there is none."""
    environ = {name: "x"}
    assert cli("status", "--check", cwd=repo, env=environ).code == 0
    assert cli("openrouter", cwd=repo).code == 0
    reply = cli("status", "--check", cwd=repo, env=environ)
    assert (reply.code, f"error: {name} is exported" in reply.out) == (3, True)
    assert cli("status", "--short", cwd=repo, env=environ).out == "openrouter!\n"
    assert cli("status", "--check", cwd=repo, env={name: "0"}).code == 0
    assert cli("status", "--check", cwd=repo, env={name: "x", "CLAUDECODE": "1"}).code == 3


def test_a_repository_that_could_read_the_key_is_refused(cli: Cli, repo: Path, key: str) -> None:
    """A proxy with a weakened TLS check: file and variables are named, nothing is changed; --anyway says so."""
    path = shared(repo, WEAK)
    reply = cli("openrouter", cwd=repo)
    assert (reply.code, settings_of(repo).exists()) == (5, False)
    assert all(word in reply.err for word in (str(path), *WEAK))
    assert cli("run", "openrouter", cwd=repo).code != 0
    reply = cli("openrouter", "--anyway", cwd=repo)
    assert (reply.code, str(path) in reply.err) == (0, True)
    assert cli("status", "--check", cwd=repo).code == 3
    assert cli("claude", cwd=repo).code == 0


def test_a_proxy_alone_is_a_note(cli: Cli, repo: Path, key: str) -> None:
    """It is common practice, and https goes through it unread. Nothing is blanked."""
    shared(repo, PROXY)
    assert cli("openrouter", cwd=repo).code == 0
    reply = cli("status", "--check", cwd=repo)
    assert (reply.code, "note: " in reply.out) == (0, True)
    assert not {*env_of(repo)} & {"HTTPS_PROXY", "NO_PROXY", "no_proxy"}


def test_a_proxy_of_the_users_own_is_none_of_ours(cli: Cli, repo: Path, key: str) -> None:
    """On an https pin, in the shell, with a CA of the company's."""
    assert cli("openrouter", cwd=repo).code == 0
    environ = {"HTTPS_PROXY": "http://proxy.example", "NODE_EXTRA_CA_CERTS": "/x"}
    reply = cli("status", "--check", cwd=repo, env=environ)
    assert (reply.code, "PROXY" in reply.out) == (0, False)


def test_a_loopback_pin_goes_past_every_proxy(cli: Cli, repo: Path) -> None:
    """After what was excepted without it, in each spelling; a second switch adds nothing, and the way back is whole."""
    before = '{"env": {"no_proxy": "own.example"}}'
    settings_of(repo).parent.mkdir()
    settings_of(repo).write_text(before)
    environ = {"NO_PROXY": "a.example", "HTTP_PROXY": "http://127.0.0.1:9"}
    assert cli(*LOCAL, cwd=repo, env=environ).code == 0
    found = env_of(repo)
    assert found["NO_PROXY"] == "a.example,127.0.0.1,localhost,::1"
    assert found["no_proxy"] == "own.example,127.0.0.1,localhost,::1"
    assert cli("status", "--check", cwd=repo, env=environ).code == 0
    assert "Nothing to do" in cli(*LOCAL, cwd=repo, env=environ).out
    settings_of(repo).write_text(settings_of(repo).read_text().replace(",127.0.0.1,localhost,::1", ""))
    reply = cli("status", "--check", cwd=repo, env=environ)
    assert (reply.code, "error: HTTP_PROXY of the shell counts for localhost:11434 too" in reply.out) == (3, True)
    assert cli(*LOCAL, cwd=repo, env=environ).code == 0
    assert cli("claude", cwd=repo).code == 0


def test_a_repositorys_proxy_for_a_host_of_this_machine_is_refused_with_what_to_take_away(cli: Cli, repo: Path) -> None:
    """A proxy of the shell's is not the one that is named."""
    shared = repo / ".claude" / "settings.json"
    shared.parent.mkdir()
    shared.write_text('{"env": {"HTTPS_PROXY": "http://127.0.0.1:9"}}')
    reply = cli(*LOCAL, cwd=repo, env={"HTTP_PROXY": "http://127.0.0.1:9"})
    assert (reply.code, f"Take HTTPS_PROXY out of {shared}." in reply.err) == (5, True)
    assert not settings_of(repo).exists()


def test_a_changed_base_url_gets_no_key(cli: Cli, repo: Path, key: str) -> None:
    """Status says whose key goes where; the helper gives none, but to the hosts that the user chose."""
    assert cli("openrouter", "--key-helper", cwd=repo).code == 0
    assert cli("print-key", "--preset", "openrouter", cwd=repo).out == key + "\n"
    whole = settings_of(repo).read_text()
    settings_of(repo).write_text(whole.replace("https://openrouter.ai/api", "https://evil.example"))
    reply = cli("status", "--check", cwd=repo)
    assert (reply.code, "error: The openrouter key is sent to evil.example" in reply.out) == (3, True)
    reply = cli("print-key", "--preset", "openrouter", cwd=repo)
    assert (reply.code, reply.out, key in reply.err) == (5, "", False)
    settings_of(repo).write_text(whole)
    assert cli("openrouter", "--key-helper", "--base-url", "https://own.example", "--anyway", cwd=repo).code == 0
    assert cli("print-key", "--preset", "openrouter", cwd=repo).out == key + "\n"


def test_a_token_beside_a_changed_base_url_is_an_error(cli: Cli, repo: Path, key: str) -> None:
    """It is in the file: only status can say so."""
    assert cli("openrouter", cwd=repo).code == 0
    text = settings_of(repo).read_text()
    settings_of(repo).write_text(text.replace("https://openrouter.ai/api", "https://evil.example"))
    assert "The openrouter key is sent to evil.example" in cli("status", cwd=repo).out


@pytest.mark.parametrize("name", HOST_APP)
@pytest.mark.parametrize("words", [["openrouter"], ["openrouter", "--key-helper"], LOCAL], ids=" ".join)
def test_a_switch_says_at_once_that_the_shell_chooses(
    cli: Cli, repo: Path, key: str, name: str, words: list[str]
) -> None:
    """In the words that status has right after it; the pin is there for other shells, where nothing is said."""
    environ = {name: "1"}
    reply = cli(*words, cwd=repo, env=environ)
    said = f"{name} is exported: another program chooses the provider"
    assert (reply.code, f"warning: {said}" in reply.out + reply.err) == (0, True)
    assert said in cli("status", cwd=repo, env=environ).out
    assert cli("claude", cwd=repo).code == 0
    assert "another program" not in "".join([(reply := cli(*words, cwd=repo)).out, reply.err])
