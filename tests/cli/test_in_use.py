"""What is in use here: the pin that counts, this worktree's or main's; and which command goes past a refusal."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from conftest import Cli, git, settings_of
from support.programs import require_root

CHEAP = "deepseek/deepseek-v3.2"


@pytest.fixture
def linked(cli: Cli, repo: Path, key: str, tmp_path: Path) -> Path:
    """A linked worktree that follows main's pin, which has a model of its own."""
    folder = tmp_path / "linked"
    git(repo, "worktree", "add", "--quiet", str(folder))
    assert cli("openrouter", "--sonnet", CHEAP, cwd=repo).code == 0
    return folder


def test_a_worktree_that_follows_main_uses_mains_preset(cli: Cli, linked: Path) -> None:
    """In the list, the cost and the ladder, as `status` says."""
    rows = json.loads(cli("list", "--json", cwd=linked).out)
    assert [row["name"] for row in rows if row["current"]] == ["openrouter"]
    cost = json.loads(cli("cost", "deepseek", "--json", cwd=linked).out)["rows"]
    assert [row["preset"] for row in cost if row["current"]] == ["openrouter"]
    assert json.loads(cli("ladder", "--json", cwd=linked).out)["preset"] == "openrouter"


def test_a_pin_that_was_removed_by_hand_is_not_in_use(cli: Cli, repo: Path, key: str) -> None:
    """Whatever the last switch was."""
    assert cli("openrouter", cwd=repo).code == 0
    settings_of(repo).unlink()
    assert [row for row in json.loads(cli("list", "--json", cwd=repo).out) if row["current"]] == []
    cost = json.loads(cli("cost", "openrouter", "--json", cwd=repo).out)["rows"]
    assert [row["preset"] for row in cost if row["current"]] == ["claude"]


def test_costs_against_the_preset_in_use_keep_its_row(cli: Cli, repo: Path, key: str) -> None:
    """With models of its own it is another row than the preset as it is shipped."""
    for options in (), ("--sonnet", CHEAP):
        assert cli("openrouter", *options, cwd=repo).code == 0
        rows = json.loads(cli("cost", "deepseek", "--against", "openrouter", "--json", cwd=repo).out)["rows"]
        assert [row["preset"] for row in rows if row["current"]] == ["openrouter"]
        assert len([row for row in rows if row["preset"] == "openrouter"]) == 1 + bool(options)


def test_the_option_that_goes_on_is_named_where_the_command_takes_it(cli: Cli, linked: Path, own: Path) -> None:
    """A switch does, `apply` does not."""
    (own.parent / "config.json5").write_text('{apply: [{folder: "*", preset: "devstral"}]}')
    switched, applied = cli("devstral", cwd=linked), cli("apply", cwd=linked)
    assert (switched.code, applied.code) == (5, 5)
    assert "(--anyway goes on.)" in switched.err
    assert "--anyway" not in applied.err


def test_an_option_of_claude_codes_is_none_of_ours(cli: Cli, repo: Path, key: str, own: Path) -> None:
    """`--anyway` behind `run … --` lets no preset pass that others can write."""
    require_root("to give a file to another group")
    preset = own / "mine.json5"
    preset.write_text("{extends: 'openrouter'}")
    os.chown(preset, -1, 12345)
    preset.chmod(0o664)
    reply = cli("run", "mine", "--", "--anyway", cwd=repo)
    assert reply.code == 5
    assert "its group can write this file" in reply.err


def test_a_rule_of_the_users_says_what_a_switch_says(cli: Cli, repo: Path, key: str, own: Path) -> None:
    """Models that are exported, and the rule that git got."""
    (own.parent / "config.json5").write_text('{apply: [{folder: "*", preset: "openrouter"}]}')
    reply = cli("apply", cwd=repo, env={"LLMSWITCH_HAIKU": CHEAP})
    assert reply.code == 0
    assert f"haiku is {CHEAP}, from the exported LLMSWITCH_HAIKU" in reply.err
    assert "got a rule" in reply.err


def test_a_lost_state_is_not_called_the_first_one(cli: Cli, repo: Path, key: str) -> None:
    """What stands here may be a pin."""
    assert cli("openrouter", cwd=repo).code == 0
    (repo / ".git" / "llmswitch" / "state.json").unlink()
    reply = cli("-", "--to", "first", cwd=repo)
    assert reply.code == 2
    assert "is the first state" not in reply.err


def test_run_below_a_linked_worktree_puts_models_on_top_of_its_pin(
    cli: Cli, repo: Path, key: str, tmp_path: Path, sealed: dict[str, str]
) -> None:
    """There Claude Code does not read the pin, and `run` carries it."""
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin/claude"
    program.write_text('#!/bin/sh\nwhile [ "$1" != --settings ]; do shift; done; cat "$2"\n')
    program.chmod(0o755)
    folder = tmp_path / "linked"
    git(repo, "worktree", "add", "--quiet", str(folder))
    assert cli("openrouter", cwd=folder).code == 0
    (folder / "sub" / ".claude").mkdir(parents=True)
    reply = cli("run", "--sonnet", CHEAP, cwd=folder / "sub", env={"PATH": f"{tmp_path}/bin:{sealed['PATH']}"})
    assert reply.code == 0, reply.err
    carried = json.loads(reply.out)["env"]
    assert carried["ANTHROPIC_BASE_URL"] == "https://openrouter.ai/api"
    assert carried["ANTHROPIC_DEFAULT_SONNET_MODEL"] == CHEAP
