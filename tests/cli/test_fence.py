"""A pin's list of models: written, brought back, judged, and never left behind alone."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest
from conftest import Cli, git, settings_of

ALLOWED = "availableModels"
NO_MILLION = "CLAUDE_CODE_DISABLE_1M_CONTEXT"
OPENROUTER = ["mistralai/devstral-2512", "google/gemini-2.5-pro", "anthropic/claude-opus-5.5"]


def written(folder: Path) -> dict[str, Any]:
    """Return what the local file holds."""
    found: dict[str, Any] = json.loads(settings_of(folder).read_text())
    return found


def write(path: Path, text: str) -> None:
    """Write a settings file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def user_file(sealed: dict[str, str]) -> Path:
    """Return the user's settings file."""
    return Path(sealed["HOME"], ".claude", "settings.json")


@pytest.mark.parametrize(
    ("line", "listed", "no_million"),
    [
        (["openrouter"], OPENROUTER, False),  # one of them is Claude's, of 1M whatever it is told
        (["deepseek"], ["deepseek/deepseek-v3.2"], True),
        (["deepseek", "--subagent", "z/y"], ["deepseek/deepseek-v3.2", "z/y"], True),
        (["deepseek", "--opus", "x/y[1m]"], ["deepseek/deepseek-v3.2", "x/y[1m]"], False),
        (["deepseek", "--also", "a/b", "--also", "c/d"], ["deepseek/deepseek-v3.2", "a/b", "c/d"], True),
        (["deepseek", "--also", "any"], None, False),
        (["or-claude"], None, False),
    ],
)
def test_a_pin_lists_its_models(
    cli: Cli, repo: Path, key: str, line: list[str], listed: list[str] | None, no_million: bool
) -> None:
    """And only where every slot has the window that the client is told, the million is switched off."""
    assert cli(*line, cwd=repo).code == 0
    found = written(repo)
    assert found.get(ALLOWED) == listed
    assert (NO_MILLION in found["env"]) is no_million
    assert cli("status", "--check", cwd=repo).code == 0


def test_the_switch_says_how_to_allow_more(cli: Cli, repo: Path, key: str) -> None:
    """In one line, with the word to type; not where there is no list."""
    assert "add --also ID for one more, --also any for all" in cli("deepseek", cwd=repo).out
    assert "/model" not in cli("or-claude", cwd=repo).out


@pytest.mark.parametrize(
    "text", ['{"availableModels": ["opus"], "x": 1}', '{"availableModels":  []\n}', '{"a": 1}', None]
)
def test_the_users_own_list_comes_back_byte_for_byte(cli: Cli, repo: Path, key: str, text: str | None) -> None:
    """Through two pins; and the way to a pin makes no difference (A → B is → B)."""
    if text is not None:
        write(settings_of(repo), text)
    assert cli("deepseek", cwd=repo).code == 0
    direct = settings_of(repo).read_bytes()
    assert [cli(word, cwd=repo).code for word in ("openrouter", "or-claude", "deepseek")] == [0, 0, 0]
    assert settings_of(repo).read_bytes() == direct
    assert cli("claude", cwd=repo).code == 0
    assert (settings_of(repo).read_text() if settings_of(repo).exists() else None) == text


def test_a_list_that_claude_code_wrote_anew_goes_with_its_pin(cli: Cli, repo: Path, key: str) -> None:
    """It spreads it over several lines."""
    assert cli("openrouter", cwd=repo).code == 0
    settings_of(repo).write_text(json.dumps(written(repo), indent=2))
    assert cli("claude", cwd=repo).code == 0
    assert not settings_of(repo).exists() or ALLOWED not in written(repo)


@pytest.mark.parametrize("how", ["lost", "copied", "edited"])
def test_a_list_never_stays_alone(cli: Cli, repo: Path, key: str, tmp_path: Path, how: str) -> None:
    """With the state lost, in a copied file, or with an id more: `claude` takes it away with the pin."""
    assert cli("openrouter", cwd=repo).code == 0
    here = repo
    if how == "lost":
        (repo / ".git" / "llmswitch" / "state.json").unlink()
        assert cli("claude", "--discard-key", cwd=here).code == 0
    elif how == "edited":
        found = written(repo)
        found[ALLOWED].append("more/one")
        settings_of(repo).write_text(json.dumps(found))
        assert cli("claude", cwd=here).code == 0
    else:
        here = tmp_path / "other"
        here.mkdir()
        git(here, "init", "--quiet")
        write(settings_of(here), settings_of(repo).read_text())
        assert cli("claude", "--discard-key", cwd=here).code == 0
    assert not settings_of(here).exists() or ALLOWED not in written(here)


def test_a_list_alone_is_an_error(cli: Cli, repo: Path, key: str) -> None:
    """It sends everything to one model of Claude's; `claude` mends it. The user's own list is no error."""
    write(settings_of(repo), json.dumps({ALLOWED: OPENROUTER}))
    reply = cli("status", "--check", cwd=repo)
    assert (reply.code, "list-alone" in cli("status", "--json", cwd=repo).out) == (3, True)
    assert cli("status", "--short", cwd=repo).out == "claude!\n"
    assert cli("claude", cwd=repo).code == 0
    assert cli("status", "--check", cwd=repo).code == 0
    write(settings_of(repo), json.dumps({ALLOWED: ["opus"]}))
    assert cli("status", "--check", cwd=repo).code == 0
    assert cli("claude", cwd=repo).code == 0
    assert written(repo) == {ALLOWED: ["opus"]}


def test_a_list_of_another_file_is_a_note_with_its_place(
    cli: Cli, repo: Path, key: str, sealed: dict[str, str]
) -> None:
    """Lists count together: what it allows besides is said; the session's own requests stay."""
    assert cli("openrouter", cwd=repo).code == 0
    write(user_file(sealed), json.dumps({ALLOWED: ["opus", "sonnet", OPENROUTER[0]]}))
    reply = cli("status", "--check", cwd=repo)
    assert reply.code == 0, reply
    # The pin's own anthropic/claude-opus-5.5 closes that family again.
    assert f"note: {user_file(sealed)} also allows sonnet:" in reply.out


def test_without_a_list_of_its_own_a_pin_is_narrowed_by_the_users(
    cli: Cli, repo: Path, key: str, sealed: dict[str, str]
) -> None:
    """What status prints is what goes out: Claude's own Sonnet for the one, the Opus slot for the others."""
    assert cli("openrouter", "--also", "any", cwd=repo).code == 0
    write(user_file(sealed), json.dumps({ALLOWED: ["sonnet"]}))
    reply = cli("status", "--check", cwd=repo)
    assert reply.code == 3
    assert f"in {user_file(sealed)}" in reply.out
    slots = json.loads(cli("status", "--json", cwd=repo).out)["slots"]
    assert [slots[slot]["model"] for slot in ("haiku", "sonnet", "opus")] == [
        OPENROUTER[2],
        "claude-sonnet-5-5",
        OPENROUTER[2],
    ]
    assert cli("status", "--short", cwd=repo).out == "openrouter!\n"


def test_a_pin_of_an_older_version_has_one_note_and_fix_adds_the_list(cli: Cli, repo: Path, key: str) -> None:
    """No exit 3; after `doctor --fix` the file says the same as a new switch's."""
    assert cli("deepseek", cwd=repo).code == 0
    new, state = settings_of(repo).read_bytes(), repo / ".git" / "llmswitch" / "state.json"
    found, record = written(repo), json.loads(state.read_text())
    del found[ALLOWED], found["env"][NO_MILLION]
    del record["current"]["wrote"][ALLOWED], record["current"]["wrote"][NO_MILLION]
    settings_of(repo).write_text(json.dumps(found))
    state.write_text(json.dumps(record))
    reply = cli("status", "--check", cwd=repo)
    assert (reply.code, reply.out.count("note: ")) == (0, 1)
    assert reply.out.endswith("→ llmswitch deepseek\n")
    cli("doctor", "--fix", cwd=repo)
    assert written(repo) == json.loads(new)
    assert cli("status", "--check", cwd=repo).out.count("note: ") == 0


def test_back_brings_what_was_allowed(cli: Cli, repo: Path, key: str) -> None:
    """`--also` is a part of the pin, as the slots are."""
    assert cli("deepseek", "--also", "a/b", cwd=repo).code == 0
    before = settings_of(repo).read_bytes()
    assert cli("openrouter", cwd=repo).code == 0
    assert cli("-", cwd=repo).code == 0
    assert settings_of(repo).read_bytes() == before
    found = written(repo)
    found["env"]["ANTHROPIC_MODEL"] = "haiku"
    settings_of(repo).write_text(json.dumps(found))
    assert "llmswitch deepseek --also a/b" in cli("status", cwd=repo).out


@pytest.mark.parametrize("value", ['"foo"', "{}", "5", "[[1]]", "[{}]", "[5]", '["a", 5]', "null", "true"])
def test_a_list_that_is_none_stops_nothing(
    cli: Cli, repo: Path, key: str, sealed: dict[str, str], tmp_path: Path, value: str
) -> None:
    """In the own file without a client, in a repository's with a client of another version, as a variable too."""
    text = f'{{\n  "{ALLOWED}": {value},\n  "env": {{"{ALLOWED}": "foo", "model": "foo"}}\n}}\n'
    write(settings_of(repo), text)
    env = {ALLOWED: "foo"}
    cli("status", cwd=repo, env=env)
    assert cli("openrouter", cwd=repo, env=env).code == 0
    assert written(repo)[ALLOWED] == OPENROUTER
    assert cli("claude", cwd=repo, env=env).code == 0
    assert settings_of(repo).read_text() == text
    settings_of(repo).unlink()
    program = tmp_path / "claude" / "versions" / "9.9.9"
    write(program, "#!/bin/sh\nexit 1\n")
    program.chmod(0o755)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "claude").symlink_to(program)
    env = {"PATH": f"{tmp_path / 'bin'}:{sealed['PATH']}", ALLOWED: "foo"}
    write(repo / ".claude" / "settings.json", text)
    assert cli("openrouter", cwd=repo).code == 0
    for line in (["status"], ["status", "--short"], ["doctor"], ["statusline"], ["run", "--dry-run"]):
        reply = cli(*line, cwd=repo, env=env, text="{}")
        assert "foo" not in reply.out
    assert "ignores the whole file" in cli("status", cwd=repo, env=env).out


def test_what_takes_a_list_alone_away_names_its_file(cli: Cli, repo: Path, key: str, sealed: dict[str, str]) -> None:
    """Main's local file is switched from a linked worktree by its path, any other is the user's to edit."""
    linked = repo.parent / "linked"
    git(repo, "worktree", "add", "--quiet", str(linked))
    alone = json.dumps({ALLOWED: OPENROUTER})

    def fix() -> str:
        found = json.loads(cli("status", "--json", cwd=linked).out)["problems"]
        [text] = [problem["fix"] for problem in found if problem["code"] == "list-alone"]
        return str(text)

    write(user_file(sealed), alone)
    assert fix() == f"Take {ALLOWED} out of {user_file(sealed)}."
    user_file(sealed).unlink()
    write(settings_of(repo), alone)
    assert fix() == f"llmswitch claude -w {shlex.quote(str(repo))}"
    assert cli(*shlex.split(fix())[1:], cwd=linked).code == 0
    assert cli("status", "--check", cwd=linked).code == 0


def test_a_list_under_mains_pin_is_taken_away_by_what_status_says(cli: Cli, repo: Path, key: str) -> None:
    """A switch to the pin that it came with would be refused there."""
    linked = repo.parent / "linked"
    git(repo, "worktree", "add", "--quiet", str(linked))
    assert cli("devstral", cwd=linked).code == 0
    assert cli("openrouter", "--also", "any", "--anyway", cwd=repo).code == 0
    found = json.loads(cli("status", "--json", cwd=linked).out)["problems"]
    [fix] = [problem["fix"] for problem in found if problem["code"] == "slots-narrowed"]
    assert cli(*shlex.split(fix)[1:], cwd=linked).code == 0
    assert cli("status", "--check", cwd=linked).code == 0
