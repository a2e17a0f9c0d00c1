"""Files that no switch of ours wrote: named after the preset they look like or after none, never after a wrong one."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from pathlib import Path

import pytest
from conftest import Cli, settings_of

from llmswitch.base.errors import COMMANDS
from llmswitch.base.problem import Problem
from llmswitch.claude.variables import API_KEY, AUTH_TOKEN, BASE_URL, SLOTS, VARIABLES
from llmswitch.presets.catalog import Catalog
from llmswitch.presets.files import shipped_folder
from llmswitch.presets.listing import names
from llmswitch.presets.pin import pin
from llmswitch.status.looks_like import recognised

CATALOG = Catalog(shipped_folder(), "/nowhere", COMMANDS)
PINS = {
    name: found for name in names(CATALOG) if CATALOG.load(name).default_model or CATALOG.load(name).slots
    if (members := pin(CATALOG.load(name), {}, CATALOG).members)
    if (found := {key: text for key, text in members.items() if isinstance(text, str)})
}  # fmt: skip
HAIKU, SONNET, OPUS = (VARIABLES[slot] for slot in ("haiku", "sonnet", "opus"))
FOREIGN = "foreign-0123456789abcdef0123"


def look(values: Mapping[str, str]) -> tuple[str | None, Problem]:
    """Return the name that a file's values get, and the finding."""
    problems: list[Problem] = []
    preset = recognised(values, CATALOG, problems)
    [problem] = problems
    return preset.name if preset else None, problem


def three(haiku: str, sonnet: str, opus: str) -> dict[str, str]:
    """Return what the scripts of the backend guide write."""
    return {
        AUTH_TOKEN: FOREIGN,
        API_KEY: "",
        BASE_URL: "https://openrouter.ai/api",
        HAIKU: haiku,
        SONNET: sonnet,
        OPUS: opus,
    }


def vendor(url: str, *models: str, **more: str) -> dict[str, str]:
    """Return what a provider's page says to put into settings: its URL, a token and three models, or one for all."""
    found = models if len(models) == 3 else models * 3
    return {AUTH_TOKEN: FOREIGN, BASE_URL: url, HAIKU: found[0], SONNET: found[1], OPUS: found[2], **more}


@pytest.mark.parametrize("changed", range(3))
@pytest.mark.parametrize("name", PINS)
def test_a_shipped_preset_with_some_slots_changed_gets_its_own_name_or_none(name: str, changed: int) -> None:
    """Or that of one with the very same slots; each choice of slots to change is tried."""
    same = {other for other in PINS if [PINS[other][each] for each in (BASE_URL, *VARIABLES.values())]
            == [PINS[name][each] for each in (BASE_URL, *VARIABLES.values())]}  # fmt: skip
    set_ones = [slot for slot in SLOTS if PINS[name][VARIABLES[slot]]]
    for first in range(len(set_ones) - changed + 1):
        other = {VARIABLES[slot]: f"someone/else-{slot}" for slot in set_ones[first : first + changed]}
        found, problem = look({**PINS[name], **other})
        assert found in {*same, None}, (other, found)
        if changed == 0:
            assert found in same
        if found:
            assert problem.message.startswith(f"Looks like {found}")
            typed = shlex.split(problem.fix)
            assert [word for word in typed if word.startswith("someone/")] == list(other.values())


FILES = {
    "the guide's openrouter": (three("mistralai/devstral-2512", "google/gemini-2.5-pro", "anthropic/claude-opus-4"),
                               "openrouter"),
    "the guide's json": (three("mistralai/devstral-2512", "qwen/qwen3-coder-480b-a35b", "anthropic/claude-opus-4"),
                         "mixed"),
    "the guide's deepseek": (three(*["deepseek/deepseek-r1-0528"] * 3), "deepseek"),
    "its label": (three(*["deepseek/deepseek-v3.2"] * 3), "deepseek"),
    "DeepSeek V3 under its old id": (three(*["deepseek/deepseek-chat-v3-0324"] * 3), "deepseek"),
    "the guide's devstral": (three(*["mistralai/devstral-2512"] * 3), "devstral"),
    "the guide's qwen": (three("mistralai/devstral-2512", *["qwen/qwen3-coder-480b-a35b"] * 2), "qwen"),
    "the guide's best value": (three("deepseek/deepseek-r1-0528", "qwen/qwen3-coder:exacto", "anthropic/claude-opus-4"),
                               "best-value"),
    "somebody's at OpenRouter": (three("a/b", "c/d", "e/f"), None),
    "a slash at the end": (three(*["mistralai/devstral-2512"] * 3) | {BASE_URL: "https://OpenRouter.ai/api/"},
                           "devstral"),
    "claude-multi, GLM": (vendor("https://api.z.ai/api/anthropic", "glm-5-turbo", "glm-5.1", "glm-5.1",
                                 ANTHROPIC_MODEL="glm-5.1", ANTHROPIC_SMALL_FAST_MODEL="glm-5-turbo",
                                 ENABLE_THINKING="true"), "glm"),
    "claude-multi, MiniMax": (vendor("https://api.minimax.io/anthropic", "MiniMax-M3", ANTHROPIC_MODEL="MiniMax-M3",
                                     ANTHROPIC_SMALL_FAST_MODEL="MiniMax-M3"), "minimax"),
    "Z.AI's page": (vendor("https://api.z.ai/api/anthropic", "glm-4.5-air", "glm-4.7", "glm-4.7",
                           API_TIMEOUT_MS="3000000"), "glm"),
    "BigModel's page": (vendor("https://open.bigmodel.cn/api/anthropic", "glm-5.3-flash[1m]"), "bigmodel"),
    "DeepSeek's page": (vendor("https://api.deepseek.com/anthropic", "deepseek-chat",
                               ANTHROPIC_MODEL="deepseek-chat"), "deepseek-direct"),
    "Kimi's page": (vendor("https://api.moonshot.ai/anthropic", "kimi-k2-0711-preview"), "moonshot"),
    "Kimi's page in China": (vendor("https://api.moonshot.cn/anthropic", "kimi-k2-turbo-preview"), "moonshot-cn"),
    "MiniMax's page": (vendor("https://api.minimax.io/anthropic", "MiniMax-M2.1"), "minimax"),
    "MiniMax's page in China": (vendor("https://api.minimaxi.com/anthropic", "MiniMax-M2"), "minimax-cn"),
    "only a URL and a token": ({BASE_URL: "https://api.z.ai/api/anthropic", AUTH_TOKEN: FOREIGN}, "glm"),
    "only those, at OpenRouter": ({BASE_URL: "https://openrouter.ai/api", AUTH_TOKEN: FOREIGN}, None),
    "claude-code-router": ({BASE_URL: "http://127.0.0.1:3456", AUTH_TOKEN: "test"}, None),
    "cc-switch's proxy": ({BASE_URL: "http://127.0.0.1:15721", AUTH_TOKEN: "PROXY_MANAGED"}, None),
    "ccs": ({BASE_URL: "http://127.0.0.1:8317/api/provider/gemini", AUTH_TOKEN: "ccs-internal-managed"}, None),
    "a stranger": (vendor("https://x.example", "glm-5.3"), None),
}  # fmt: skip


@pytest.mark.parametrize("file", FILES)
def test_a_file_of_another_tool_gets_the_right_name(file: str) -> None:
    """Older ids count as what they are today; with a preset comes the one command that takes the file over."""
    values, expected = FILES[file]
    found, problem = look(values)
    assert found == expected, problem
    if expected:
        key = CATALOG.load(expected).key
        assert shlex.split(problem.fix)[:2] == ["llmswitch", expected]
        assert problem.fix.endswith(f" --adopt-key {key}")
    else:
        assert problem.code == "unknown-preset"


@pytest.mark.parametrize(
    ("file", "tool"),
    [
        ("claude-code-router", "claude-code-router"),
        ("ccs", "ccs"),
        ("cc-switch's proxy", "cc-switch"),
        ("claude-multi, GLM", "claude-multi"),
    ],
)
def test_a_tool_that_shows_is_named(file: str, tool: str) -> None:
    """By its usual address on this machine, or by a variable that only it writes."""
    assert tool in look(FILES[file][0])[1].message


def test_a_file_that_fits_several_is_none_of_them_and_is_taken_over_all_the_same() -> None:
    """Two slots are openrouter's and mixed's; the command names every slot that is not the preset's."""
    found, problem = look(three("mistralai/devstral-2512", "x/y", "anthropic/claude-opus-4"))
    assert (found, problem.code) == (None, "unknown-preset")
    assert problem.message == "Not a known preset (openrouter.ai). It has some of openrouter and mixed."
    assert problem.fix == "llmswitch openrouter --sonnet x/y --adopt-key openrouter"


def test_a_preset_without_one_equal_slot_is_not_called_near() -> None:
    """Only the host is the same."""
    found, problem = look(three("x/a", "x/b", "x/c"))
    assert (found, problem.message) == (None, "Not a known preset (openrouter.ai).")


def test_a_file_is_never_said_to_have_been_put_here_and_one_command_takes_it_over(
    cli: Cli, repo: Path, sealed: dict[str, str]
) -> None:
    """Without a record of ours; the command works as it is printed."""
    path = settings_of(repo)
    path.parent.mkdir()
    path.write_text(json.dumps({"env": three("mistralai/devstral-2512", "google/gemini-2.5-pro", "x/y")}))
    reply = cli("status", cwd=repo)
    assert "looks like openrouter, opus changed" in reply.out
    assert "put here:" not in reply.out
    assert reply.out.count("fable.") == 1
    data = json.loads(cli("status", "--json", cwd=repo).out)
    assert (data["preset"], data["looks_like"]) == ("openrouter", True)
    [fix] = [problem["fix"] for problem in data["problems"] if problem["code"] == "looks-like"]
    assert fix == "llmswitch openrouter --opus x/y --adopt-key openrouter"
    fixed = cli("doctor", "--fix", cwd=repo)
    data = json.loads(path.read_text())
    assert data["env"][VARIABLES["fable"]] == "x/y", fixed
    assert "availableModels" not in data  # the preset's list lacks x/y
    assert cli("openrouter", cwd=repo, env={"LLMSWITCH_KEY_OPENROUTER": FOREIGN}).code == 0
    assert json.loads(cli("status", "--json", cwd=repo).out)["looks_like"] is False
