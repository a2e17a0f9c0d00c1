"""Names that people type: other names of presets, words of other tools, typos."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import Cli, settings_of

from llmswitch.base.errors import COMMANDS, UsageProblem
from llmswitch.presets.catalog import Catalog
from llmswitch.presets.files import shipped_folder
from llmswitch.presets.listing import names
from llmswitch.presets.words import MEANT, aliases, preset_named, stranger

SHIPPED = Catalog(shipped_folder(), "/nowhere", COMMANDS)
SAID = {
    name: json.loads(Path(shipped_folder(), f"{name}.json5").read_text()).get("aliases", []) for name in names(SHIPPED)
}
EXPECTED = {
    "zai": "glm", "kimi": "moonshot", "xai": "grok", "zhipu": "bigmodel", "xiaomi": "mimo", "hf": "huggingface",
    "mm": "minimax", "ds": "deepseek", "or": "openrouter", "azure": "foundry", "aws": "bedrock",
    "dashscope": "qwencloud", "doubao": "volcengine", "gpt": "openai",
}  # fmt: skip


@pytest.mark.parametrize(("alias", "preset"), EXPECTED.items())
def test_what_people_call_a_provider_leads_to_its_preset(alias: str, preset: str) -> None:
    """In any case, and as the preset itself."""
    assert SHIPPED.load(alias) is SHIPPED.load(preset)
    assert SHIPPED.load(alias.upper()).name == preset


@pytest.mark.parametrize("name", [name for name, others in SAID.items() if others])
def test_no_other_name_of_a_preset_is_taken(name: str) -> None:
    """By a preset, a command, another preset's other name, or a word that means a command."""
    assert aliases(name, SHIPPED) == SAID[name]
    assert not set(SAID[name]) & MEANT.keys()


def test_a_key_named_as_another_name_is_that_presets() -> None:
    """`save-key zai` and `zai` must not mean two providers."""
    keys = {SHIPPED.load(name).key for name in names(SHIPPED)}
    taken = {alias: preset for preset, others in SAID.items() for alias in others if alias in keys}
    assert [alias for alias, preset in taken.items() if SHIPPED.load(preset).key != alias] == []


@pytest.mark.parametrize("word", MEANT)
def test_a_word_of_other_tools_gets_the_command_that_is_meant(word: str) -> None:
    """And is never a preset's or a command's own name."""
    assert word not in {*names(SHIPPED), *COMMANDS}
    with pytest.raises(UsageProblem, match="is neither a command nor a preset") as caught:
        SHIPPED.load(word)
    assert "llmswitch " in caught.value.hint
    assert "{" not in caught.value.hint


@pytest.mark.parametrize(
    ("words", "command"),
    [
        ("off", "llmswitch claude"),
        ("reset --sonnet x", "llmswitch claude"),
        ("current", "llmswitch status"),
        ("switch openrouter", "llmswitch openrouter"),
        ("set glm --start opus", "llmswitch glm --start opus"),
        ("switch", "llmswitch PRESET"),
        ("init", "llmswitch save-key openrouter"),
    ],
)
def test_the_command_line_answers_with_that_command(cli: Cli, repo: Path, words: str, command: str) -> None:
    """Exit 2, and nothing is changed."""
    reply = cli(*words.split(), cwd=repo)
    assert (reply.code, reply.err.rstrip().endswith(command) or command in reply.err) == (2, True), reply
    assert not (repo / ".claude").exists()


@pytest.mark.parametrize("words", ["opnrouter --sonnet x", "opnrouter --no-such-option", "opnrouter x y"])
def test_an_unknown_word_is_said_before_its_options(cli: Cli, repo: Path, words: str) -> None:
    """Whatever stands behind it."""
    reply = cli(*words.split(), cwd=repo)
    assert (reply.code, "There is no preset 'opnrouter'. Did you mean openrouter?" in reply.err) == (2, True), reply


def test_near_misses_of_other_names_count_too() -> None:
    """`dashscop` is nearer to an other name than to any preset."""
    assert "Did you mean dashscope?" in str(stranger(["dashscop"], SHIPPED))


def test_an_alias_is_recorded_as_the_preset_and_saves_its_key(cli: Cli, repo: Path, key: str) -> None:
    """So status, `-` and the list say the same as with the preset's name."""
    assert cli("or", cwd=repo).code == 0
    assert json.loads(cli("status", "--json", cwd=repo).out)["preset"] == "openrouter"
    assert "LLMSWITCH_KEY_MINIMAX" in cli("mm", cwd=repo).err


def test_the_users_own_presets_are_stronger_than_any_other_name(cli: Cli, repo: Path, own: Path) -> None:
    """A file of that name first, then other names in their files; what they extend hands none on."""
    (own / "or.json5").write_text("{base_url: 'http://127.0.0.1:1', default_model: 'mine'}")
    (own / "off.json5").write_text("{base_url: 'http://127.0.0.1:1', default_model: 'mine', aliases: ['kimi']}")
    (own / "openrouter.json5").write_text("{extends: 'openrouter', slots: {haiku: 'x/y'}}")
    for word in ("or", "off", "kimi"):
        assert cli(word, cwd=repo).code == 0
        assert "mine" in settings_of(repo).read_text()
    mine = Catalog(shipped_folder(), str(own), COMMANDS)
    assert (preset_named("or", mine), aliases("openrouter", mine)) == ("openrouter", ["open-router"])
    (own / "wrong.json5").write_text("{aliases: ['A b'], base_url: 'http://127.0.0.1:1'}")
    assert "aliases holds 'A b'" in cli("presets", "check").out
