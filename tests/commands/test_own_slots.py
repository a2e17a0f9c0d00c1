"""Slots of one's own login: `llmswitch claude --sonnet …` writes models and nothing else of a pin."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Reply, git, settings_of

from llmswitch.base.errors import COMMANDS
from llmswitch.cli.app import App
from llmswitch.cli.console import run as run_command
from llmswitch.cli.front import answer

Run = Callable[..., Reply]
HAIKU, SONNET, OPUS = (f"ANTHROPIC_DEFAULT_{slot}_MODEL" for slot in ("HAIKU", "SONNET", "OPUS"))
ELSEWHERE = {"ANTHROPIC_BASE_URL": "https://proxy.example/v1"}


@pytest.fixture
def run(repo: Path, sealed: dict[str, str], capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command line in this process, in the repository."""
    monkeypatch.chdir(repo)

    def call(*arguments: str, env: dict[str, str] | None = None) -> Reply:
        app = App({**sealed, **(env or {})}, COMMANDS, arguments)
        code = run_command(lambda: answer(app, arguments), arguments)
        printed = capfd.readouterr()
        return Reply(code, printed.out, printed.err)

    return call


def env_of(folder: Path) -> dict[str, str]:
    """Return the env block of a folder's local settings."""
    env: dict[str, str] = json.loads(settings_of(folder).read_text())["env"]
    return env


def test_slot_variables_only_and_gone_byte_for_byte(run: Run, repo: Path) -> None:
    """No URL, no credential and no blanks; a slot's or tier's name as a value is that slot's model."""
    settings_of(repo).parent.mkdir()
    first = b'{\r\n\t"env" : {"A":"1"},\r\n\t"x": 1.50}'
    settings_of(repo).write_bytes(first)
    assert run("claude", "--haiku", "claude-haiku-4-5", "--opus", "medium", "--start", "opus").code == 0
    assert env_of(repo) == {
        "A": "1", HAIKU: "claude-haiku-4-5", OPUS: "claude-sonnet-5-5", "ANTHROPIC_MODEL": "opus",
    }  # fmt: skip
    assert set(json.loads(settings_of(repo).read_text())) == {"env", "x"}
    assert "Nothing to do" in run("claude", "--haiku", "claude-haiku-4-5", "--opus", "medium", "--start", "opus").out
    assert run("claude").code == 0
    assert settings_of(repo).read_bytes() == first


def test_status_shows_them_and_finds_no_drift_until_somebody_edits_them(run: Run, repo: Path) -> None:
    """Exit 0 of `--check`, then 3."""
    run("claude", "--sonnet", "claude-sonnet-4-6", "--start", "sonnet")
    data = json.loads(run("status", "--json").out)
    assert (data["preset"], data["overrides"], data["start_slot"]) == ("claude", ["sonnet"], "sonnet")
    assert data["slots"]["sonnet"]["model"] == "claude-sonnet-4-6"
    assert run("status", "--check").code == 0
    assert "sonnet    claude-sonnet-4-6" in run("status").out
    assert "claude, sonnet changed  sonnet claude-sonnet-4-6" in run("status", "--all").out
    settings_of(repo).write_text(settings_of(repo).read_text().replace("sonnet-4-6", "sonnet-4-5"))
    assert run("status", "--check").code == 3


def test_model_means_every_slot_and_auto_leaves_one_to_claude_code(run: Run, repo: Path) -> None:
    """A slot's own option beats it."""
    run("claude", "--model", "claude-sonnet-5-5", "--haiku", "auto", "--subagent", "claude-haiku-5-5")
    env = env_of(repo)
    assert HAIKU not in env
    assert {env[SONNET], env[OPUS], env["ANTHROPIC_DEFAULT_FABLE_MODEL"]} == {"claude-sonnet-5-5"}
    assert env["CLAUDE_CODE_SUBAGENT_MODEL"] == "claude-haiku-5-5"


def test_the_ladder_goes_with_it(run: Run, repo: Path) -> None:
    """An allowlist of Claude's models behind one's own login."""
    (repo / ".claude").mkdir()
    (repo / ".claude" / "model-ladder.json").write_text('["claude-sonnet-4-6", "claude-opus-4-8"]')
    assert run("claude", "--ladder").code == 0
    assert (env_of(repo)[HAIKU], env_of(repo)[SONNET]) == ("claude-sonnet-4-6", "claude-opus-4-8")
    assert run("status", "--check").code == 0


@pytest.mark.parametrize("option", [("--also", "x"), ("--base-url", "https://a.example"), ("--haiku", "ollama:qwen3")])
def test_what_belongs_to_another_backend_is_refused(run: Run, repo: Path, option: tuple[str, str]) -> None:
    """And nothing is written."""
    assert run("claude", *option).code == 2
    assert not settings_of(repo).exists()


@pytest.mark.parametrize("where", ["shell", "user", "project"])
def test_other_settings_that_send_elsewhere_are_named_and_refused(
    run: Run, repo: Path, sealed: dict[str, str], where: str
) -> None:
    """The models are Claude's, the host is not; --anyway goes on with a warning, and status says so."""
    env = ELSEWHERE if where == "shell" else {}
    files = {"user": Path(sealed["HOME"]) / ".claude/settings.json", "project": repo / ".claude/settings.json"}
    if where in files:
        files[where].parent.mkdir()
        files[where].write_text(json.dumps({"env": ELSEWHERE}))
    reply = run("claude", "--sonnet", "claude-sonnet-4-6", env=env)
    assert (reply.code, "proxy.example" in reply.err, str(files.get(where, "the shell")) in reply.err) == (
        5,
        True,
        True,
    )
    assert not settings_of(repo).exists()
    assert run("run", "claude", "--sonnet", "claude-sonnet-4-6", env={**env, "PATH": _client(repo)}).code == 5
    assert run("claude", "--sonnet", "claude-sonnet-4-6", "--anyway", env=env).code == 0
    found = {each["code"] for each in json.loads(run("status", "--json", env=env).out)["problems"]}
    assert "slots-elsewhere" in found
    assert run("status", "--check", env=env).code == 3


def _client(folder: Path) -> str:
    """Return a PATH with a program that stands for Claude Code."""
    program = folder / "bin" / "claude"
    program.parent.mkdir(exist_ok=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    return f"{program.parent}:/usr/bin:/bin"


def test_a_pin_before_comes_back_and_the_slots_after_it(run: Run, repo: Path) -> None:
    """`-` knows both."""
    run("ollama")
    pinned = settings_of(repo).read_bytes()
    run("claude", "--opus", "claude-opus-4-8")
    slots = settings_of(repo).read_bytes()
    assert run("-").code == 0
    assert settings_of(repo).read_bytes() == pinned
    assert run("-").code == 0
    assert settings_of(repo).read_bytes() == slots


def test_slots_of_main_count_as_a_pin_for_linked_worktrees(run: Run, repo: Path, tmp_path: Path) -> None:
    """They would win there."""
    git(repo, "worktree", "add", "--quiet", "--detach", str(tmp_path / "two"))
    assert run("claude", "--sonnet", "claude-sonnet-4-6").code == 0
    reply = run("ollama", "-w", str(tmp_path / "two"))
    assert (reply.code, "would not follow" in reply.err) == (5, True)


def test_slots_that_somebody_wrote_by_hand_are_called_that(run: Run, repo: Path) -> None:
    """They are no preset's, and nothing is wrong with them."""
    settings_of(repo).parent.mkdir()
    settings_of(repo).write_text(json.dumps({"env": {SONNET: "claude-sonnet-4-6"}}))
    reply = run("status", "--check")
    assert (reply.code, "Slots of your own login: sonnet; llmswitch did not put it here" in reply.out) == (0, True)


def test_an_id_that_anthropic_does_not_have_is_warned_about(run: Run) -> None:
    """With the nearest."""
    assert "did you mean claude-sonnet-4-6" in run("claude", "--sonnet", "claude-sonnet-4.6").err
    assert "warning" not in run("claude", "--sonnet", "claude-sonnet-4-6").err


# The ladder that a pin came from


def test_a_ladder_that_changed_or_went_is_drift(run: Run, repo: Path) -> None:
    """Exit 3, with the command that takes it again; a right one is no warning anywhere."""
    path = repo / ".claude" / "model-ladder.json"
    path.parent.mkdir()
    path.write_text('["qwen2.5:7b", "qwen2.5:32b", "qwen2.5:72b"]')
    assert "warning" not in run("ollama", "--ladder").err
    assert run("status", "--check").code == 0
    assert "warning" not in run("status").out
    path.write_text('["qwen2.5:7b", "qwen2.5:14b", "qwen2.5:72b"]')
    reply = run("status", "--check")
    assert (reply.code, "which was changed since the switch. → llmswitch ollama --ladder" in reply.out) == (3, True)
    assert run("status", "--short").out == "ollama*\n"
    run("ollama", "--ladder")
    assert run("status", "--check").code == 0
    path.unlink()
    reply = run("status", "--check")
    assert (reply.code, "which is gone" in reply.out) == (3, True)


def test_a_change_of_the_ladder_that_moves_no_slot_is_known_after_the_next_switch(run: Run, repo: Path) -> None:
    """The settings file stays as it is, the record does not."""
    path = repo / ".claude" / "model-ladder.json"
    path.parent.mkdir()
    path.write_text('["a", "b", "c", "d"]')
    run("ollama", "--ladder")
    path.write_text('["a", "x", "c", "d"]')
    assert run("status", "--check").code == 3
    run("ollama", "--ladder")
    assert run("status", "--check").code == 0


def test_back_to_a_pin_with_a_ladder_remembers_it(run: Run, repo: Path) -> None:
    """`-` puts the same ids back, and knows where they came from."""
    path = repo / ".claude" / "model-ladder.json"
    path.parent.mkdir()
    path.write_text('["a", "b", "c"]')
    run("ollama", "--ladder")
    run("claude")
    run("-")
    assert run("status", "--check").code == 0
    path.unlink()
    assert run("status", "--check").code == 3


@pytest.mark.parametrize(
    ("user", "pin", "model", "by"),
    [
        ({}, (), "claude-opus-5-5", "Claude Code's default, the opus slot"),
        ({"model": "haiku"}, (), "claude-haiku-5-5", "haiku, as {user} says"),
        ({"model": "claude-opus-4-8[1m]"}, (), "claude-opus-4-8", "as {user} says"),
        ({"model": "haiku"}, ("claude", "--haiku", "claude-haiku-4-5"), "claude-haiku-4-5", "haiku, as {user} says"),
        ({"model": "haiku"}, ("ollama",), "qwen2.5:32b", "the start slot, sonnet"),
        ({}, ("ollama", "--start", "opusplan"), "qwen2.5:32b", "the start slot, opusplan"),
    ],
)  # fmt: skip
def test_the_session_model_is_the_one_that_settings_choose(
    run: Run, sealed: dict[str, str], user: dict[str, str], pin: tuple[str, ...], model: str, by: str
) -> None:
    """A saved model counts where the pin names no start; the file is named."""
    path = Path(sealed["HOME"]) / ".claude" / "settings.json"
    path.parent.mkdir()
    path.write_text(json.dumps(user))
    if pin:
        assert run(*pin).code == 0
    assert f"Session model: {model} ({by.format(user=path)})" in run("ladder").out


def test_ladder_says_whether_the_pin_is_from_it(run: Run, repo: Path) -> None:
    """Not, from this one, from an older one."""
    path = repo / ".claude" / "model-ladder.json"
    path.parent.mkdir()
    path.write_text('["a", "b", "c"]')
    run("ollama")
    assert "The slots here are not from the ladder. → llmswitch ollama --ladder" in run("ladder").out
    run("ollama", "--ladder")
    assert "The slots here are from this ladder." in run("ladder").out
    path.write_text('["a", "b", "d"]')
    assert "The slots here are from an older ladder." in run("ladder").out
