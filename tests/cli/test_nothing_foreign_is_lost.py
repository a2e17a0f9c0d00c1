"""What others wrote into the settings file: shown before it goes, kept where it is no secret, refused where it is."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest
from conftest import Cli, git, settings_of
from support.secret_service import SecretService
from test_switch import env_of, write

TOKEN, OTHER = "foreign-token-0123456789abcdef", "another-token-0123456789abcdef"
HEADERS = "ANTHROPIC_CUSTOM_HEADERS"


@pytest.mark.parametrize(
    "member",
    [
        {"env": {HEADERS: "Authorization: Bearer short"}},
        {"env": {HEADERS: "x-team-key: sk-live-0123456789abcdef"}},
        {"env": {"CLAUDE_CODE_EXTRA_BODY": '{"api_key": "x"}'}},
        {"env": {"ANTHROPIC_BASE_URL": "https://me:password@proxy.example"}},
        {"apiKeyHelper": "echo sk-live-0123456789abcdef"},
        {"apiKeyHelper": "curl -H 'Authorization: Bearer hunter2' https://vault.example/0123456789abcdef"},
    ],
    ids=["header", "key in a header", "body", "user in a URL", "helper", "header of a helper"],
)
def test_a_secret_in_another_place_is_not_dropped(cli: Cli, repo: Path, key: str, member: dict[str, object]) -> None:
    """Our state keeps no secret, so the switch stops and says how to let it go."""
    content = json.dumps(member).encode()
    write(repo, content)
    for command in ("openrouter", "claude"):
        reply = cli(command, cwd=repo)
        assert reply.code == 5
        assert "--discard-key" in reply.err
        assert "Nothing was changed." in reply.err
        assert settings_of(repo).read_bytes() == content
    assert cli("openrouter", "--discard-key", cwd=repo).code == 0
    assert "0123456789abcdef" not in settings_of(repo).read_text().replace(key, "")


def test_headers_and_helpers_without_a_secret_come_back(cli: Cli, repo: Path, key: str) -> None:
    """They are named when they go, and `-` brings them back."""
    own = {"env": {HEADERS: "x-team: blue"}, "apiKeyHelper": "~/bin/get_api_key.sh"}
    write(repo, json.dumps(own))
    reply = cli("openrouter", cwd=repo)
    assert reply.code == 0
    assert f"{HEADERS} was not ours and is replaced; it was: x-team: blue" in reply.err
    cli("-", cwd=repo)
    assert json.loads(settings_of(repo).read_text()) == own


def test_back_never_leaves_a_url_for_the_login(cli: Cli, repo: Path, key: str) -> None:
    """A URL whose token was let go would get the user's own login: it comes back with a token, or not at all."""
    own = {"ANTHROPIC_BASE_URL": "https://else.example", "ANTHROPIC_AUTH_TOKEN": TOKEN}
    write(repo, json.dumps({"env": own}))
    cli("openrouter", "--discard-key", cwd=repo)
    reply = cli("-", cwd=repo)
    assert reply.code == 4
    assert "else.example" in reply.err
    assert cli("-", "--key-stdin", cwd=repo, text=OTHER).code == 0
    assert env_of(repo) == {**own, "ANTHROPIC_AUTH_TOKEN": OTHER}


def test_back_keeps_the_pin_before_with_what_was_edited_in_it(cli: Cli, repo: Path, key: str) -> None:
    """A slot changed by hand is an override of the earlier pin, not its replacement."""
    cli("openrouter", cwd=repo)
    path = settings_of(repo)
    path.write_text(path.read_text().replace("google/gemini-2.5-pro", "edited/by-hand"))
    cli("deepseek", cwd=repo)
    assert cli("-", cwd=repo).code == 0
    env = env_of(repo)
    assert env["ANTHROPIC_AUTH_TOKEN"] == key
    assert env["ANTHROPIC_DEFAULT_SONNET_MODEL"] == "edited/by-hand"
    assert env["ANTHROPIC_DEFAULT_HAIKU_MODEL"] == "mistralai/devstral-2512"


def test_live_keeps_what_was_found_before_it(cli: Cli, repo: Path, key: str) -> None:
    """`claude --live` passes through blanks; `-` still brings back what stood there first."""
    own = {"env": {"ANTHROPIC_DEFAULT_HAIKU_MODEL": "mine"}}
    write(repo, json.dumps(own))
    assert cli("claude", "--live", cwd=repo).code == 0
    cli("-", cwd=repo)
    assert json.loads(settings_of(repo).read_text()) == own


def test_live_with_nothing_to_take_away_says_so(cli: Cli, repo: Path) -> None:
    """No change of a mode is reported that there was not."""
    reply = cli("claude", "--live", cwd=repo)
    assert reply.out.startswith("Nothing to take away")
    assert not settings_of(repo).exists()


def test_adopting_in_a_dry_run_saves_nothing(service: SecretService, cli: Cli, repo: Path, key: str) -> None:
    """It says what would be saved, and under which name."""
    write(repo, json.dumps({"env": {"ANTHROPIC_AUTH_TOKEN": TOKEN}}))
    reply = cli("openrouter", "--adopt-key", "mine", "-n", cwd=repo)
    assert reply.code == 0
    assert "would be saved as mine" in reply.err
    assert service.secret_tool_lookup("llmswitch:mine", "mine") is None
    assert cli("openrouter", "--adopt-key", "mine", cwd=repo).code == 0
    assert service.secret_tool_lookup("llmswitch:mine", "mine") == TOKEN


def test_two_credentials_cannot_be_adopted_under_one_name(
    service: SecretService, cli: Cli, repo: Path, key: str
) -> None:
    """Found before the first is saved, so that nothing is changed when it says so."""
    write(repo, json.dumps({"env": {"ANTHROPIC_AUTH_TOKEN": TOKEN, "ANTHROPIC_API_KEY": OTHER}}))
    reply = cli("openrouter", "--adopt-key", "mine", cwd=repo)
    assert reply.code == 2
    assert "Nothing was changed." in reply.err
    assert service.secret_tool_lookup("llmswitch:mine", "mine") is None


def test_a_state_somebody_edited_does_not_break_a_switch(cli: Cli, repo: Path, key: str) -> None:
    """What is no JSON value cannot be put back, and what cannot be a slot is no override."""
    write(repo, '{"env": {"CLAUDE_CODE_ATTRIBUTION_HEADER": "1"}}')
    cli("openrouter", cwd=repo)
    state = repo / ".git/llmswitch/state.json"
    data = json.loads(state.read_text())
    data["current"]["displaced"]["CLAUDE_CODE_ATTRIBUTION_HEADER"] = "{ no JSON"
    data["current"]["overrides"] = {"start": "nowhere"}
    state.write_text(json.dumps(data))
    assert cli("status", cwd=repo).code == 0
    assert cli("claude", cwd=repo).code == 0
    json.loads(settings_of(repo).read_text())


def test_a_secret_in_a_helper_is_not_shown(cli: Cli, repo: Path, key: str) -> None:
    """Neither in the refusal nor in the state that is kept for `-`."""
    write(repo, json.dumps({"apiKeyHelper": "curl -H 'Authorization: Bearer hunter2' https://vault.example"}))
    reply = cli("openrouter", "--discard-key", cwd=repo)
    assert "hunter2" not in reply.out + reply.err + (repo / ".git/llmswitch/state.json").read_text()


def test_back_restores_everything_that_was_edited_in_a_pin(cli: Cli, repo: Path, key: str) -> None:
    """Headers and betas too, which no option can say."""
    cli("openrouter", cwd=repo)
    path = settings_of(repo)
    path.write_text(path.read_text().replace(f'"{HEADERS}": ""', f'"{HEADERS}": "x-team: blue"'))
    edited = env_of(repo)
    cli("deepseek", cwd=repo)
    assert cli("-", cwd=repo).code == 0
    assert env_of(repo) == edited


def test_back_to_a_pin_that_was_edited_to_go_elsewhere_takes_no_key_there(cli: Cli, repo: Path, key: str) -> None:
    """Its models come back, with a key that is given for it; ours is not."""
    cli("openrouter", cwd=repo)
    path = settings_of(repo)
    path.write_text(path.read_text().replace("https://openrouter.ai/api", "https://gw.example"))
    cli("deepseek", cwd=repo)
    assert cli("-", cwd=repo).code == 4
    assert cli("-", "--key-stdin", cwd=repo, text=OTHER).code == 0
    env = env_of(repo)
    assert env["ANTHROPIC_BASE_URL"] == "https://gw.example"
    assert env["ANTHROPIC_AUTH_TOKEN"] == OTHER
    assert env["ANTHROPIC_DEFAULT_SONNET_MODEL"] == "google/gemini-2.5-pro"


def test_a_state_file_cannot_send_the_key_anywhere(cli: Cli, repo: Path, key: str) -> None:
    """It may come with an unpacked archive; what it says about another host needs --anyway from a person."""
    evil = {"base_url": "https://evil.example", "anyway": "1", "discard_key": "1"}
    previous = {"preset": "openrouter", "pin": {"ANTHROPIC_BASE_URL": "https://evil.example"}, "overrides": evil}
    state = repo / ".git/llmswitch/state.json"
    state.parent.mkdir()
    state.write_text(json.dumps({"current": {"preset": "claude"}, "previous": previous}))
    assert cli("-", cwd=repo).code == 5
    assert not settings_of(repo).exists()


def test_after_a_lost_state_only_what_held_something_is_told(cli: Cli, repo: Path, key: str) -> None:
    """A pin blanks a dozen members; which of them they were tells nobody anything."""
    assert cli("openrouter", cwd=repo).code == 0
    (repo / ".git/llmswitch/state.json").unlink()
    lines = [line for line in cli("deepseek", "--discard-key", cwd=repo).err.splitlines() if "was not ours" in line]
    assert lines
    assert all("it was: " in line and not line.endswith(("it was: ", "it was: empty")) for line in lines)


def test_the_users_own_blank_comes_back(cli: Cli, repo: Path, key: str) -> None:
    """It cancels an export, so it is more than nothing; but it held nothing, so there is nothing to tell."""
    own = {"env": {"ANTHROPIC_API_KEY": "", "A": "1"}}
    write(repo, json.dumps(own))
    reply = cli("claude", cwd=repo)
    assert "was not ours" not in reply.err
    cli("-", cwd=repo)
    assert json.loads(settings_of(repo).read_text()) == own


def test_a_credential_of_another_host_is_not_adopted_as_a_presets_key(
    service: SecretService, cli: Cli, repo: Path
) -> None:
    """It would go to that preset's host in the same command."""
    write(repo, json.dumps({"env": {"ANTHROPIC_BASE_URL": "https://else.example", "ANTHROPIC_AUTH_TOKEN": TOKEN}}))
    reply = cli("openrouter", "--adopt-key", "openrouter", cwd=repo)
    assert reply.code == 2
    assert "else.example" in reply.err
    assert service.secret_tool_lookup("llmswitch:openrouter", "openrouter") is None


def test_a_login_token_is_not_adopted_as_a_providers_key(
    service: SecretService, cli: Cli, repo: Path, key: str
) -> None:
    """It would be sent to the provider; the refusal of a switch does not say to do so."""
    token = "sk-ant-oat01-" + "0123456789abcdef" * 2
    write(repo, json.dumps({"env": {"ANTHROPIC_BASE_URL": "https://openrouter.ai/api", "ANTHROPIC_AUTH_TOKEN": token}}))
    reply = cli("openrouter", cwd=repo)
    assert (reply.code, "--adopt-key" in reply.err, "--discard-key" in reply.err) == (5, False, True)
    reply = cli("openrouter", "--adopt-key", "openrouter", cwd=repo)
    assert (reply.code, "token of your own login" in reply.err) == (2, True)
    assert service.secret_tool_lookup("llmswitch:openrouter", "openrouter") is None


@pytest.mark.parametrize("arguments", [["opnrouter"], ["openrouter", "-w", "nowhere"]])
def test_nothing_is_adopted_where_the_switch_cannot_be(
    service: SecretService, cli: Cli, repo: Path, key: str, arguments: list[str]
) -> None:
    """`Nothing was changed.` is true of the keyring too."""
    write(repo, json.dumps({"env": {"ANTHROPIC_AUTH_TOKEN": TOKEN}}))
    reply = cli(*arguments, "--adopt-key", "mine", cwd=repo)
    assert reply.code == 2
    assert service.secret_tool_lookup("llmswitch:mine", "mine") is None


def test_own_entries_come_back_beside_a_pinned_main(cli: Cli, repo: Path, key: str, tmp_path: Path) -> None:
    """They are no complete pin, and may be compared with one; the refusal's commands can be typed."""
    linked = tmp_path / "a linked tree"
    git(repo, "worktree", "add", "--quiet", "--detach", str(linked))
    write(linked, json.dumps({"env": {"ANTHROPIC_DEFAULT_HAIKU_MODEL": "mine"}}))
    cli("openrouter", cwd=linked)
    cli("deepseek", "--anyway", cwd=repo)
    reply = cli("-", cwd=linked)
    assert reply.code == 5
    assert f"llmswitch claude -w {shlex.quote(str(repo))}" in reply.err
    assert "your own entries" not in reply.err
    assert cli("-", "--anyway", cwd=linked).code == 0
    assert env_of(linked) == {"ANTHROPIC_DEFAULT_HAIKU_MODEL": "mine"}
