"""What version 0.1 wrote goes on working: files of a real run of it, in tests/support/from_0_1."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from conftest import Cli, git, settings_of
from support.tree import ROOT

OLD = ROOT / "tests" / "support" / "from_0_1"
KEY = "sk-or-v1-0123456789abcdef0123456789abcdef"  # the fake one in those files
FIRST = b"""{
  "permissions": {"allow": ["Bash(ls:*)"]},
  "env": {
    "API_TIMEOUT_MS": "1234",
    "CLAUDE_CODE_ATTRIBUTION_HEADER": "1"
  }
}
"""  # what stood there before 0.1 came


def put(repo: Path, pin: str, state: str) -> None:
    """Lay a settings file and a state of 0.1 into a repository, with the ignore rule that it wrote."""
    settings_of(repo).parent.mkdir()
    settings_of(repo).write_bytes((OLD / pin).read_bytes())
    settings_of(repo).chmod(0o600)
    (repo / ".git/llmswitch").mkdir()
    (repo / ".git/llmswitch/state.json").write_bytes((OLD / state).read_bytes())
    with (repo / ".git/info/exclude").open("a") as file:
        file.write("/.claude/settings.local.json\n/.claude/.llmswitch-*\n")


@pytest.fixture
def pinned(repo: Path) -> Path:
    """A repository that 0.1 pinned to deepseek, with another haiku, over settings of the user's."""
    put(repo, "pin.json", "state.json")
    return repo


def test_the_pin_is_known_and_is_no_difference(cli: Cli, pinned: Path) -> None:
    """By its name, with its override; `--check` is 0, doctor has no error."""
    data = json.loads(cli("status", "--json", cwd=pinned).out)
    assert (data["preset"], data["overrides"]) == ("deepseek", ["haiku"])
    assert data["credential"]["source"] == "LLMSWITCH_KEY_OPENROUTER"
    assert {problem["level"] for problem in data["problems"]} <= {"note"}
    assert cli("status", "--check", cwd=pinned).code == 0
    assert cli("doctor", cwd=pinned, env={"LLMSWITCH_KEY_OPENROUTER": KEY}).code == 0


def test_taking_it_away_gives_the_first_file_back(cli: Cli, pinned: Path) -> None:
    """Byte for byte, with the value that 0.1 displaced."""
    assert cli("claude", cwd=pinned).code == 0
    assert settings_of(pinned).read_bytes() == FIRST


def test_a_switch_over_it_and_away_gives_the_first_file_back_too(cli: Cli, pinned: Path) -> None:
    """0.2 writes more into a pin than 0.1 did."""
    env = {"LLMSWITCH_KEY_OPENROUTER": KEY}
    assert cli("openrouter", cwd=pinned, env=env).code == 0
    assert cli("-", cwd=pinned, env=env).code == 0
    data = json.loads(cli("status", "--json", cwd=pinned).out)
    assert (data["preset"], data["overrides"]) == ("deepseek", ["haiku"])
    assert cli("claude", cwd=pinned).code == 0
    assert settings_of(pinned).read_bytes() == FIRST
    assert git(pinned, "status", "--short") == ""


def test_a_helper_of_an_installation_that_is_gone_is_found_and_replaced(cli: Cli, repo: Path) -> None:
    """The pin is known; doctor names the helper; a switch writes its own, and the file goes with the pin."""
    put(repo, "helper_pin.json", "helper_state.json")
    env = {"LLMSWITCH_KEY_OPENROUTER": KEY}
    assert json.loads(cli("status", "--json", cwd=repo).out)["preset"] == "devstral"
    found = json.loads(cli("doctor", "--json", cwd=repo, env=env).out)["problems"]
    assert "helper-gone" in {problem["code"] for problem in found}
    assert cli("devstral", "--key-helper", cwd=repo, env=env).code == 0
    helper = json.loads(settings_of(repo).read_text())["apiKeyHelper"]
    assert "/opt/llmswitch-0.1" not in helper
    assert os.path.isabs(helper.split()[0])
    assert cli("claude", cwd=repo).code == 0
    assert not settings_of(repo).exists()


def test_the_users_own_files_are_read_as_before(cli: Cli, repo: Path, own: Path, key: str) -> None:
    """Presets, the configuration, prices and the names of saved keys, in every field that 0.1 knew."""
    (own / "openrouter.json5").write_text(
        '{ extends: "openrouter", slots: { sonnet: "qwen/qwen3-coder", opus: { model: "a/b", name: "big" } } }'
    )
    (own / "work.json5").write_text(
        """{ title: "Work", base_url: "https://llm.example", key: "work", auth: "api-key", default_slot: "sonnet",
             default_model: "m", slots: { haiku: "h", subagent: "" }, env: { API_TIMEOUT_MS: "600000" }, cloud: null,
             notes: ["n"], docs: "https://llm.example/docs", verified: "2026-11-20", key_prefix: "wk-",
             key_from: { env: "WORK_KEY" } }"""
    )
    (own.parent / "config.json5").write_text('{ key_delivery: "helper", gateway_port: 28888 }')
    (own.parent / "state").mkdir()
    (own.parent / "state/keys.json").write_text('{"openrouter": "keyring.backends.SecretService.Keyring"}')
    assert cli("presets", "check").out.endswith("2 presets checked, all right.\n")
    assert cli("work", cwd=repo, env={"WORK_KEY": "wk-0123456789abcdef0123"}).code == 0
    assert "print-key" in json.loads(settings_of(repo).read_text())["apiKeyHelper"]
    assert cli("openrouter", "--start", "big", cwd=repo).code == 0
    assert "openrouter" in cli("keys").out
