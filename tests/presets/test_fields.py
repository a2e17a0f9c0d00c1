"""The list of a preset's fields: what the check knows, a new file has, and the guide tells is the same."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.tree import ROOT

from llmswitch.cli.app import App
from llmswitch.commands.list_show import show
from llmswitch.commands.own_presets import check, new
from llmswitch.presets.catalog import Catalog
from llmswitch.presets.fields import FIELDS
from llmswitch.presets.files import shipped_folder

GUIDE = (ROOT / "src/llmswitch/help/presets.md").read_text()
CATALOG = Catalog(shipped_folder(), "/nowhere")


def test_the_guides_table_is_the_list_of_fields() -> None:
    """Every field with the same words, in the same order."""
    table = GUIDE.partition("| field | what it says |\n|---|---|\n")[2].partition("\n\n")[0]
    assert table.splitlines() == [f"| `{name}` | {field.about} |" for name, field in FIELDS.items()]


def test_no_shipped_preset_has_a_field_that_is_not_listed() -> None:
    """They are read without the check."""
    for path in Path(shipped_folder()).glob("*.json5"):
        assert json.loads(path.read_text()).keys() <= FIELDS.keys(), path.name


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("parent", ["openrouter", "ollama", "glm"])
def test_each_field_of_a_new_file_can_be_uncommented(tmp_path: Path, field: str, parent: str) -> None:
    """With a line that says what it is, and a value that the check takes."""
    own = Catalog(shipped_folder(), str(tmp_path))
    path = Path(new("work", parent, own))
    lines = path.read_text().splitlines()
    found = [at for at, line in enumerate(lines) if line.removeprefix("  // ").lstrip().startswith(f"{field}: ")]
    assert len(found) == 1
    assert field == "extends" or lines[found[0] - 1] == f"  // {FIELDS[field].about.replace('`', '')}"
    lines[found[0]] = lines[found[0]].replace("  // ", "  ", 1) if field != "extends" else lines[found[0]]
    path.write_text("\n".join(lines))
    assert check([str(path)], Catalog(shipped_folder(), str(tmp_path)))[0] == []


def test_a_slot_may_state_its_window(tmp_path: Path) -> None:
    """Then nothing is said of an unknown one, and Claude Code is told it."""
    from llmswitch.presets.pin import pin

    slot = "{model: 'm', window: 65536}"
    (tmp_path / "mine.json5").write_text(
        f"{{base_url: 'http://localhost:1', slots: {{haiku: {slot}, sonnet: 'haiku', opus: 'haiku'}}}}"
    )
    catalog = Catalog(shipped_folder(), str(tmp_path))
    assert pin(catalog.load("mine"), {}, catalog).members["CLAUDE_CODE_MAX_CONTEXT_TOKENS"] == "65536"
    (tmp_path / "mine.json5").write_text(
        "{base_url: 'http://localhost:1', default_model: 'm', slots: {haiku: {model: 'm', window: 'big'}}}"
    )
    wrong, _ = check([str(tmp_path / "mine.json5")], catalog)
    assert "slots.haiku.window must be a whole number of tokens" in wrong[0]


def test_provider_in_a_slot_is_answered_with_the_fields_that_say_it(tmp_path: Path) -> None:
    """As other tools' files have it."""
    (tmp_path / "mine.json5").write_text("{base_url: 'http://localhost:1', slots: {haiku: {id: 'x', provider: 'y'}}}")
    wrong, _ = check([str(tmp_path / "mine.json5")], Catalog(shipped_folder(), str(tmp_path)))
    assert any("slots.haiku.provider is said with preset" in line and "protocol" in line for line in wrong)


@pytest.mark.parametrize(
    ("name", "known", "said"),
    [
        ("claude", {"web_search": True, "pdf": True}, ""),
        ("ollama", {"token_counting": False, "pdf": False, "images": None}, "Not here: token counting, PDF files."),
        ("ollama-coder", {"token_counting": False, "web_search": None}, "Unknown, since no document"),
        ("groq", {"pdf": False, "images": None}, "Not here: PDF files."),
        ("openrouter", {"web_search": None}, '"deny": ["WebSearch"]'),
    ],
)  # fmt: skip
def test_show_says_what_a_backend_lacks_or_that_it_is_unknown(
    name: str, known: dict[str, bool | None], said: str
) -> None:
    """With what takes the tool away in Claude Code; never a guess."""
    data = show(name, CATALOG, App({}).gateway)
    found, notes = data["features"], data["notes"]
    assert isinstance(found, dict)
    assert {word: found[word] for word in known} == known
    assert said in str(notes)
    assert ("WebSearch" in str(notes)) == (name != "claude")
