"""Acceptance: what an open session of the real client does when llmswitch switches under it, and what we say of it.

A test that asserts "it stays" first waits for a mark: a variable written after the switch, into a file that the
session reads, and seen at work in the session. What it has not taken by then it does not take.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from conftest import KEY, Cli, git, settings_of
from support.claude_client import ANTHROPIC_HOST, ClaudeClient, require_program
from support.live_session import LiveSession
from support.messages_server import MessagesServer, Request, say
from test_real_client import LOGIN, SLOTS, drop_blanks, expected_models, shipped, text_of, write_user_settings

from llmswitch.claude.variables import OURS, TOP_MEMBERS

KEY_A = "key-of-alpha-0123456789abcdef"
KEY_B = "key-of-beta-0123456789abcdef"
TUNING = "CLAUDE_CODE_MAX_OUTPUT_TOKENS"
MARK = "CLAUDE_CODE_EFFORT_LEVEL"
FIRST, SECOND = "the first prompt", "the second prompt"
ANSWER = "the answer of alpha"
KEEPS_BACKEND = "Claude Code sessions that are open here keep the old backend until you restart them."
FOLLOWS = "Open Claude Code sessions here follow within seconds."
Found = list[tuple[str | None, str | None, str | None]]
MODELS = re.compile("^warning: .*(tool use is rated|context window)")


class Scene:
    """A repository, a home that llmswitch and the client share, and the providers of the presets alpha and beta."""

    def __init__(self, cli: Cli, repo: Path, client: ClaudeClient, a: MessagesServer, b: MessagesServer) -> None:
        self._cli, self.repo, self.client, self.a, self.b = cli, repo, client, a, b
        self._presets = client.home / "presets"
        self._presets.mkdir()
        self.env = {
            "HOME": str(client.home),
            "LLMSWITCH_HOME": str(client.home),
            "LLMSWITCH_KEY_ALPHA": KEY_A,
            "LLMSWITCH_KEY_BETA": KEY_B,
        }
        self.preset("alpha", a)
        self.preset("beta", b)

    def preset(self, name: str, server: MessagesServer, **fields: Any) -> None:
        """Write a preset with a key of its own name, models of its own in every slot, and a server for its host."""
        slots = {slot: f"{name}/{slot}" for slot in SLOTS}
        whole = {"base_url": server.url, "key": name, "slots": slots, **fields}
        (self._presets / f"{name}.json5").write_text(json.dumps(whole))

    def llmswitch(self, *arguments: str, cwd: Path | None = None, **env: str) -> str:
        """Run llmswitch and return what it says besides the report and what it says of models."""
        reply = self._cli(*arguments, cwd=cwd or self.repo, env=self.env | env)
        assert reply.code == 0, reply
        lines = [line for line in reply.err.splitlines() if not MODELS.search(line)]
        # The last words name the processes.
        return re.sub(r" Open here now: process [0-9, ]+\.$", "", " ".join(" ".join(lines).split()))

    def session(self, cwd: Path | None = None, launcher: Sequence[str] = (), **env: str) -> LiveSession:
        """Return a session of the client, to open with `with`."""
        return LiveSession(self.client, cwd or self.repo, launcher, env)

    def fresh(self) -> list[Request]:
        """Send one prompt in a new session and return where it arrived: Anthropic's requests, else the servers'."""
        before = len(self.a.messages), len(self.b.messages)
        outcome = self.client.run(self.repo)
        assert outcome.returncode == 0, outcome
        return [*outcome.outside_messages, *self.a.messages[before[0] :], *self.b.messages[before[1] :]]


def found(requests: Sequence[Request]) -> Found:
    """Return (model, bearer token, x-api-key) of each request."""
    return [(request.model, request.bearer, request.api_key) for request in requests]


def port(server: MessagesServer) -> str:
    """Return the host of a server, as llmswitch names it."""
    return server.url.removeprefix("http://")


def said_of_a_move(server: MessagesServer, start: str) -> str:
    """Return what llmswitch says of open sessions that move to another server."""
    return (
        f"Open Claude Code sessions here now send to {port(server)}, their conversation too, and keep their "
        f"start model; restart them to start on {start}."
    )


def follow(session: LiveSession, server: MessagesServer) -> None:
    """Wait until the session works with a server."""
    session.until(lambda: session.base_url == server.url)


def add_mark(session: LiveSession, path: Path, level: str = "low") -> None:
    """Write the mark into a settings file, by hand, and wait until it is at work in the session."""
    assert session.applied["effort"] != level
    settings = json.loads(path.read_text()) if path.exists() else {}
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({**settings, "env": {**settings.get("env", {}), MARK: level}}))
    session.until(lambda: session.applied["effort"] == level)


@pytest.fixture(scope="module")
def program() -> str:
    """Find the client, before any test's environment is replaced."""
    return require_program()


@pytest.fixture
def scene(cli: Cli, repo: Path, key: str, program: str, tmp_path: Path) -> Iterator[Scene]:
    """Set up everything, with a login; nothing is switched yet."""
    client = ClaudeClient(program, tmp_path / "user", tmp_path / "tmp")
    client.log_in(LOGIN)
    write_user_settings(client, {})
    with MessagesServer(lambda request: [say(ANSWER)]) as a, MessagesServer() as b:
        yield Scene(cli, repo, client, a, b)


@pytest.fixture
def linked(repo: Path) -> Path:
    """A linked worktree of the repository."""
    folder = repo.parent / "linked"
    git(repo, "worktree", "add", "--quiet", "-b", "topic", str(folder))
    return folder


def test_an_open_session_moves_from_one_shipped_preset_to_another(scene: Scene) -> None:
    """The next turn goes to the new host: its model, its key, the whole conversation, and nothing to the old one.

    safety-61.
    """
    scene.llmswitch("openrouter", "--base-url", scene.a.url)
    with scene.session() as session:
        session.say(FIRST)
        said = scene.llmswitch("deepseek", "--base-url", scene.b.url, LLMSWITCH_KEY_OPENROUTER=KEY_B)
        follow(session, scene.b)
        session.say(SECOND)
        assert session.outside_messages == []
    models = [expected_models(shipped(name))["start"] for name in ("openrouter", "deepseek")]
    assert said == said_of_a_move(scene.b, "sonnet")
    assert found(scene.a.messages) == [(models[0], KEY, None)]
    assert found(scene.b.messages) == [(models[1], KEY_B, None)]
    conversation = json.dumps(scene.b.messages[0].body["messages"])
    assert conversation.index(FIRST) < conversation.index(ANSWER) < conversation.index(SECOND)
    assert KEY not in text_of(scene.b.requests)


def test_a_session_that_moved_keeps_its_start_slot_and_has_every_slot_of_the_new_preset(scene: Scene) -> None:
    """The new preset starts on another slot, and so does a new session; the open one stays where it began."""
    scene.preset("beta", scene.b, default_slot="opus")
    scene.llmswitch("alpha")
    with scene.session() as session:
        session.say(FIRST)
        said = scene.llmswitch("beta")
        follow(session, scene.b)
        session.say(SECOND)
        for slot in SLOTS:
            session.ask("set_model", model=slot)
            session.say(slot)
    assert said == said_of_a_move(scene.b, "opus")
    expected = [f"beta/{slot}" for slot in ("sonnet", *SLOTS)]
    assert found(scene.b.messages) == [(model, KEY_B, None) for model in expected]
    assert found(scene.a.messages) == [("alpha/sonnet", KEY_A, None)]
    assert found(scene.fresh()) == [("beta/opus", KEY_B, None)]
    assert KEY_A not in text_of(scene.b.requests)


def test_an_open_session_on_the_login_moves_to_a_preset_without_the_login(scene: Scene) -> None:
    """Started on Claude Code's own default, Opus with 1M, it stays on that: the preset's opus slot, taken for 1M."""
    with scene.session() as session:
        session.say(FIRST)
        said = scene.llmswitch("beta")
        follow(session, scene.b)
        session.say(SECOND)
        assert session.applied["model"] == "beta/opus[1m]"
        [outside] = session.outside_messages
    assert said_of_a_move(scene.b, "sonnet") in said
    assert said.endswith("started on Claude Code's default uses the opus slot with a 1M window.")
    assert (outside.host, outside.bearer) == (ANTHROPIC_HOST, LOGIN)
    assert (outside.model or "").startswith("claude-opus")
    assert found(scene.b.messages) == [("beta/opus", KEY_B, None)]
    assert LOGIN not in text_of(scene.b.requests)


def test_an_open_session_follows_changed_slots(scene: Scene) -> None:
    """Only a model changes: the next turn has it, at the same host with the same key."""
    scene.llmswitch("alpha")
    with scene.session() as session:
        session.say(FIRST)
        said = scene.llmswitch("alpha", "--sonnet", "test/other")
        session.until(lambda: session.applied["model"] == "test/other")
        session.say(SECOND)
    assert said == FOLLOWS
    assert found(scene.a.messages) == [("alpha/sonnet", KEY_A, None), ("test/other", KEY_A, None)]


def test_an_open_session_does_not_follow_a_changed_start(scene: Scene) -> None:
    """--start changes ANTHROPIC_MODEL, which the open session has read for good; a new one starts there."""
    scene.llmswitch("alpha")
    with scene.session() as session:
        session.say(FIRST)
        said = scene.llmswitch("alpha", "--start", "opus")
        add_mark(session, settings_of(scene.repo))
        session.say(SECOND)
    assert said == f"{FOLLOWS[:-1]}; restart them to start on opus."
    assert found(scene.a.messages) == [("alpha/sonnet", KEY_A, None)] * 2
    assert found(scene.fresh()) == [("alpha/opus", KEY_A, None)]


@pytest.mark.parametrize("own", [None, '{ "env": {"MINE": "1"} }\n'], ids=["no file before", "a file before"])
def test_back_on_claude_an_open_session_keeps_the_old_backend(scene: Scene, own: str | None) -> None:
    """Variables that go away stay in the session: host, key and model are the old ones; a new session is direct."""
    write_own(scene.repo, own)
    scene.llmswitch("alpha")
    with scene.session() as session:
        session.say(FIRST)
        said = scene.llmswitch("claude")
        assert bytes_of(settings_of(scene.repo)) == own
        add_mark(session, settings_of(scene.repo))
        session.say(SECOND)
        assert session.base_url == scene.a.url
        assert session.outside_messages == []
    assert said == KEEPS_BACKEND
    assert found(scene.a.messages) == [("alpha/sonnet", KEY_A, None)] * 2
    assert_direct(scene.fresh())


@pytest.mark.parametrize("own", [None, '{ "env": {"MINE": "1"} }\n'], ids=["no file before", "a file before"])
def test_claude_live_takes_an_open_session_back_to_the_login(scene: Scene, own: str | None) -> None:
    """The very next turn goes to Anthropic with the login, and so do later ones; the file is as before the pin."""
    scene.preset("alpha", scene.a, env={TUNING: "4321"})
    write_own(scene.repo, own)
    scene.llmswitch("alpha")
    with scene.session() as session:
        session.say(FIRST)
        scene.llmswitch("claude", "--live")
        assert bytes_of(settings_of(scene.repo)) == own
        session.say(SECOND)
        add_mark(session, settings_of(scene.repo))
        session.say("the third prompt")
        outside = session.outside_messages
    assert len(outside) == 2
    assert_direct(outside)
    assert [request.body["max_tokens"] == 4321 for request in (*scene.a.messages, *outside)] == [True, False, False]
    assert found(scene.a.messages) == [("alpha/sonnet", KEY_A, None)]


def test_claude_live_helps_after_a_claude_without_it(scene: Scene) -> None:
    """The session that kept the old backend is taken back by a second command, though there is no pin any more."""
    scene.llmswitch("alpha")
    with scene.session() as session:
        session.say(FIRST)
        scene.llmswitch("claude")
        scene.llmswitch("claude", "--live")
        session.say(SECOND)
        assert_direct(session.outside_messages)
    assert not settings_of(scene.repo).exists()
    assert len(scene.a.messages) == 1


@pytest.mark.parametrize("options", [(), ("--live",)], ids=["claude", "claude --live"])
def test_back_on_claude_a_host_of_the_users_settings_never_gets_the_pins_key(
    scene: Scene, options: Sequence[str]
) -> None:
    """With a base URL below the pin the session moves there; the key is blanked first, asked for or not."""
    write_user_settings(scene.client, {"env": {"ANTHROPIC_BASE_URL": scene.b.url}})
    scene.llmswitch("alpha")
    with scene.session() as session:
        session.say(FIRST)
        said = scene.llmswitch("claude", *options)
        follow(session, scene.b)
        session.say(SECOND)
    assert f"go to {scene.b.url.removeprefix('http://')} now" in said
    assert len(scene.a.messages) == 1
    assert [request.bearer for request in scene.b.messages] == [LOGIN]


def test_a_tuning_variable_the_new_preset_lacks_stays_in_an_open_session(scene: Scene) -> None:
    """The switch names it; the session that moved still limits its output by it, a new session does not."""
    scene.preset("alpha", scene.a, env={TUNING: "4321"})
    scene.llmswitch("alpha")
    with scene.session() as session:
        session.say(FIRST)
        said = scene.llmswitch("beta")
        follow(session, scene.b)
        session.say(SECOND)
    assert said == f"{said_of_a_move(scene.b, 'sonnet')} Until then they also keep: {TUNING}."
    assert [request.body["max_tokens"] for request in (*scene.a.messages, *scene.b.messages)] == [4321, 4321]
    [request] = scene.fresh()
    assert request.body["max_tokens"] != 4321


@pytest.mark.parametrize(("old", "new"), [("api-key", "bearer"), ("bearer", "api-key")])
def test_a_key_in_the_other_header_does_not_move_along(scene: Scene, old: str, new: str) -> None:
    """From x-api-key to a token and the other way round: the new host sees its own credential only."""
    scene.preset("alpha", scene.a, auth=old)
    scene.preset("beta", scene.b, auth=new)
    scene.llmswitch("alpha")
    with scene.session() as session:
        session.say(FIRST)
        scene.llmswitch("beta")
        follow(session, scene.b)
        session.say(SECOND)
    sent = {"bearer": (KEY_B, None), "api-key": (None, KEY_B)}
    assert found(scene.b.messages) == [("beta/sonnet", *sent[new])]
    assert {KEY_A, LOGIN} & {request.bearer or request.api_key for request in scene.a.messages} == {KEY_A}
    assert KEY_A not in text_of(scene.b.requests)


def test_without_the_pins_blanks_the_key_in_the_other_header_does_move_along(scene: Scene, tmp_path: Path) -> None:
    """Shows that the test above can see a leak, and that the client still needs the blanks."""
    scene.preset("alpha", scene.a, auth="api-key")
    other = tmp_path / "other"
    git(tmp_path, "init", "--quiet", str(other))
    scene.llmswitch("beta", cwd=other)
    drop_blanks(other)
    scene.llmswitch("alpha")
    with scene.session() as session:
        session.say(FIRST)
        settings_of(other).replace(settings_of(scene.repo))
        follow(session, scene.b)
        session.say(SECOND)
    assert found(scene.b.messages) == [("beta/sonnet", KEY_B, KEY_A)]


def test_a_helper_of_the_user_does_not_move_along(scene: Scene) -> None:
    """A session that lives on a helper and a host of the user's settings goes on with the preset's key only."""
    user = {"ANTHROPIC_BASE_URL": scene.a.url}
    write_user_settings(scene.client, {"apiKeyHelper": f"echo {KEY_A}", "env": user})
    with scene.session() as session:
        session.say(FIRST)
        scene.llmswitch("beta")
        follow(session, scene.b)
        session.say(SECOND)
    assert KEY_A in (scene.a.messages[0].bearer, scene.a.messages[0].api_key)
    assert [credentials[1:] for credentials in found(scene.b.messages)] == [(KEY_B, None)]
    assert KEY_A not in text_of(scene.b.requests)


def test_an_open_session_in_a_linked_worktree_follows_main_and_then_keeps_it(scene: Scene, linked: Path) -> None:
    """It moves with main from preset to preset; when main goes back to claude it stays on what it had."""
    scene.llmswitch("alpha")
    with scene.session(linked) as session:
        session.say(FIRST)
        said = scene.llmswitch("beta")
        follow(session, scene.b)
        session.say(SECOND)
        kept = scene.llmswitch("claude")
        add_mark(session, settings_of(scene.repo))
        session.say("the third prompt")
        assert session.outside_messages == []
    assert said == f"{linked} has no pin of its own and follows this one now. {said_of_a_move(scene.b, 'sonnet')}"
    assert kept == KEEPS_BACKEND
    assert found(scene.a.messages) == [("alpha/sonnet", KEY_A, None)]
    assert found(scene.b.messages) == [("beta/sonnet", KEY_B, None)] * 2


def test_blanks_in_main_send_a_linked_worktree_with_a_pin_to_the_login(scene: Scene, linked: Path) -> None:
    """Why --live is refused there: while the blanks stand, its open session is direct; after them its pin is back."""
    scene.llmswitch("alpha", "--all")
    blanks = {"env": {name: "" for name in OURS if name not in TOP_MEMBERS}}
    with scene.session(linked) as session:
        session.say(FIRST)
        settings_of(scene.repo).write_text(json.dumps(blanks))
        session.until(lambda: session.base_url is None)
        session.say(SECOND)
        settings_of(scene.repo).unlink()
        follow(session, scene.a)
        session.say("the third prompt")
        assert_direct(session.outside_messages)
    assert found(scene.a.messages) == [("alpha/sonnet", KEY_A, None)] * 2


def test_a_session_of_llmswitch_run_is_not_moved_by_main(scene: Scene, sealed: dict[str, str]) -> None:
    """It was started on a preset of its own: neither a switch of main nor `llmswitch claude` there reaches it."""
    folder = scene.client.home / "bin"
    folder.mkdir()
    (folder / "claude").symlink_to(scene.client.program)
    search = f"{folder}:{sealed['PATH']}"
    kept = {name: sealed[name] for name in ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM", "PYTHON_KEYRING_BACKEND")}
    launcher = [sys.executable, "-m", "llmswitch", "run", "alpha", "--"]
    with scene.session(None, launcher, **kept, **scene.env, PATH=search) as session:
        session.say(FIRST)
        scene.llmswitch("beta")
        add_mark(session, settings_of(scene.repo))
        session.say(SECOND)
        scene.llmswitch("claude")
        add_mark(session, settings_of(scene.repo), "medium")
        session.say("the third prompt")
        assert session.outside_messages == []
    assert {request.model for request in scene.a.messages} == {"alpha/sonnet"}
    assert {request.bearer for request in scene.a.messages} == {KEY_A}
    assert len(scene.a.messages) == 3
    assert scene.b.requests == []


def test_broken_settings_leave_an_open_session_on_the_last_good_ones(scene: Scene) -> None:
    """Half a file, naming the other provider, changes nothing; whole again, it is followed."""
    scene.llmswitch("alpha")
    path = settings_of(scene.repo)
    with scene.session() as session:
        session.say(FIRST)
        whole = path.read_text().replace(scene.a.url, scene.b.url).replace(KEY_A, KEY_B)
        path.write_text(whole.rstrip().removesuffix("}"))
        add_mark(session, scene.client.home / ".claude" / "settings.json")
        session.say(SECOND)
        path.write_text(whole)
        follow(session, scene.b)
        session.say("the third prompt")
    assert found(scene.a.messages) == [("alpha/sonnet", KEY_A, None)] * 2
    assert found(scene.b.messages) == [("alpha/sonnet", KEY_B, None)]


def write_own(repo: Path, text: str | None) -> None:
    """Write what the user had in the settings file before the first switch, None for no file."""
    if text is not None:
        settings_of(repo).parent.mkdir()
        settings_of(repo).write_text(text)


def bytes_of(path: Path) -> str | None:
    """Return the text of a file, None where there is none."""
    return path.read_text() if path.exists() else None


def assert_direct(requests: Sequence[Request]) -> None:
    """Check that there are requests, and that they are Anthropic's: the login, a model of Claude's, no key of ours."""
    assert requests
    for request in requests:
        assert (request.host, request.bearer, request.api_key) == (ANTHROPIC_HOST, LOGIN, None)
        assert (request.model or "").startswith("claude-")
    assert KEY_A not in text_of(requests)
