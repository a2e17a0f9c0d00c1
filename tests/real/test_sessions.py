"""Running sessions: which are found, what they still hold, and who says so."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from conftest import Cli, git, require, settings_of
from support.claude_client import ClaudeClient, require_program
from support.live_session import LiveSession
from support.processes import looks_like_a_session
from support.programs import absent, require_root

from llmswitch.claude import sessions
from llmswitch.claude.sessions import Session, Sessions, is_client, is_overlay
from llmswitch.claude.sessions_ps import sessions as from_ps
from llmswitch.claude.watching import is_deaf
from llmswitch.settings.state import Record
from llmswitch.status.judge import held


@pytest.fixture(scope="module")
def program() -> str:
    """Find the client, before any test's environment is replaced."""
    return require_program()


@pytest.fixture
def session(program: str, repo: Path, tmp_path: Path) -> Iterator[LiveSession]:
    """An open session of the real client in the repository, which is at work."""
    with LiveSession(ClaudeClient(program, tmp_path / "user", tmp_path / "tmp"), repo) as session:
        session.ask("get_settings")
        yield session


def ps_sessions(run: Callable[[list[str]], str] | None = None) -> list[Session]:
    """Return the sessions that ps and lsof show."""
    return [Session(pid, folder, started, is_overlay(argv)) for pid, folder, started, argv in from_ps(is_client, run)]


def codes(cli: Cli, folder: Path, *command: str) -> dict[str, str]:
    """Return {code: message} of the problems that a command finds."""
    return {each["code"]: each["message"] for each in json.loads(cli(*command, "--json", cwd=folder).out)["problems"]}


def test_the_switch_names_the_open_sessions_and_status_those_that_hold_something(
    cli: Cli, repo: Path, key: str, session: LiveSession
) -> None:
    """A session of the real client that is older than the switch; after `claude --live` it holds nothing."""
    [pid] = [each.pid for each in Sessions().of(str(repo)) or []]
    reply = cli("openrouter", cwd=repo)
    assert reply.err.endswith(f"Open here now: process {pid}.\n")
    for command in ("status", "doctor"):
        message = codes(cli, repo, command)["old-session"]
        assert f"process {pid}" in message
        assert "the start model opus" in message
    assert "old-session" not in cli("status", "--short", cwd=repo).out
    cli("claude", cwd=repo)
    assert "the backend openrouter.ai" in codes(cli, repo, "status")["old-session"]
    cli("openrouter", cwd=repo)
    cli("claude", "--live", cwd=repo)
    assert "old-session" not in codes(cli, repo, "status")


def test_a_session_whose_folder_was_removed_is_said_to_see_no_switch(
    cli: Cli, repo: Path, key: str, session: LiveSession
) -> None:
    """It follows one into a folder that there was none of before, and `llmswitch claude` does not make it blind."""
    blind = "does not see this: perhaps .claude was removed under it."
    if sys.platform != "linux":
        pytest.skip("only Linux tells what a process watches")

    def switched(*words: str) -> str:
        reply = cli(*words, cwd=repo)
        assert reply.code == 0, reply
        session.ask("get_settings")
        return reply.err

    assert blind not in switched("openrouter")
    session.until(lambda: session.base_url == "https://openrouter.ai/api")
    assert blind not in switched("claude")
    assert blind not in switched("openrouter", "--base-url", "http://127.0.0.1:1")
    session.until(lambda: session.base_url == "http://127.0.0.1:1")
    shutil.rmtree(repo / ".claude")
    pids = [each.pid for each in Sessions().of(str(repo)) or []]
    session.until(lambda: is_deaf(pids[0], [str(repo)]))
    for words in (["openrouter"], ["deepseek"]):
        said = switched(*words)
        assert f"Process {pids[0]} {blind}" in said
        assert "Open Claude Code sessions" not in said
    assert f"process {pids[0]} sees no switch" in codes(cli, repo, "doctor")["old-session"]
    assert session.base_url == "http://127.0.0.1:1"


def test_a_session_that_is_younger_than_the_switch_holds_nothing(
    cli: Cli, repo: Path, key: str, tmp_path: Path
) -> None:
    """Nor does a switch to the same slots say anything about the start model."""
    cli("deepseek", cwd=repo)
    with looks_like_a_session(repo):
        assert "old-session" not in codes(cli, repo, "status")
        cli("deepseek", "--haiku", "x/y", cwd=repo)
        assert "old-session" not in codes(cli, repo, "status")


def test_without_an_open_session_nothing_is_said_of_them(cli: Cli, repo: Path, key: str, tmp_path: Path) -> None:
    """One elsewhere, one in a worktree inside this one, and one that has its own settings do not count."""
    inner = repo / ".claude" / "worktrees" / "x"
    git(repo, "worktree", "add", "--quiet", "-b", "topic", str(inner))
    cli("deepseek", cwd=inner)
    with looks_like_a_session(tmp_path), looks_like_a_session(inner):
        assert "sessions" not in cli("openrouter", "--anyway", cwd=repo).err
    with looks_like_a_session(repo, "--settings=x.json"):
        assert cli("deepseek", "--anyway", cwd=repo).err.endswith("No open Claude Code session follows this.\n")


def test_a_session_below_the_worktrees_root_and_in_a_follower_counts(
    cli: Cli, repo: Path, key: str, tmp_path: Path
) -> None:
    """A linked worktree without a pin follows main."""
    linked = tmp_path / "linked"
    git(repo, "worktree", "add", "--quiet", "-b", "topic", str(linked))
    (repo / "src").mkdir()
    with looks_like_a_session(repo / "src") as one, looks_like_a_session(linked) as two:
        assert cli("openrouter", cwd=repo).err.endswith(f"Open here now: process {one}, {two}.\n")


def test_ps_and_lsof_see_what_proc_shows(session: LiveSession, repo: Path) -> None:
    """The way of macOS, on Linux."""
    require(absent("ps", "lsof"))
    [ours] = Sessions().of(str(repo)) or []
    found = {each.pid: each for each in ps_sessions()}
    assert found[ours.pid].folder == ours.folder == str(repo)
    assert abs(found[ours.pid].started - ours.started) < 2  # ps counts whole seconds
    assert not found[ours.pid].overlay


@pytest.mark.parametrize(("age", "seconds"), [("00:07", 7), ("01:02:03", 3723), ("2-00:00:01", 172801), ("12:34", 754)])
def test_ages_of_ps(age: str, seconds: int) -> None:
    """[[days-]hours:]minutes:seconds."""
    lines = {"ps": f"  7 {age} claude --settings x\n8 nonsense\n", "lsof": "p7\nfcwd\nn/a folder\n"}
    [found] = ps_sessions(lambda argv: lines[argv[0]])
    import time

    assert found.folder == "/a folder"
    assert found.overlay
    assert time.time() - found.started == pytest.approx(seconds, abs=2)


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["claude"], True),
        (["/home/you/.local/bin/claude", "-p", "hi"], True),
        (["node", "/usr/lib/node_modules/@anthropic-ai/claude-code/cli.js"], True),
        (["/usr/bin/node", "/usr/local/bin/claude", "--resume"], True),
        (["vi", "claude"], False),
        (["claude-monitor"], False),
        (["node", "server.js", "claude"], False),
        ([""], False),
    ],
)
def test_what_counts_as_claude_code(argv: Sequence[str], expected: bool) -> None:
    """The native program, and the package run by node."""
    assert is_client(argv) == expected


def test_processes_of_somebody_else_are_left_out(repo: Path, tmp_path: Path) -> None:
    """Even where we could see them."""
    require_root("to start a process of another user")
    with looks_like_a_session(repo, user=65534):
        assert Sessions().of(str(repo)) == []


def test_where_nobody_can_know_the_switch_says_what_would_be(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a BSD, for example."""
    monkeypatch.setattr(sys, "platform", "freebsd14")
    assert Sessions().of("/") is None


def test_where_processes_do_not_show_the_switch_says_what_would_be(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """No /proc is no failure."""
    monkeypatch.setattr(sessions, "PROC", str(tmp_path / "gone"))
    assert Sessions().of("/") is None


PIN = {"ANTHROPIC_BASE_URL": "https://a.example/api", "ANTHROPIC_MODEL": "sonnet"}


@pytest.mark.parametrize(
    ("previous", "current", "expected"),
    [
        ({}, {"pin": PIN}, ["the start model opus, Claude Code's default,"]),
        ({"pin": PIN}, {"pin": PIN}, []),
        ({"pin": PIN}, {"pin": {**PIN, "ANTHROPIC_MODEL": "opus"}}, ["the start model sonnet"]),
        ({"pin": PIN}, {}, ["the backend a.example, with its key and models"]),
        ({"pin": PIN, "wrote": {"API_TIMEOUT_MS": '"5"'}}, {"pin": PIN}, ["API_TIMEOUT_MS"]),
        ({"pin": PIN, "wrote": {"X": '"5"'}, "displaced": {"X": '"4"'}}, {"pin": PIN}, []),
        ({"pin": PIN, "wrote": {"X": '""'}}, {"pin": PIN}, []),
        ({}, {}, []),
    ],
)
def test_what_an_old_session_holds(
    previous: dict[str, object], current: dict[str, object], expected: list[str]
) -> None:
    """Removed variables and the start model; a value that came back is none of it."""
    assert held(Record(current), Record(previous)) == expected


def test_a_mend_does_not_make_sessions_old(cli: Cli, repo: Path, key: str, tmp_path: Path) -> None:
    """`doctor --fix` is no switch."""
    cli("openrouter", cwd=repo)
    with looks_like_a_session(repo):
        path = settings_of(repo)
        path.write_text(path.read_text().replace('"disableAutoMode": "disable"', '"x": 1'))
        cli("doctor", "--fix", cwd=repo)
        assert "disableAutoMode" in path.read_text()
        assert "old-session" not in codes(cli, repo, "status")
