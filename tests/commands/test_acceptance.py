"""Every behaviour of the documents this project grew from has a row with a name, and each row a test that says it."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parent.parent
# Where what the documents say is not what holds, the row says what does.
ROWS = {
    "CX1": "the preset's slots are the models of their variables",
    "CX2": "a slot that is left out is the default model",
    "CX3": "without slots every one is the default model",
    "CX4": "neither is an error that names the preset",
    "CX5": "an exported slot overrides, is announced, and changes no preset",
    "CX6": "command line, environment, preset, default model: in this order",
    "CX7": "its nine examples, with ids of today",
    "CX8": "/model sends the mapped id",
    "CX9": "a launch with the mapping",
    "CM1": "base URL, start and slots; the start is an alias",
    "CM2": "the deprecated fast model is blank",
    "CM3": "glm has the plan's models only",
    "CM4": "minimax has one model in every role",
    "CM5": "one chosen model in every role",
    "CM6": "a changed slot survives an upgrade",
    "CM7": "an unmapped role is warned about",
    "CM8": "window and compaction belong to the preset",
    "AF1": "small, medium and large are slots",
    "AF2": "aliases mean their slot",
    "AF3": "the client's own defaults are shown",
    "AF4": "never configured is untouched",
    "AF5": "an object needs a model; a key in a file is rejected",
    "AF6": "the provider of a bare id is inferred, or the choices are named",
    "AF7": "a custom name selects its slot",
    "AF8": "a name equal to another slot's wins, with a warning",
    "AF9": "auto is left to Claude Code, and refused for a third party",
    "AF10": "the environment overrides the id of a slot only",
    "AF11": "a URL and a key of a slot's own",
    "AF12": "the provider is configuration",
    "AF13": "a key never reaches another provider",
    "AF14": "every slot at another provider at once",
    "FR1": "a switch merges into env and leaves the rest",
    "FR2": "the key in one place, no placeholder, none without a key",
    "FR3": "openrouter has the template's models",
    "FR4": "deepseek and devstral have one model",
    "FR5": "deepseek is DeepSeek V3.2 by its right id",
    "FR6": "claude takes all away",
    "FR7": "there and back gives the first bytes",
    "FR8": "a switch leaves other worktrees alone",
    "FR9": "main direct, another worktree elsewhere",
    "FR10": "a worktree under a pinned main is refused with the ways on",
    "FR11": "a subfolder means its worktree",
    "FR12": "status says URL, credential, slots, preset and difference",
    "FR13": "status of no file, an empty, a bare and a broken one",
    "FR14": "a key is saved once, replaced, and taken from a file",
    "FR15": "a changed preset is taken; a second run writes nothing",
    "FR16": "a restart is asked for only where it is needed",
    "FR17": "the recipes are presets",
    "FR18": "prices have a date and a source; the fee is told",
    "FR19": "the cost of a session is computed",
    "FR20": "percentages are computed",
    "FR21": "two prices of one name are told apart",
    "FR22": "claims that the tables contradict are not copied",
    "FR23": "a variant is kept and priced as its base",
    "FR24": "a near miss of an id is warned about",
    "FR25": "ratings are shown; a weak one warns",
    "FR26": "what people run into is answered",
    "ML1": "a ladder is a list of models, cheapest first",
    "ML2": "a malformed one is ignored with a warning",
    "ML3": "halves are rounded up",
    "ML4": "a model that the ladder lacks gives way to the session's",
    "ML5": "one that it holds is used as it is",
    "ML6": "bands, ladder or starter, and the session's model are shown",
    "ML7": "one model is one line",
    "ML8": "ids of clouds pass verbatim",
    "ML9": "without the file the defaults are back",
    "ML10": "without a ladder nothing is different",
    "ML11": "the ladder is the worktree's own; a tracked one is noted",
    "ML12": "low, medium and high are haiku, sonnet and opus",
}
_ROW = re.compile(r"\b(?:CX|CM|AF|FR|ML)\d+\b")


@cache
def named() -> dict[str, list[str]]:
    """Return {row: the tests whose name, docstring or marks name it}."""
    found: dict[str, list[str]] = {}
    for path in sorted(TESTS.rglob("test_*.py")):
        if path == Path(__file__):
            continue
        text = path.read_text()
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                marks = " ".join(ast.get_source_segment(text, each) or "" for each in node.decorator_list)
                said = f"{node.name.replace('_', ' ').upper()} {ast.get_docstring(node) or ''} {marks}"
                for row in set(_ROW.findall(said)):
                    found.setdefault(row, []).append(f"{path.relative_to(TESTS)}::{node.name}")
    return found


@pytest.mark.parametrize("row", ROWS)
def test_every_row_is_said_by_a_test(row: str) -> None:
    """By its name; what a test says is in its docstring."""
    assert named().get(row)


def test_no_test_names_a_row_that_is_none() -> None:
    """A typo would make a row look tested."""
    assert set(named()) - set(ROWS) == set()
