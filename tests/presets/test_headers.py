"""Which hosts take a key helper's two headers, as far as a preset says it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from conftest import KEY, Cli


@pytest.mark.parametrize(
    ("preset", "word"), [("huggingface", "taken"), ("moonshot", "not taken"), ("openrouter", "unknown")]
)
def test_show_says_it_and_where_nobody_knows_it_says_so(cli: Cli, preset: str, word: str) -> None:
    """In words and as data; a preset without a key says nothing."""
    told = {"taken": "works", "not taken": "does not work", "unknown": "not known"}[word]
    assert re.search(rf"^  key helper +{told} \(--key-helper: ", cli("show", preset).out, re.MULTILINE)
    assert json.loads(cli("show", preset, "--json").out)["two_headers"] == word
    assert json.loads(cli("show", "ollama", "--json").out)["two_headers"] is None


def test_another_host_does_not_inherit_it(cli: Cli, own: Path) -> None:
    """Nor is a wrong value passed over."""
    (own / "mine.json5").write_text('{extends: "moonshot", base_url: "https://proxy.example.com"}')
    assert json.loads(cli("show", "mine", "--json").out)["two_headers"] == "unknown"
    (own / "mine.json5").write_text('{extends: "moonshot", two_headers: "yes"}')
    assert "two_headers must be true or false" in cli("presets", "check").out


def test_a_switch_to_a_helper_warns_of_a_host_that_refuses_them(cli: Cli, repo: Path, sealed: dict[str, str]) -> None:
    """With what tries it; with a token, or at a host of which that is not reported, there is nothing to say."""
    sealed |= {"LLMSWITCH_KEY_MOONSHOT": KEY, "LLMSWITCH_KEY_OPENROUTER": KEY}
    assert "both headers" not in cli("moonshot", cwd=repo).err
    reply = cli("moonshot", "--key-helper", cwd=repo)
    assert reply.code == 0
    assert "reported to refuse a key in both headers" in reply.err
    assert "llmswitch doctor --probe" in reply.err
    assert "both headers" not in cli("openrouter", "--key-helper", cwd=repo).err
