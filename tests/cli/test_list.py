"""`llmswitch list`, and `llmswitch use` without a preset."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from conftest import KEY, Cli, settings_of
from support.terminal import Terminal
from support.tree import of_this_tree

from llmswitch.base.errors import COMMANDS
from llmswitch.keys.sources import variable
from llmswitch.presets.catalog import Catalog
from llmswitch.presets.files import shipped_folder
from llmswitch.presets.listing import names

CATALOG = Catalog(shipped_folder(), "/nowhere", COMMANDS)
EVERY_KEY = {
    variable(key): "sk-canary-0123456789abcdef0123" for name in names(CATALOG) if (key := CATALOG.load(name).key)
}
USE = [sys.executable, "-m", "llmswitch", "use"]


@pytest.mark.parametrize(
    "env", [{}, {"LLMSWITCH_KEY_ZAI": "sk-canary-0123456789abcdef0123"}, EVERY_KEY], ids=["none", "one", "all"]
)
def test_the_list_fits_on_a_small_terminal_and_has_every_name(cli: Cli, env: dict[str, str]) -> None:
    """Whatever keys there are: 40 lines, those whose key is known first, the others by group."""
    lines = cli("list", env=env).out.splitlines()
    assert len(lines) <= 40
    text = " ".join(lines).replace(",", " ").split()
    assert set(names(CATALOG)) <= set(text)
    full = [line[3:].split()[0] for line in lines[1 : lines.index("")]]
    assert "claude" in full
    if env and env != EVERY_KEY:
        assert full == ["claude", "glm"]
    assert all(len(line) <= 80 for line in lines)


def test_all_has_a_line_for_each_and_a_word_those_that_have_it(cli: Cli) -> None:
    """By name, other name, title, group, key or host; --names and --json are for programs."""
    whole = cli("list", "--all").out.splitlines()
    assert {line[3:].split()[0] for line in whole[1:] if not line.startswith("--")} == set(names(CATALOG))
    found = {line[3:].split()[0] for line in cli("list", "kimi").out.splitlines()[1:] if not line.startswith("--")}
    assert {"moonshot", "moonshot-cn", "kimi-code"} <= found
    assert "openrouter" not in found
    assert cli("list", "--names", "api.z.ai").out.split() == ["glm"]
    assert set(cli("list", "--names").out.split()) == set(names(CATALOG))
    rows = json.loads(cli("list", "--json").out)
    assert {row["name"] for row in rows} == set(names(CATALOG))
    assert all(row["group"] for row in rows)
    reply = cli("list", "no-such-word")
    assert (reply.code, "No preset has 'no-such-word' in its name" in reply.err) == (2, True)
    assert json.loads(cli("list", "no-such-word", "--json").out) == []


def test_use_without_a_terminal_asks_for_a_name(cli: Cli, repo: Path) -> None:
    """And changes nothing."""
    reply = cli("use", cwd=repo)
    assert (reply.code, "Name a preset: llmswitch use PRESET." in reply.err) == (2, True)
    assert not (repo / ".claude").exists()


@pytest.fixture
def person(sealed: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """An environment with a key and a PATH that has git but no fzf."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("git", "sh", "cat"):
        found = next(Path(each, name) for each in os.environ["PATH"].split(":") if Path(each, name).exists())
        (folder / name).symlink_to(found)
    return of_this_tree({**sealed, "PATH": str(folder), "LLMSWITCH_KEY_OPENROUTER": KEY, "TERM": "dumb"})


@pytest.mark.parametrize("answer", ["3", "best-value"])
def test_a_person_chooses_from_a_numbered_list(repo: Path, person: dict[str, str], answer: str) -> None:
    """By its number or its name; what is not there is asked for again."""
    with Terminal(USE, repo, person) as terminal:
        terminal.expect("Number or name")
        terminal.send("no-such\n")
        terminal.expect("There is no 'no-such' here.")
        terminal.send(f"{answer}\n")
        assert terminal.wait() == 0
    assert json.loads(settings_of(repo).read_text())["env"]["ANTHROPIC_BASE_URL"] == "https://openrouter.ai/api"


@pytest.mark.parametrize("keys", ["\n", "\x1b\n", "\x04"])
def test_leaving_the_list_changes_nothing(repo: Path, person: dict[str, str], keys: str) -> None:
    """An empty line, Esc and the end of the input."""
    with Terminal(USE, repo, person) as terminal:
        terminal.expect("Number or name")
        terminal.send(keys)
        assert terminal.wait() == 130
    assert not (repo / ".claude").exists()


def test_fzf_gets_the_presets_with_their_show_as_a_preview(repo: Path, person: dict[str, str], tmp_path: Path) -> None:
    """The first word of the line that it prints is the preset; Esc is its exit code 130."""
    fzf = tmp_path / "bin" / "fzf"
    fzf.write_text(
        f'#!/bin/sh\nprintf "%s\\n" "$@" > {tmp_path}/args\ncat > {tmp_path}/lines\necho "deepseek  DeepSeek"\n'
    )
    fzf.chmod(0o755)
    with Terminal(USE, repo, person) as terminal:
        assert terminal.wait() == 0
    assert json.loads(settings_of(repo).read_text())["env"]["ANTHROPIC_DEFAULT_OPUS_MODEL"] == "deepseek/deepseek-v3.2"
    assert "show {1}" in (tmp_path / "args").read_text()
    assert "--tiebreak=begin" in (tmp_path / "args").read_text()  # "devstral" is not `budget`, whose title has it
    assert {line.split()[0] for line in (tmp_path / "lines").read_text().splitlines()} == set(names(CATALOG))
    before = settings_of(repo).read_bytes()
    fzf.write_text("#!/bin/sh\nexit 130\n")
    with Terminal(USE, repo, person) as terminal:
        assert terminal.wait() == 130
    assert settings_of(repo).read_bytes() == before
