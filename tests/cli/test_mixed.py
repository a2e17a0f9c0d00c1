"""A switch to slots at several providers: what is written, what is refused, and what `status` says."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from conftest import Cli, git, settings_of
from support.gateway import free_port

from llmswitch.presets.routes import Routes, from_data

KEYS = {
    "LLMSWITCH_KEY_OPENROUTER": "sk-or-v1-0123456789abcdef0123456789",
    "LLMSWITCH_KEY_SHIM": "sk-shim-0123456789abcdef01",
}
LOCAL = {"base_url": "http://127.0.0.1:11434", "default_model": "qwen3:8b"}
MIXED = {
    "extends": "openrouter",
    "slots": {
        "haiku": {"model": "qwen3:8b", "preset": "local"},
        "opus": {"model": "gpt-x", "base_url": "https://shim.example/v1", "key": "shim", "protocol": "openai"},
    },
}


@pytest.fixture
def home(tmp_path: Path, sealed: dict[str, str]) -> Path:
    """A folder of the user's own presets: a local one and a mixed one; the keys are exported."""
    folder = tmp_path / "own"
    (folder / "presets").mkdir(parents=True)
    (folder / "config.json5").write_text(json.dumps({"gateway_port": free_port()}))
    sealed.update(KEYS, LLMSWITCH_HOME=str(folder))
    preset(folder, "local", LOCAL)
    preset(folder, "mixed", MIXED)
    return folder


def preset(home: Path, name: str, fields: dict[str, Any]) -> None:
    """Write a preset of the user's."""
    (home / "presets" / f"{name}.json5").write_text(json.dumps(fields))


def written(repo: Path) -> dict[str, Any]:
    """Return the settings of a worktree."""
    settings: dict[str, Any] = json.loads(settings_of(repo).read_text())
    return settings


def routes_in(home: Path, repo: Path) -> Routes:
    """Return the routes that a worktree's pin points at."""
    name = written(repo)["env"]["ANTHROPIC_BASE_URL"].rpartition("/")[2]
    return from_data(json.loads((home / "state" / "gateway" / "routes" / f"{name}.json").read_text()))


def placed(home: Path, repo: Path) -> dict[str, tuple[str, str | None, str]]:
    """Return {model as the client sends it: (host, key, protocol)}."""
    found = routes_in(home, repo).by_model
    return {model: (route.host, route.key, route.protocol) for model, route in found.items()}


def test_a_mixed_preset_is_one_pin_without_any_key(cli: Cli, repo: Path, home: Path) -> None:
    """It points at the gateway, whether or not one runs; the routes hold no key either."""
    reply = cli("mixed", cwd=repo)
    assert reply.code == 0, reply
    settings = written(repo)
    port = json.loads((home / "config.json5").read_text())["gateway_port"]
    assert settings["env"]["ANTHROPIC_BASE_URL"].startswith(f"http://127.0.0.1:{port}/w/")
    assert (settings["env"]["ANTHROPIC_AUTH_TOKEN"], settings["env"]["ANTHROPIC_API_KEY"]) == ("", "")
    assert " gateway token " in settings["apiKeyHelper"]
    assert settings["env"]["ANTHROPIC_DEFAULT_HAIKU_MODEL"] == "qwen3:8b"
    assert placed(home, repo) == {
        "qwen3:8b": ("127.0.0.1:11434", None, "anthropic"),
        "google/gemini-2.5-pro": ("openrouter.ai", "openrouter", "anthropic"),
        "gpt-x": ("shim.example", "shim", "openai"),
        "anthropic/claude-opus-5.5": ("openrouter.ai", "openrouter", "anthropic"),
    }
    files = [path.read_text() for path in (*home.rglob("*"), settings_of(repo)) if path.is_file()]
    assert not [key for key in KEYS.values() if any(key in text for text in files)]


def test_a_preset_and_a_model_on_the_command_line(cli: Cli, repo: Path, home: Path) -> None:
    """`--haiku local:qwen3:8b`; an id with a colon that names no preset stays an id."""
    assert cli("openrouter", "--haiku", "local:qwen3:8b", "--sonnet", "vendor/model:free", cwd=repo).code == 0
    assert placed(home, repo)["qwen3:8b"] == ("127.0.0.1:11434", None, "anthropic")
    assert placed(home, repo)["vendor/model:free"][0] == "openrouter.ai"


def test_where_all_slots_live_at_one_provider_there_is_no_gateway(cli: Cli, repo: Path, home: Path) -> None:
    """Also when they say so one by one."""
    preset(home, "same", {"extends": "openrouter", "slots": {"haiku": {"model": "m", "preset": "openrouter"}}})
    assert cli("same", "--opus", "openrouter:x", cwd=repo).code == 0
    env = written(repo)["env"]
    assert env["ANTHROPIC_BASE_URL"] == "https://openrouter.ai/api"
    assert (env["ANTHROPIC_DEFAULT_HAIKU_MODEL"], env["ANTHROPIC_DEFAULT_OPUS_MODEL"]) == ("m", "x")
    assert not (home / "state" / "gateway" / "routes").exists()


def test_one_id_at_two_providers_gets_two_names(cli: Cli, repo: Path, home: Path) -> None:
    """Claude Code can tell them apart, and each provider gets the true id."""
    assert cli("openrouter", "--haiku", "m", "--opus", "local:m", cwd=repo).code == 0
    env = written(repo)["env"]
    assert (env["ANTHROPIC_DEFAULT_HAIKU_MODEL"], env["ANTHROPIC_DEFAULT_OPUS_MODEL"]) == ("m", "m@opus")
    found = routes_in(home, repo).by_model
    assert {model: found[model].model for model in ("m", "m@opus")} == {"m": "m", "m@opus": "m"}
    assert found["m@opus"].host == "127.0.0.1:11434"


def test_another_model_stays_at_its_slots_place(cli: Cli, repo: Path, home: Path) -> None:
    """And the name of a slot as a value means its model and its place."""
    assert cli("mixed", "--haiku", "other:1b", "--sonnet", "opus", cwd=repo).code == 0
    assert placed(home, repo)["other:1b"][0] == "127.0.0.1:11434"
    assert written(repo)["env"]["ANTHROPIC_DEFAULT_SONNET_MODEL"] == "gpt-x"


def test_fable_without_an_entry_goes_where_the_default_model_lives(cli: Cli, repo: Path, home: Path) -> None:
    """Never to opus's host, with opus's key, under the id of another."""
    slots = {"opus": {"model": "big", "base_url": "https://opus.example", "key": "shim"}}
    fields = {"base_url": "https://home.example", "key": "openrouter", "default_model": "small", "slots": slots}
    preset(home, "odd", fields)
    assert cli("odd", cwd=repo).code == 0
    assert written(repo)["env"]["ANTHROPIC_DEFAULT_FABLE_MODEL"] == "small"
    assert placed(home, repo) == {
        "small": ("home.example", "openrouter", "anthropic"), "big": ("opus.example", "shim", "anthropic"),
    }  # fmt: skip


def test_an_openai_format_preset_goes_through_the_gateway(cli: Cli, repo: Path, home: Path) -> None:
    """All its slots, since Claude Code does not speak that."""
    preset(
        home, "shim", {"base_url": "https://shim.example/v1", "protocol": "openai", "key": "shim", "default_model": "g"}
    )
    assert cli("shim", cwd=repo).code == 0
    assert placed(home, repo) == {"g": ("shim.example", "shim", "openai")}


def test_a_login_cannot_be_a_slot(cli: Cli, repo: Path, home: Path) -> None:
    """It stays with Claude Code; the way on is named, and nothing is written."""
    reply = cli("openrouter", "--opus", "claude:claude-opus-5-5", cwd=repo)
    assert reply.code == 2
    assert "anthropic" in reply.err
    assert not settings_of(repo).exists()


def test_a_missing_key_stops_the_switch(cli: Cli, repo: Path, home: Path, sealed: dict[str, str]) -> None:
    """As for any preset, and before anything is written."""
    del sealed["LLMSWITCH_KEY_SHIM"]
    reply = cli("mixed", cwd=repo)
    assert reply.code == 4
    assert "LLMSWITCH_KEY_SHIM" in reply.err
    assert not settings_of(repo).exists()


def test_a_key_for_this_pin_only_cannot_be_the_gateways(cli: Cli, repo: Path, home: Path) -> None:
    """It would be saved nowhere."""
    reply = cli("mixed", "--key-stdin", cwd=repo, text="sk-or-v1-0123456789abcdef")
    assert reply.code == 2
    assert not settings_of(repo).exists()


def test_a_dry_run_writes_no_routes(cli: Cli, repo: Path, home: Path) -> None:
    """It shows the pin."""
    reply = cli("mixed", "-n", cwd=repo)
    assert (reply.code, "gpt-x" in reply.out) == (0, True)
    assert not (home / "state" / "gateway" / "routes").exists()


def test_back_on_claude_the_first_file_is_there_again(cli: Cli, repo: Path, home: Path) -> None:
    """Byte for byte, and a second switch to the same finds nothing to do."""
    settings_of(repo).parent.mkdir()
    settings_of(repo).write_text('{ "env": {"A" : "b"} }\n')
    assert cli("mixed", cwd=repo).code == 0
    assert "Nothing to do" in cli("mixed", cwd=repo).out
    assert cli("claude", cwd=repo).code == 0
    assert settings_of(repo).read_text() == '{ "env": {"A" : "b"} }\n'


def test_a_linked_worktree_with_the_same_pin_follows_main(cli: Cli, repo: Path, home: Path) -> None:
    """The same slots make the same routes, wherever they are switched to."""
    git(repo, "worktree", "add", "--quiet", "../linked")
    assert cli("mixed", cwd=repo).code == 0
    reply = cli("mixed", cwd=repo.parent / "linked")
    assert "follows the main checkout" in reply.out, reply


def test_status_says_where_each_slot_goes(cli: Cli, repo: Path, home: Path, sealed: dict[str, str]) -> None:
    """Provider, host, format, whether the key is known, whether the gateway runs, and the command for it."""
    cli("mixed", cwd=repo)
    del sealed["LLMSWITCH_KEY_SHIM"]
    data = json.loads(cli("status", "--json", cwd=repo).out)
    assert (data["preset"], data["overrides"], data["gateway"]) == ("mixed", [], {"up": False})
    via = {"provider": "shim", "host": "shim.example", "protocol": "openai", "key": "shim", "key_known": False}
    assert data["slots"]["opus"]["via"] == via
    assert {problem["code"]: problem["fix"] for problem in data["problems"]} == {
        "gateway-down": "llmswitch gateway start",
        "key-unknown": "llmswitch save-key shim",
    }
    text = cli("status", cwd=repo).out
    assert "at shim.example (shim key, OpenAI format)" in text
    assert "not running" in text


def test_status_sees_that_a_mixed_preset_was_changed(cli: Cli, repo: Path, home: Path) -> None:
    """The pin holds the routes of the switch; `--check` says so."""
    cli("mixed", cwd=repo)
    assert cli("status", "--check", cwd=repo).code == 0
    preset(home, "local", {**LOCAL, "base_url": "http://127.0.0.1:1"})
    assert cli("status", "--check", cwd=repo).code == 3


def test_the_gateway_starts_stops_and_tells(cli: Cli, repo: Path, home: Path) -> None:
    """In the background; a second start and a second stop find nothing to do; a taken port is said."""
    port = json.loads((home / "config.json5").read_text())["gateway_port"]
    assert cli("gateway", "start").out == f"The gateway listens on http://127.0.0.1:{port}.\n"
    try:
        assert "runs already" in cli("gateway", "start").out
        cli("mixed", cwd=repo)
        status = json.loads(cli("gateway", "status", "--json").out)
        assert (status["up"], status["port"], len(status["routes"]), status["keys"]) == (True, port, 1, [])
        taken = cli("gateway", "run", env={"LLMSWITCH_HOME": str(_other(home, port))})
        assert taken.code == 1
        assert f"Port {port} cannot be used" in taken.err
        data = json.loads(cli("status", "--json", cwd=repo).out)
        assert data["gateway"] == {"up": True}
    finally:
        assert cli("gateway", "stop").out == "The gateway has stopped.\n"
    assert "does not run" in cli("gateway", "stop").out
    assert json.loads(cli("gateway", "status", "--json").out)["up"] is False


def _other(home: Path, port: int) -> Path:
    other = home.parent / "other"
    other.mkdir()
    (other / "config.json5").write_text(json.dumps({"gateway_port": port}))
    return other


def test_without_its_extra_the_gateway_says_what_to_install(cli: Cli, repo: Path, home: Path, tmp_path: Path) -> None:
    """A switch that needs it writes nothing, and everything else works."""
    site = tmp_path / "site"
    site.mkdir()
    hide = (
        "import sys\nfrom importlib.machinery import PathFinder\n"
        "class Hide(PathFinder):\n    @classmethod\n    def find_spec(cls, name, *a, **k):\n"
        "        return None if name == 'httptools' else super().find_spec(name, *a, **k)\n"
        "sys.meta_path[:] = [Hide if finder is PathFinder else finder for finder in sys.meta_path]\n"
    )
    (site / "sitecustomize.py").write_text(hide)
    without = {"PYTHONPATH": str(site)}
    for arguments in (["mixed"], ["gateway", "start"], ["gateway", "run"]):
        reply = cli(*arguments, cwd=repo, env=without)
        assert reply.code == 1
        assert re.search(r"Install it: .*(\[gateway\]|scripts/setup gateway)", reply.err), reply
    assert not settings_of(repo).exists()
    assert cli("openrouter", cwd=repo, env=without).code == 0
