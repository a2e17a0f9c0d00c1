"""A value with a line break, or with what steers a terminal, stays on its own line, whichever command prints it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import Cli, git, settings_of

COMMANDS = (
    ["status"], ["status", "--short"], ["status", "--all"], ["status", "--all", "--short"], ["statusline"],
    ["doctor"], ["openrouter", "--dry-run", "--discard-key"], ["openrouter", "--discard-key"], ["claude"], ["-"],
    ["ladder"], ["list"], ["log"], ["status", "--everywhere"],
)  # fmt: skip
FORGED = "FORGED claude: all is well"
VALUES = {
    "line break": f"x\n{FORGED}",
    "carriage return": f"x\r{FORGED}",
    "vertical tab": f"x\x0b{FORGED}",
    "next line": f"x\x85{FORGED}",
    "line separator": f"x\u2028{FORGED}",
    "escape": f"x\x1b[2K\x1b[G{FORGED}",
    "right to left": f"x\u202e{FORGED}",
}
MEMBERS = (
    "ANTHROPIC_MODEL", "ANTHROPIC_DEFAULT_OPUS_MODEL", "ANTHROPIC_DEFAULT_SONNET_MODEL",
    "ANTHROPIC_DEFAULT_HAIKU_MODEL", "ANTHROPIC_BASE_URL", "CLAUDE_CODE_SUBAGENT_MODEL", "ANTHROPIC_SMALL_FAST_MODEL",
)  # fmt: skip


def lines(text: str) -> list[str]:
    """Return the lines as a terminal shows them."""
    return text.replace("\r", "\n").splitlines()


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_no_value_makes_a_line_of_its_own(cli: Cli, repo: Path, key: str, words: list[str]) -> None:
    """In the settings of the worktree, and in the name of a linked one."""
    linked = repo.parent / VALUES["line break"]
    git(repo, "worktree", "add", "--quiet", "--detach", str(linked))
    for folder in (repo, linked):
        settings_of(folder).parent.mkdir()
        settings_of(folder).write_text(json.dumps({"env": dict(zip(MEMBERS, VALUES.values(), strict=True))}))
    for folder in (repo, linked):
        reply = cli(*words, cwd=folder)
        shown = lines(reply.out) + lines(reply.err)
        assert [line for line in shown if line.startswith("FORGED")] == [], reply
        assert "\x1b" not in reply.out + reply.err
        assert "\u202e" not in reply.out + reply.err


def test_json_says_what_is_there(cli: Cli, repo: Path) -> None:
    """The line break as it is."""
    settings_of(repo).parent.mkdir()
    settings_of(repo).write_text(json.dumps({"env": {"ANTHROPIC_MODEL": VALUES["line break"]}}))
    reply = cli("status", "--json", cwd=repo)
    assert json.dumps(VALUES["line break"]) in json.dumps(json.loads(reply.out)), reply
