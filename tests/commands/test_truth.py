"""What is printed about a preset is what a switch to it writes, for every shipped preset."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Reply, settings_of

from llmswitch.base.errors import COMMANDS
from llmswitch.claude.variables import CREDENTIALS, KEYLESS_TOKEN, VARIABLES
from llmswitch.cli.app import App
from llmswitch.cli.console import run as run_command
from llmswitch.cli.front import answer
from llmswitch.commands.tiers import remarks
from llmswitch.gateway import delivery
from llmswitch.keys.sources import variable
from llmswitch.presets.catalog import Catalog
from llmswitch.presets.files import shipped_folder
from llmswitch.presets.listing import names

Run = Callable[..., Reply]
CATALOG = Catalog(shipped_folder(), "/nowhere", COMMANDS)
NAMES = names(CATALOG)
KEYS = {variable(key): "sk-canary-0123456789abcdef0123" for name in NAMES if (key := CATALOG.load(name).key)}
# Those that a person must tell which models they have.
NEED = {"litellm", "llamacpp", "lmstudio", "sglang", "vllm"}


@pytest.fixture
def run(repo: Path, sealed: dict[str, str], capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command line in this process, in the repository, with every key exported and every extra there."""
    monkeypatch.chdir(repo)
    monkeypatch.setattr(delivery, "check_installed", lambda translating=False: None)

    def call(*arguments: str, env: dict[str, str] | None = None) -> Reply:
        app = App({**sealed, **KEYS, **(env or {})}, COMMANDS)
        code = run_command(lambda: answer(app, arguments), arguments)
        printed = capfd.readouterr()
        return Reply(code, printed.out, printed.err)

    return call


def written(repo: Path) -> dict[str, object]:
    """Return the members of a repository's local settings, `env` and the top level together."""
    if not settings_of(repo).exists():
        return {}
    data = json.loads(settings_of(repo).read_text())
    return {**data.pop("env", {}), **data}


@pytest.mark.parametrize("name", NAMES)
def test_show_says_what_the_switch_writes_and_a_second_look_says_nothing_to_do(run: Run, repo: Path, name: str) -> None:
    """Every member, the credential masked; a dry run after the switch reports no change."""
    shown = json.loads(run("show", name, "--json").out)
    done = run(name)
    if name in NEED and done.code == 2:
        assert shown["incomplete"]
        return
    assert (done.code, shown["incomplete"]) == (0, None), done
    found = written(repo)
    for place in CREDENTIALS.values():
        if found.get(place) not in (None, "", KEYLESS_TOKEN):
            found[place] = "********"
    assert found == shown["writes"]
    assert {slot: found.get(variable) or None for slot, variable in VARIABLES.items()} == (
        shown["slots"] if found else dict.fromkeys(VARIABLES)
    ) or CATALOG.load(name).speaks_claude
    again = run(name, "-n")
    assert "Nothing to " in again.out, again


def test_a_dry_run_of_another_preset_with_the_same_key_keeps_it_and_with_another_does_not(run: Run) -> None:
    """A key is no change only where the file holds the very key of that preset."""
    run("openrouter")
    assert "AUTH_TOKEN" not in run("deepseek", "-n").out
    assert "AUTH_TOKEN" in run("glm", "-n").out


def test_show_follows_the_users_choice_of_key_delivery(run: Run, repo: Path, own: Path) -> None:
    """With `key_delivery: helper` neither writes a token."""
    (own.parent / "config.json5").write_text("{key_delivery: 'helper'}")
    env = {"LLMSWITCH_HOME": str(own.parent)}
    shown = json.loads(run("show", "glm", "--json", env=env).out)
    assert run("glm", env=env).code == 0
    assert written(repo) == shown["writes"]
    assert "print-key --preset glm" in shown["writes"]["apiKeyHelper"]
    assert "The key stands in the settings file" not in str(shown["notes"])


def test_af10_tiers_count_as_slots_and_the_slots_own_name_is_stronger(run: Run, repo: Path) -> None:
    """LLMSWITCH_SMALL, MEDIUM and LARGE, each announced by its own name."""
    tiers = {"LLMSWITCH_SMALL": "a/s", "LLMSWITCH_MEDIUM": "a/m", "LLMSWITCH_LARGE": "a/l", "LLMSWITCH_OPUS": "a/o"}
    reply = run("openrouter", env=tiers)
    found = written(repo)
    assert [found[VARIABLES[slot]] for slot in ("haiku", "sonnet", "opus")] == ["a/s", "a/m", "a/o"]
    assert "haiku is a/s, from the exported LLMSWITCH_SMALL." in reply.err
    assert "LLMSWITCH_LARGE" not in reply.err


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("AFK_MODEL_SMALL_BASE_URL", 'small: { model: "ID", base_url: "https://…" }'),
        ("LLMSWITCH_OPUS_BASE_URL", 'large: { model: "ID", base_url: "https://…" }'),
        ("LLMSWITCH_MEDIUM_API_KEY", 'medium: { model: "ID", base_url: "https://…", key: "NAME" }'),
    ],
)
def test_af11_a_tiers_own_endpoint_or_key_is_answered_with_the_line_of_a_preset(run: Run, name: str, line: str) -> None:
    """The value, which may be a key, is not repeated; other variables of that form are none of ours."""
    reply = run("openrouter", env={name: "a-secret-value", "OPENAI_API_KEY": "x", "ANTHROPIC_BASE_URL": "https://x.y"})
    assert f"{name} is not read." in reply.err
    assert line in reply.err
    assert "a-secret-value" not in reply.err + reply.out
    assert reply.err.count("is not read") == 1


def test_af11_that_line_works(run: Run, own: Path) -> None:
    """With the placeholders filled in."""
    line = remarks({"LLMSWITCH_SMALL_API_KEY": "x"})[0].partition("this does it: ")[2].partition("; the key")[0]
    filled = line.replace("https://…", "http://localhost:8080").replace("NAME", "mine").replace("ID", "m")
    (own / "mine.json5").write_text(f"{{ extends: 'openrouter', {filled} }}")
    reply = run("presets", "check", env={"LLMSWITCH_HOME": str(own.parent)})
    assert reply.code == 0, reply
