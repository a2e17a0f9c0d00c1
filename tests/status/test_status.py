"""`llmswitch status`: slot by slot, what the file sets and how that differs from the preset."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import Cli, git, settings_of
from test_switch import write

from llmswitch.claude.variables import IDENTITY


def test_a_fresh_pin_is_shown_slot_by_slot(cli: Cli, repo: Path, key: str) -> None:
    """Base URL, how the key is sent, its end and where it came from, the start slot, five slots."""
    cli("openrouter", cwd=repo)
    reply = cli("status", cwd=repo)
    assert reply.code == 0
    assert ": openrouter\n" in reply.out
    for text in (
        "https://openrouter.ai/api",
        f"********{key[-4:]}",
        "Authorization: Bearer",
        "LLMSWITCH_KEY_OPENROUTER",
    ):
        assert text in reply.out
    for slot in ("haiku", "sonnet", "opus", "fable", "subagent", "start"):
        assert slot in reply.out
    assert "≠" not in reply.out
    assert "(trunk)" in reply.out
    assert cli(cwd=repo).out == reply.out


def test_a_changed_slot_is_marked_with_the_presets_model(cli: Cli, repo: Path, key: str) -> None:
    """An override of the user's own is a difference but no drift; a hand edit is both."""
    cli("openrouter", "--sonnet", "x/y", cwd=repo)
    reply = cli("status", "--check", cwd=repo)
    assert reply.code == 0
    assert "openrouter, sonnet changed" in reply.out
    assert "≠" in reply.out
    assert "google/gemini-2.5-pro" in reply.out
    path = settings_of(repo)
    path.write_text(path.read_text().replace("mistralai/devstral-2512", "by/hand"))
    reply = cli("status", "--check", cwd=repo)
    assert reply.code == 3
    assert "openrouter, haiku, sonnet changed" in reply.out
    assert "ANTHROPIC_DEFAULT_HAIKU_MODEL" in reply.out


def test_a_missing_blank_is_drift(cli: Cli, repo: Path, key: str) -> None:
    """Without it the shell's key would go to the provider."""
    cli("openrouter", cwd=repo)
    data = json.loads(settings_of(repo).read_text())
    del data["env"]["CLAUDE_CODE_USE_BEDROCK"]
    write(repo, json.dumps(data))
    reply = cli("status", "--check", cwd=repo)
    assert reply.code == 3
    assert "CLAUDE_CODE_USE_BEDROCK" in reply.out


@pytest.mark.parametrize("content", [None, "", "  \n", "{}", '{"permissions": {}}', '{"env": {}}'])
def test_no_pin_is_claude_codes_own_backend(cli: Cli, repo: Path, content: str | None) -> None:
    """With no file, an empty one or no env."""
    if content is not None:
        write(repo, content)
    reply = cli("status", "--check", cwd=repo)
    assert reply.code == 0
    assert "claude (Claude Code's own backend)" in reply.out
    assert cli("status", "--short", cwd=repo).out == "claude\n"


def test_a_hand_made_pin_is_recognised_by_its_slots(cli: Cli, repo: Path) -> None:
    """Without a state file too; a stranger is said to be one."""
    pin = {
        "ANTHROPIC_BASE_URL": "https://openrouter.ai/api",
        "ANTHROPIC_DEFAULT_OPUS_MODEL": "deepseek/deepseek-v3.2",
    }
    write(repo, json.dumps({"env": pin}))
    assert "looks like deepseek\n" in cli("status", cwd=repo).out
    write(
        repo,
        json.dumps({"env": {"ANTHROPIC_BASE_URL": "https://x.example", "ANTHROPIC_AUTH_TOKEN": "secret-tok"}}),
    )
    reply = cli("status", "--check", cwd=repo)
    assert reply.code == 3
    assert "not a known preset" in reply.out
    assert "x.example" in reply.out
    assert "secret-tok" not in reply.out
    assert cli("status", "--short", cwd=repo).out == "?\n"


@pytest.mark.parametrize("content", ['{"env": {"ANTHROPIC_BASE_URL": "https://x.example"},}', "{\n//\n}", "{", "[]"])
def test_a_file_claude_code_ignores_is_named_with_line_and_column(cli: Cli, repo: Path, content: str) -> None:
    """Exit 1; what it would hold is said, where it can be read at all."""
    path = write(repo, content)
    reply = cli("status", cwd=repo)
    assert reply.code == 1
    assert f"{path}, line" in reply.out
    assert "Claude Code ignores the settings file" in reply.out
    if "x.example" in content:
        assert "not in force: base URL https://x.example" in reply.out
    data = json.loads(cli("status", "--json", cwd=repo).out)
    assert data["base_url"] is None
    assert data["problems"][0]["level"] == "error"
    assert cli("status", "--short", cwd=repo).out == "!\n"


def test_json_has_the_whole_report(cli: Cli, repo: Path, key: str, tmp_path: Path) -> None:
    """The keys that programs may rely on, in a linked worktree."""
    linked = tmp_path / "linked"
    git(repo, "worktree", "add", "--quiet", "-b", "topic", str(linked))
    cli("openrouter", "--haiku", "x/y", cwd=linked)
    data = json.loads(cli("status", "--json", cwd=linked).out)
    assert data == {
        "worktree": str(linked),
        "branch": "topic",
        "main": False,
        "preset": "openrouter",
        "looks_like": False,
        "overrides": ["haiku"],
        "base_url": "https://openrouter.ai/api",
        "cloud": None,
        "credential": {
            "kind": "bearer",
            "masked": f"********{key[-4:]}",
            "origin": "worktree",
            "source": "LLMSWITCH_KEY_OPENROUTER",
        },
        "gateway": None,
        "start_slot": "sonnet",
        "slots": data["slots"],
        "problems": data["problems"],
    }
    assert [problem["code"] for problem in data["problems"]] == ["below"]
    assert data["slots"]["haiku"] == {
        "model": "x/y",
        "preset_model": "mistralai/devstral-2512",
        "origin": "worktree",
        "shadowed_by": None,
    }


def test_a_changed_preset_is_seen_and_using_it_again_mends_it(cli: Cli, repo: Path, key: str, tmp_path: Path) -> None:
    """The pin is compared with the preset as it is now."""
    home = tmp_path / "own"
    (home / "presets").mkdir(parents=True)
    preset = home / "presets" / "mine.json5"
    preset.write_text("{extends: 'openrouter', slots: {opus: 'a/b'}}")
    env = {"LLMSWITCH_HOME": str(home)}
    cli("mine", cwd=repo, env=env)
    assert cli("status", "--check", cwd=repo, env=env).code == 0
    preset.write_text("{extends: 'openrouter', slots: {opus: 'c/d'}}")
    assert cli("status", "--check", cwd=repo, env=env).code == 3
    cli("mine", cwd=repo, env=env)
    assert cli("status", "--check", cwd=repo, env=env).code == 0


def test_a_password_in_the_base_url_is_not_shown(cli: Cli, repo: Path) -> None:
    """Someone may have put one there by hand."""
    write(repo, json.dumps({"env": {"ANTHROPIC_BASE_URL": "https://me:hunter22@x.example/api"}}))
    for form in ([], ["--json"], ["--short"]):
        assert "hunter22" not in cli("status", *form, cwd=repo).out


def edit(repo: Path, old: str, new: str) -> None:
    """Change the settings file by hand."""
    path = settings_of(repo)
    path.write_text(path.read_text().replace(old, new))


def test_check_sees_a_credential_that_was_blanked(cli: Cli, repo: Path, key: str) -> None:
    """A base URL alone gets the user's own login."""
    cli("openrouter", cwd=repo)
    edit(repo, key, "")
    reply = cli("status", "--check", cwd=repo)
    assert reply.code == 3
    assert "your own login is sent there as soon as there is one" in reply.out


def test_check_sees_a_credential_that_was_replaced(cli: Cli, repo: Path, key: str) -> None:
    """And does not say of another key where ours came from."""
    cli("openrouter", cwd=repo)
    edit(repo, key, "another-key-0123456789abcdef")
    reply = cli("status", "--check", cwd=repo)
    assert reply.code == 3
    assert "LLMSWITCH_KEY_OPENROUTER" not in reply.out
    assert "ANTHROPIC_AUTH_TOKEN" in reply.out


def test_an_exported_backend_is_not_claude_codes_own(cli: Cli, repo: Path) -> None:
    """With no file at all the shell decides; short and --check say that it is nothing we know."""
    env = {"ANTHROPIC_BASE_URL": "https://else.example", "ANTHROPIC_AUTH_TOKEN": "else-0123456789abcdef"}
    reply = cli("status", "--check", cwd=repo, env=env)
    assert reply.code == 3
    assert "not a known preset" in reply.out
    assert "https://else.example" in reply.out
    assert cli("status", "--short", cwd=repo, env=env).out == "?\n"


def test_inside_a_session_the_users_own_settings_still_count(cli: Cli, repo: Path, sealed: dict[str, str]) -> None:
    """CLAUDECODE makes exports the pin's own, but HOME stays HOME."""
    user = Path(sealed["HOME"], ".claude")
    user.mkdir()
    (user / "settings.json").write_text('{"env": {"ANTHROPIC_BASE_URL": "https://mine.example"}}')
    env = {"CLAUDECODE": "1", "ANTHROPIC_MODEL": "opus"}
    data = json.loads(cli("status", "--json", cwd=repo, env=env).out)
    assert (data["base_url"], data["start_slot"]) == ("https://mine.example", None)


def test_bare_llmswitch_ends_like_status(cli: Cli, repo: Path) -> None:
    """Also where the file is broken."""
    settings_of(repo).parent.mkdir()
    settings_of(repo).write_text("{")
    assert cli(cwd=repo).code == cli("status", cwd=repo).code == 1


def test_what_could_steer_a_terminal_is_escaped(cli: Cli, repo: Path) -> None:
    """An escape sequence in a model id is shown, not obeyed; JSON stays JSON."""
    settings_of(repo).parent.mkdir()
    model = "evil\x1b[2J\u202e\x9b"
    env = {"ANTHROPIC_BASE_URL": "https://x.example", "ANTHROPIC_DEFAULT_HAIKU_MODEL": model}
    settings_of(repo).write_text(json.dumps({"env": env}))
    reply = cli("status", cwd=repo)
    assert "evil\\u001b[2J\\u202e\\u009b" in reply.out
    assert json.loads(cli("status", "--json", cwd=repo).out)["slots"]["haiku"]["model"] == model


TAMPERED = {
    **{name: "changed" for name in IDENTITY if name not in ("ANTHROPIC_BASE_URL", "ANTHROPIC_AUTH_TOKEN")},
    "CLAUDE_CODE_MAX_CONTEXT_TOKENS": "5",
    "CLAUDE_CODE_ATTRIBUTION_HEADER": "1",
}


@pytest.mark.parametrize("name", TAMPERED)
@pytest.mark.parametrize("gone", [False, True], ids=["changed", "gone"])
def test_check_sees_every_member_that_is_not_as_it_was_put(
    cli: Cli, repo: Path, key: str, name: str, gone: bool
) -> None:
    """Whatever was changed or taken out: a header, a body, a second credential, a blank that kept an export out."""
    cli("openrouter", cwd=repo)
    data = json.loads(settings_of(repo).read_text())
    if gone:
        del data["env"][name]
    else:
        data["env"][name] = TAMPERED[name]
    settings_of(repo).write_text(json.dumps(data))
    reply = cli("status", "--check", cwd=repo)
    assert (reply.code, name in reply.out) == (3, True), reply


def test_check_sees_a_helper_beside_the_token(cli: Cli, repo: Path, key: str) -> None:
    """Or in its place."""
    cli("openrouter", cwd=repo)
    edit(repo, '"apiKeyHelper": ""', '"apiKeyHelper": "echo mine"')
    assert cli("status", "--check", cwd=repo).code == 3
    edit(repo, key, "")
    assert cli("status", "--check", cwd=repo).code == 3


def test_the_fix_of_a_drift_is_the_switch_that_was_made(cli: Cli, repo: Path, key: str) -> None:
    """With its overrides and its way of handing the key over."""
    cli("openrouter", "--haiku", "x/y", "--key-helper", cwd=repo)
    assert cli("status", "--check", cwd=repo).code == 0
    edit(repo, '"ANTHROPIC_MODEL": "sonnet"', '"ANTHROPIC_MODEL": "opus"')
    assert "→ llmswitch openrouter --haiku x/y --key-helper" in cli("status", cwd=repo).out


def test_a_cloud_needs_no_credential(cli: Cli, repo: Path) -> None:
    """It has its own, so nothing is missing."""
    assert cli("bedrock", cwd=repo).code == 0
    reply = cli("status", "--check", cwd=repo)
    assert (reply.code, "login" in reply.out) == (0, False), reply
