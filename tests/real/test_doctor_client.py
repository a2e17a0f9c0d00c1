"""`doctor --client` with the real client: it agrees, and a rule that we have wrong is found."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path

import pytest
from conftest import KEY, Cli, Reply, git, settings_of
from support.claude_client import ClaudeClient, require_program
from support.messages_server import Internet, MessagesServer
from test_switch import write

from llmswitch.base.errors import LlmswitchError
from llmswitch.claude import control as client_view
from llmswitch.claude.effective import Layer, effective
from llmswitch.cli.app import App
from llmswitch.doctor import client as doctor_client
from llmswitch.doctor.examine import Examined
from llmswitch.doctor.observed import Observed
from llmswitch.settings.state import Record
from llmswitch.status.compare import Match
from llmswitch.status.report import Report


@pytest.fixture(scope="module")
def program() -> str:
    """Find the client, before any test's environment is replaced."""
    return require_program()


@pytest.fixture
def linked(cli: Cli, repo: Path, key: str, sealed: dict[str, str], program: str, tmp_path: Path) -> Path:
    """A linked worktree with a pin, whose main checkout has another one; `claude` is on PATH, the internet is not."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "claude").write_text(f'#!/bin/sh\nexec {shlex.quote(program)} "$@"\n')
    (folder / "claude").chmod(0o755)
    sealed["PATH"] = f"{folder}{os.pathsep}{sealed['PATH']}"
    sealed["HTTPS_PROXY"] = "http://127.0.0.1:9"
    linked = tmp_path / "linked"
    git(repo, "worktree", "add", "--quiet", "-b", "topic", str(linked))
    assert cli("deepseek", cwd=linked).code == 0
    assert cli("openrouter", "--anyway", cwd=repo).code == 0
    return linked


def codes(reply: Reply) -> dict[str, str]:
    """Return {code: message} of what is wrong and what is proven."""
    data = json.loads(reply.out)
    return {each["code"]: each["message"] for each in [*data["problems"], *data["proven"]]}


def test_the_client_agrees(cli: Cli, linked: Path, repo: Path, tmp_path: Path) -> None:
    """In a linked worktree that main shadows, in main itself, and without any pin; exported variables too."""
    env = {"ANTHROPIC_API_KEY": "k" * 20, "ANTHROPIC_BASE_URL": "http://127.0.0.1:1/shell"}
    plain = tmp_path / "plain"
    plain.mkdir()
    for folder in (linked, repo, plain):
        reply = cli("doctor", "--client", "--json", cwd=folder, env=env)
        found = codes(reply)
        assert "client-agrees" in found, reply
        assert "client-differs" not in found
        assert KEY not in reply.out + reply.err


def test_inside_a_session_the_pin_in_the_environment_is_not_the_users_wish(cli: Cli, linked: Path) -> None:
    """The client is asked as from the user's shell."""
    env = {"CLAUDECODE": "1", "ANTHROPIC_BASE_URL": "http://127.0.0.1:1/pin", "ANTHROPIC_AUTH_TOKEN": "x" * 20}
    settings_of(linked.parent / "a repö").unlink()
    settings_of(linked).unlink()
    assert "client-agrees" in codes(cli("doctor", "--client", "--json", cwd=linked, env=env))


def judged(app: App, folder: Path, layers: list[Layer], program: str) -> Examined:
    """Return what the client says of the values that these layers give."""
    report = Report(app.checkouts.at(str(folder)), None, "", None, effective(layers), {}, Match(None), None, [])
    observed = Observed(report=report, record=Record(), previous=Record(), layers=layers, program=program)
    return Examined(observed, doctor_client.findings(observed, app.environ))


def test_a_rule_that_we_have_wrong_is_found(linked: Path, sealed: dict[str, str], program: str) -> None:
    """With the order of main and worktree turned round, as before 2.1.211; no value of a secret is shown."""
    app = App(sealed)
    layers = list(app.checkouts.at(str(linked)).layers)
    assert [problem.code for problem in judged(app, linked, layers, program).problems] == ["client-agrees"]
    at = [layer.origin for layer in layers].index("main")
    layers[at], layers[at + 1] = layers[at + 1], layers[at]
    after = judged(app, linked, layers, program)
    found = after.problems
    assert [(problem.code, problem.level) for problem in found] == [("client-differs", "error")]
    assert "ANTHROPIC_DEFAULT_HAIKU_MODEL is mistralai/devstral-2512, not deepseek/deepseek-v3.2" in found[0].message
    assert after.exit_code == 1
    layers[at].values = {**layers[at].values, "ANTHROPIC_AUTH_TOKEN": "other-secret-of-ours"}
    text = " ".join(problem.message for problem in judged(app, linked, layers, program).problems)
    assert "ANTHROPIC_AUTH_TOKEN" in text
    assert "other-secret" not in text
    assert KEY not in text


def test_the_shell_is_judged_too(linked: Path, sealed: dict[str, str], program: str) -> None:
    """A base URL that only the shell has."""
    settings_of(linked.parent / "a repö").unlink()
    settings_of(linked).unlink()
    app = App({**sealed, "ANTHROPIC_BASE_URL": "http://127.0.0.1:1/shell"})
    layers = list(app.checkouts.at(str(linked)).layers)
    assert [problem.code for problem in judged(app, linked, layers, program).problems] == ["client-agrees"]
    layers[-1].values = {}
    assert "http://127.0.0.1:1/shell" in judged(app, linked, layers, program).problems[0].message


@pytest.mark.parametrize("text", ["exit 3", "echo '{}'; echo nonsense; cat", "exec sleep 100"])
def test_a_client_that_does_not_answer(tmp_path: Path, text: str) -> None:
    """It ends, it says something else, it hangs: no traceback, and nothing is left running."""
    script = tmp_path / "claude"
    script.write_text(f"#!/bin/sh\n{text}\n")
    script.chmod(0o755)
    with pytest.raises(LlmswitchError, match="did not answer"):
        client_view.ask(str(script), str(tmp_path), os.environ, seconds=1.0)


def test_asking_makes_no_request(program: str, tmp_path: Path) -> None:
    """Neither to the provider of the pin nor, of its own accord, through the proxy."""
    client = ClaudeClient(program, tmp_path / "user", tmp_path / "tmp")
    with MessagesServer() as provider, Internet((), tmp_path / "tmp" / "internet.pem") as internet:
        env = {"ANTHROPIC_BASE_URL": provider.url, "ANTHROPIC_AUTH_TOKEN": "x" * 20}
        write(tmp_path, json.dumps({"env": env}))
        answers = client_view.ask(program, str(tmp_path), client.environment(internet.url))
        assert answers["get_settings"]["effective"]["env"] == env
        assert [*provider.requests, *internet.messages] == []
