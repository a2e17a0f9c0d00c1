"""A value with a line break, or with what steers a terminal, stays on its own line, whichever command prints it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import Cli, git, settings_of
from support.warm import Warm

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


def leaves(data: object, at: tuple[object, ...] = ()) -> Iterator[tuple[object, ...]]:
    """Yield the way to each text in JSON data, a member's name as the way with `None` behind it."""
    if isinstance(data, str):
        yield at
    inner = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in inner:
        if isinstance(key, str):
            yield (*at, key, None)
        yield from leaves(value, (*at, key))


def forged(data: Any, way: tuple[object, ...], text: str) -> Any:
    """Return the data with a text behind the one to which the way leads."""
    if not way:
        return f"{data}{text}"
    copy = data.copy()
    if way[1:] == (None,):
        copy[f"{way[0]}{text}"] = copy.pop(way[0])
    else:
        copy[way[0]] = forged(data[way[0]], way[1:], text)
    return copy


READ = (
    ["status"], ["status", "--all"], ["status", "--everywhere"], ["log"], ["list", "--all"], ["keys"], ["show", "mine"],
    ["ladder"], ["-", "-n"], ["deepseek", "-n"], ["statusline"], ["usage"], ["renew"], ["presets", "check"],
)  # fmt: skip


@pytest.mark.parametrize(
    "name", ["settings", "users settings", "state", "ledger", "keys", "preset", "ladder", "config"]
)
def test_no_text_of_any_file_makes_a_line_of_its_own(
    repo: Path, sealed: dict[str, str], key: str, tmp_path: Path, name: str
) -> None:
    """Each value and each name in every file that is read, in turn."""
    home, own = Path(sealed["HOME"]), tmp_path / "own"
    state = own / "state"
    (own / "presets").mkdir(parents=True)
    preset = {"extends": "openrouter", "title": "Mine", "notes": ["n"], "aliases": ["ours"], "docs": "https://x.example",
              "slots": {"haiku": {"model": "x/y", "name": "small one"}}, "also": ["a/b"]}  # fmt: skip
    (own / "presets" / "mine.json5").write_text(json.dumps(preset))
    (own / "config.json5").write_text('{"key_delivery": "token", "apply": [{"folder": "*", "preset": "mine"}]}')
    (home / ".claude").mkdir()
    user = {
        "model": "opus",
        "env": {"ANTHROPIC_MODEL": "m", "ANTHROPIC_BASE_URL": "https://x.example"},
        "theme": "dark",
    }
    (home / ".claude" / "settings.json").write_text(json.dumps(user))
    with Warm({**sealed, "LLMSWITCH_HOME": str(own), "LLMSWITCH_KEY_OPENROUTER": key}) as warm:
        for words in (["openrouter", "--haiku", "x/z"], ["mine"]):
            assert warm.run(*words, cwd=repo).code == 0
        (repo / ".claude" / "model-ladder.json").write_text('["a/b", "c/d"]')
        (state / "keys.json").write_text('{"openrouter": "keyring.backends.fail.Keyring"}')
        path = {
            "settings": settings_of(repo), "users settings": home / ".claude" / "settings.json",
            "state": repo / ".git" / "llmswitch" / "state.json", "ledger": next((state / "ledger").glob("*.jsonl")),
            "keys": state / "keys.json", "preset": own / "presets" / "mine.json5", "config": own / "config.json5",
            "ladder": repo / ".claude" / "model-ladder.json",
        }[name]  # fmt: skip
        *before, last = path.read_text().splitlines() if name == "ledger" else [path.read_text()]
        ways = list(leaves(data := json.loads(last)))
        assert ways
        for number, way in enumerate(ways):
            text = list(VALUES.values())[number % len(VALUES)]
            path.write_text("\n".join([*before, json.dumps(forged(data, way, text))]))
            for words in READ[number % 7 :: 7]:
                reply = warm.run(*words, cwd=repo)
                shown = lines(reply.out) + lines(reply.err)
                assert [line for line in shown if line.startswith("FORGED")] == [], (way, words, reply)
                assert not {"\x1b", "\u202e"} & {*reply.out, *reply.err}, (way, words, reply)
                assert "bug in" not in reply.err, (way, words, reply)
