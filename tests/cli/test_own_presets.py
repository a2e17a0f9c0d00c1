"""The user's own presets: made by `presets new`, judged by `presets check`, and shown by `list`."""

from __future__ import annotations

import contextlib
import functools
import io
import json
import shlex
from pathlib import Path

import pytest
from conftest import Cli, settings_of

from llmswitch.base.errors import COMMANDS
from llmswitch.cli.app import App
from llmswitch.cli.console import run as run_command
from llmswitch.cli.front import answer
from llmswitch.commands.list_show import GROUPS
from llmswitch.presets.catalog import Catalog
from llmswitch.presets.files import shipped_folder


def test_new_makes_a_preset_that_works_at_once(cli: Cli, own: Path) -> None:
    """On top of another, with its slots to uncomment; nothing is overwritten."""
    reply = cli("presets", "new", "work", "--from", "best-value")
    assert reply.code == 0
    text = (own / "work.json5").read_text()
    assert '// haiku: "deepseek/deepseek-v3.2"' in text
    assert cli("presets", "check").out == "1 preset checked, all right.\n"
    assert json.loads(cli("show", "work", "--json").out)["slots"]["sonnet"] == "qwen/qwen3-coder:exacto"
    (own / "work.json5").write_text(text.replace("// haiku", "haiku"))
    assert cli("presets", "check").code == 0
    assert cli("presets", "new", "work").code == 2
    assert "haiku" in (own / "work.json5").read_text()


def test_another_base_url_does_not_inherit_requests_to_the_old_host(own: Path) -> None:
    """The check of a key and the list of models belong to the host; the key's new name would go there otherwise."""
    (own / "mine.json5").write_text("{extends: 'openrouter', key: 'mine', base_url: 'https://fine.example'}")
    mine = Catalog(shipped_folder(), str(own)).load("mine")
    assert (mine.key, mine.key_check, mine.models_url) == ("mine", None, None)
    (own / "mine.json5").write_text("{extends: 'openrouter', base_url: 'https://openrouter.ai/api'}")
    assert Catalog(shipped_folder(), str(own)).load("mine").models_url == "https://openrouter.ai/api/v1/models"


def test_new_of_a_shipped_name_is_an_overlay(cli: Cli, own: Path) -> None:
    """`extends` its own name means the shipped one, with this on top."""
    assert cli("presets", "new", "glm").code == 0
    assert 'extends: "glm", // the shipped one' in (own / "glm.json5").read_text()
    assert cli("show", "glm").code == 0


@pytest.mark.parametrize(
    "arguments", [("status",), ("No Name",), ("x", "--from", "nowhere"), ("glm", "--from", "qwen")]
)
def test_new_refuses_names_that_cannot_be(cli: Cli, own: Path, arguments: tuple[str, ...]) -> None:
    """Exit 2, and no file."""
    assert cli("presets", "new", *arguments).code == 2
    assert list(own.iterdir()) == []


def test_check_gives_every_problem_with_file_and_field(cli: Cli, own: Path) -> None:
    """Of every file, wherever it lies; a good one is not in the way."""
    (own / "good.json5").write_text("{extends: 'glm'}")
    bad = own.parent / "bad.json5"
    bad.write_text("""// a preset
{
  title: 'Bad', // no: problem
  base_url: 'https://x.example/v1',
  "slots": {
    haiku: {model: 'm', 'apiKey': 'x'}, /* many
    lines */ huge: 'x',
  },
  env: {ANTHROPIC_MODEL: 'x'}, notes: [{a: 1}], tittle: 'x',
}
""")
    reply = cli("presets", "check", str(own / "good.json5"), str(bad))
    assert reply.code == 1
    for place in (
        "base_url must not end in /v1", "slots.haiku.apiKey has no place", "slots.huge must be one of",
        "env.ANTHROPIC_MODEL is set by llmswitch itself", "notes must be text", "tittle is not a field",
    ):  # fmt: skip
        assert f"{bad}: {place}" in reply.out
    assert reply.out.endswith("2 presets checked, 6 problems.\n")


@pytest.mark.parametrize(
    ("text", "why"),
    [("{", "not JSON5: line 1"), ("[]", "must be one object"), ("{extends: 'nowhere'}", "is not there")],
)
def test_check_names_a_file_that_is_no_preset(cli: Cli, own: Path, text: str, why: str) -> None:
    """As does a file that is not there or not called like one."""
    (own / "mine.json5").write_text(text)
    reply = cli("presets", "check")
    assert (reply.code, why in reply.out) == (1, True)
    for path in ("missing.json5", "mine.json", "Up.json5", "status.json5"):
        assert cli("presets", "check", str(own / path)).code == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{extends: 'openrouter', base_url: 'https://evil.example'}",
         "mine sends the openrouter key to evil.example; it belongs to openrouter.ai."),
        ("{extends: 'openrouter', key_check: {url: 'https://evil.example/k'}}", "the openrouter key to evil.example"),
        ("{extends: 'openrouter', slots: {haiku: {model: 'm', base_url: 'https://evil.example', key: 'zai'}}}",
         "sends the zai key to evil.example; it belongs to api.z.ai."),
        ("{extends: 'openrouter', base_url: 'http://localhost:1'}", None),
        ("{extends: 'openrouter', key: 'mine', base_url: 'https://fine.example'}", None),
        ("{extends: 'openrouter', key_from: {command: ['pass', 'or']}}", "runs a program for its key: pass or"),
        ("{extends: 'openrouter', env: {PATH: '/evil', API_TIMEOUT_MS: '1'}}", "of other programs too: PATH."),
        ("{extends: 'openrouter', slots: {opus: {model: 'm', preset: 'glm'}}}", None),
        ("{base_url: 'https://fine.example'}", "names no model for haiku"),
    ],
)  # fmt: skip
def test_check_says_what_a_copied_preset_may_do(cli: Cli, own: Path, text: str, said: str | None) -> None:
    """Each is the user's own decision, so none is an error."""
    (own / "mine.json5").write_text(text)
    reply = cli("presets", "check")
    assert reply.code == 0
    assert reply.out == "1 preset checked, all right.\n" if said is None else said in reply.out


def test_a_switch_and_show_say_when_a_key_goes_to_another_host(cli: Cli, repo: Path, own: Path, key: str) -> None:
    """A preset that was copied from somebody could collect it."""
    (own / "mine.json5").write_text("{extends: 'openrouter', base_url: 'https://other.example/api'}")
    said = "mine sends the openrouter key to other.example; it belongs to openrouter.ai."
    assert said in cli("mine", "-n", cwd=repo).err
    assert said in cli("show", "mine").out


def test_list_groups_marks_and_says_what_is_known_of_keys(cli: Cli, repo: Path, own: Path, key: str) -> None:
    """Yours first; nobody asks a keyring, which could hang."""
    (own / "mine.json5").write_text("{extends: 'openrouter', title: 'Mine'}")
    (own / "vault.json5").write_text("{extends: 'glm', key: 'v', key_from: {command: ['false']}}")
    cli("or-value", cwd=repo)
    reply = cli("list", "--all", cwd=repo)
    assert (reply.code, reply.err) == (0, "")
    groups = [line.removeprefix("-- ") for line in reply.out.splitlines() if line.startswith("-- ")]
    assert tuple(groups) == GROUPS
    [current] = [line for line in reply.out.splitlines() if line.startswith("*")]
    assert current.split()[:5] == ["*", "or-value", "openrouter", "0.15/0.5", "2026-11-09"]
    rows = {row["name"]: row for row in json.loads(cli("list", "--json", cwd=repo).out)}
    states = {name: rows[name]["key_state"] for name in ("mine", "vault", "glm", "ollama")}
    assert states == {"mine": "saved", "vault": "saved", "glm": "unknown", "ollama": None}
    assert "zai (not saved)" in reply.out
    assert all(row["verified"] for row in rows.values())


@pytest.mark.parametrize("broken", ["presets/claude.json5", "presets/openrouter.json5", "config.json5"])
@pytest.mark.parametrize("text", ["{title", "[]", "{nonsense: 1}", "\0"])
def test_the_way_back_is_open_whatever_is_broken(
    cli: Cli, repo: Path, own: Path, key: str, broken: str, text: str
) -> None:
    """`llmswitch claude` takes the pin out, and says nothing untrue."""
    assert cli("openrouter", cwd=repo).code == 0
    (own.parent / broken).write_text(text)
    reply = cli("claude", cwd=repo)
    assert reply.code == 0, reply
    assert not settings_of(repo).exists()
    assert (str(own.parent / broken) in reply.err) == ("claude" in broken)
    assert cli("status", cwd=repo).code == 0


@pytest.mark.parametrize("name", ["models", "env", "log", "help", "renew", "usage", "apply", "hook", "balance"])
def test_a_preset_with_the_name_of_a_newer_command_stays_reachable(
    name: str, own: Path, repo: Path, sealed: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By `use NAME`; the command comes first, and `list`, `presets check` and `doctor` know the file."""
    monkeypatch.chdir(repo)
    (own / f"{name}.json5").write_text("{base_url: 'http://localhost:1', default_model: 'qwen2.5:7b'}")
    told: list[str] = []
    for words in (["use", name], ["status", "--short"], ["list", name], ["presets", "check"], ["doctor"]):
        out, app = io.StringIO(), App(sealed, COMMANDS, words)
        with contextlib.redirect_stdout(out):
            assert run_command(functools.partial(answer, app, words), words) in (0, 1)
        told.append(out.getvalue())
    assert f"to {name} (localhost:1)" in told[0]
    assert told[1] == f"{name}\n"
    assert f"  {name} " in told[2]
    assert f"the preset is reached by: llmswitch use {name}" in told[3]
    assert f"Your preset {name} has the name of a command" in told[4]


def test_advice_reaches_a_preset_with_the_name_of_a_command(cli: Cli, own: Path, repo: Path) -> None:
    """Where `status` and `doctor` say what to type, that is what works; options come behind the name."""
    (own / "usage.json5").write_text("{base_url: 'https://a.test', default_model: 'x', key: 'usage'}")
    key = {"LLMSWITCH_KEY_USAGE": "a-key-of-sixty-characters-" + "0" * 34}
    assert cli("use", "usage", "--haiku", "y", cwd=repo, env=key).code == 0
    settings = json.loads(settings_of(repo).read_text())
    settings["env"] |= {"ANTHROPIC_DEFAULT_OPUS_MODEL": "z", "ANTHROPIC_AUTH_TOKEN": ""}
    settings_of(repo).write_text(json.dumps(settings))
    fixes = [each["fix"] for each in json.loads(cli("status", "--json", cwd=repo).out)["problems"]]
    advised = [fix for fix in fixes if "usage" in fix]
    assert advised
    assert all(fix.startswith("llmswitch use usage") for fix in advised), fixes
    for fix in advised:
        assert cli(*shlex.split(fix)[1:], cwd=repo, env=key).code == 0, fix
    assert cli("status", "--check", cwd=repo).code == 0
