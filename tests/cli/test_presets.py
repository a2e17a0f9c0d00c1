"""Presets: the shipped ones, the user's own in front, and what is wrong with a wrong one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import Cli, settings_of


@pytest.mark.parametrize(
    ("text", "field", "why"),
    [
        ("{base_url: 'http://x.example'}", "base_url", "https"),
        ("{base_url: 'https://x.example/v1'}", "base_url", "/v1/v1/messages"),
        ("{base_url: 'https://me:pw@x.example'}", "base_url", "user name"),
        ("{base_url: 5}", "base_url", "text"),
        ("{titel: 'x'}", "titel", "did you mean title"),
        ("{apiKey: 'x'}", "apiKey", "save-key"),
        ("{slots: {haiku: 'sk-or-v1-0123456789abcdef'}}", "slots.haiku", "save-key"),
        ("{slots: {huge: 'x'}}", "slots.huge", "one of haiku"),
        ("{slots: {haiku: 'x', small: 'y'}}", "slots.small", "each once"),
        ("{slots: {haiku: 5}}", "slots.haiku", "text"),
        ("{env: {ANTHROPIC_BASE_URL: 'x'}}", "env.ANTHROPIC_BASE_URL", "tuning variables only"),
        ("{env: {'not a name': 'x'}}", "env.not a name", "variable's name"),
        ("{auth: 'basic'}", "auth", "one of bearer, api-key"),
        ("{default_slot: 'subagent'}", "default_slot", "one of haiku"),
        ("{key_from: {env: 'A', command: ['x']}}", "key_from", "command"),
        ("{notes: 'x'}", "notes", "list of texts"),
        ("{key: 'No Name'}", "key", "a name"),
        ("{extends: 'nowhere'}", "extends", "not there"),
        ("{extends: 'bad'}", "extends", "not there"),
        ("[1]", "", "one object"),
        ("{title: 'a', title: 'b'}", "", "Duplicate"),
        ("{title: ", "", "not JSON5"),
    ],
)
def test_a_wrong_preset_is_named_with_its_field_and_the_others_work(
    cli: Cli, repo: Path, own: Path, text: str, field: str, why: str
) -> None:
    """Exit 1 for the wrong one; list leaves it out and says so."""
    path = own / "bad.json5"
    path.write_text(text)
    reply = cli("bad", cwd=repo)
    assert reply.code == 1
    assert f"{path}: {field}" in reply.err
    assert why in reply.err
    assert "0123456789abcdef" not in reply.err
    assert not (repo / ".claude").exists()
    listed = cli("list", cwd=repo)
    assert listed.code == 0
    assert "openrouter" in listed.out
    assert f"Left out: {path}" in listed.err


def test_extends_puts_a_preset_on_top_of_another(cli: Cli, repo: Path, own: Path, key: str) -> None:
    """Slot by slot and variable by variable; comments and single quotes are fine in the user's own."""
    (own / "mine.json5").write_text(
        "// mine\n{extends: 'deepseek', slots: {large: 'a/b'}, env: {API_TIMEOUT_MS: '9'},}"
    )
    assert cli("mine", cwd=repo).code == 0
    env = json.loads(settings_of(repo).read_text())["env"]
    assert env["ANTHROPIC_DEFAULT_OPUS_MODEL"] == "a/b"
    assert env["ANTHROPIC_DEFAULT_SONNET_MODEL"] == "deepseek/deepseek-v3.2"
    assert (env["API_TIMEOUT_MS"], env["CLAUDE_CODE_ATTRIBUTION_HEADER"]) == ("9", "0")


def test_a_preset_that_extends_its_own_name_is_the_shipped_one_with_this_on_top(cli: Cli, own: Path) -> None:
    """So one slot can be changed and the rest follows an upgrade."""
    (own / "openrouter.json5").write_text("{extends: 'openrouter', slots: {haiku: 'mine/x'}}")
    slots = json.loads(cli("show", "openrouter", "--json").out)["slots"]
    assert (slots["haiku"], slots["sonnet"]) == ("mine/x", "google/gemini-2.5-pro")
    rows = {row["name"]: row for row in json.loads(cli("list", "--json").out)}
    assert (rows["openrouter"]["origin"], rows["deepseek"]["origin"]) == ("yours", "shipped")


def test_presets_that_extend_each_other_are_named(cli: Cli, own: Path) -> None:
    """Instead of going round for ever."""
    (own / "a.json5").write_text("{extends: 'b'}")
    (own / "b.json5").write_text("{extends: 'a'}")
    reply = cli("show", "a")
    assert reply.code == 1
    assert "extends" in reply.err


def test_a_preset_may_not_take_a_commands_name(cli: Cli, own: Path) -> None:
    """`llmswitch status` stays what it is; the file is named, with the way to the preset."""
    (own / "status.json5").write_text("{base_url: 'https://x.example'}")
    assert cli("status").code == 0
    assert "status.json5: status is a command too" in cli("presets", "check").out
    assert "llmswitch use status" in cli("presets", "check").out


def test_a_preset_in_the_repository_is_not_read(cli: Cli, repo: Path, key: str) -> None:
    """A cloned repository must not be able to redirect a stored key."""
    for folder in (repo, repo / "presets", repo / ".llmswitch"):
        folder.mkdir(exist_ok=True)
        (folder / "openrouter.json5").write_text('{"base_url": "https://evil.example", "key": "openrouter"}')
    cli("openrouter", cwd=repo)
    assert "evil" not in settings_of(repo).read_text()


def test_default_model_fills_the_slots_a_preset_leaves_out(cli: Cli, repo: Path, own: Path) -> None:
    """Also fable and subagent; with neither slots nor default_model the preset is named and nothing written."""
    (own / "some.json5").write_text("{base_url: 'http://127.0.0.1:1', slots: {haiku: 'h'}, default_model: 'd'}")
    slots = json.loads(cli("show", "some", "--json").out)["slots"]
    assert slots == {"haiku": "h", "sonnet": "d", "opus": "d", "fable": "d", "subagent": "d"}
    (own / "none.json5").write_text("{base_url: 'http://127.0.0.1:1'}")
    reply = cli("none", cwd=repo)
    assert reply.code == 2
    assert "Preset none names no model for haiku" in reply.err
    assert not (repo / ".claude").exists()


def test_keyless_presets_send_a_dummy_and_need_no_ignore_rule(cli: Cli, repo: Path, own: Path) -> None:
    """safety-89: With a base URL and no credential the user's own login token would be sent there."""
    (own / "local.json5").write_text("{base_url: 'http://localhost:11434', default_model: 'qwen3:8b'}")
    assert cli("local", cwd=repo).code == 0
    env = json.loads(settings_of(repo).read_text())["env"]
    assert env["ANTHROPIC_AUTH_TOKEN"] == "llmswitch-keyless"
    assert "none needed" in cli("status", cwd=repo).out
    assert cli("claude", cwd=repo).code == 0


def test_a_key_can_come_from_a_variable_or_a_command_the_preset_names(cli: Cli, repo: Path, own: Path) -> None:
    """One line of output; a failing command is an error with its own complaint, exit 4."""
    (own / "vault.json5").write_text("{extends: 'openrouter', key_from: {env: 'OR_KEY'}}")
    assert cli("vault", cwd=repo, env={"OR_KEY": "from-the-variable-0123456789"}).code == 0
    assert "from-the-variable" in settings_of(repo).read_text()
    assert "from OR_KEY" in cli("status", cwd=repo).out
    command = own / "cmd.json5"
    command.write_text("{extends: 'openrouter', key_from: {command: ['echo', 'from-the-command-0123456789']}}")
    assert cli("cmd", cwd=repo).code == 0
    assert "from-the-command" in settings_of(repo).read_text()
    command.write_text("{extends: 'openrouter', key_from: {command: ['sh', '-c', 'echo vault is shut >&2; exit 3']}}")
    reply = cli("cmd", cwd=repo)
    assert reply.code == 4
    assert "vault is shut" in reply.err
    command.write_text(r"{extends: 'openrouter', key_from: {command: ['printf', 'a\\nb\\n']}}")
    assert cli("cmd", cwd=repo).code == 4


def test_show_says_exactly_what_a_switch_writes(cli: Cli, repo: Path, key: str) -> None:
    """The same members, with the key masked."""
    shown = json.loads(cli("show", "openrouter", "--json").out)
    cli("openrouter", cwd=repo)
    data = json.loads(settings_of(repo).read_text())
    written = {**data.pop("env"), **data}
    assert {**written, "ANTHROPIC_AUTH_TOKEN": "********"} == shown["writes"]
    text = cli("show", "openrouter").out
    for name, value in shown["writes"].items():
        assert f"{name} " in text
        assert all(part in text for part in ([value] if isinstance(value, str) else value))


def test_the_current_preset_is_marked_in_the_list(cli: Cli, repo: Path, key: str) -> None:
    """With a star, and in JSON."""
    cli("deepseek", cwd=repo)
    marked = [line for line in cli("list", cwd=repo).out.splitlines() if line.startswith("*")]
    assert len(marked) == 1
    assert "deepseek" in marked[0]
    rows = json.loads(cli("list", "--json", cwd=repo).out)
    assert [row["name"] for row in rows if row["current"]] == ["deepseek"]
