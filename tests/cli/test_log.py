"""The ledger and `llmswitch log`: what was switched here, when, to what and by which command, and no secret."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from conftest import KEY, Cli, git, settings_of

from llmswitch.settings.entries import Entry, entries
from llmswitch.settings.ledger import masked, shorten


def ledger(sealed: dict[str, str], root: Path | None = None) -> list[Entry]:
    """Return the entries of a test's own state folder."""
    return entries(f"{sealed['HOME']}/.local/state/llmswitch", str(root) if root else None)


def test_each_switch_that_writes_is_one_entry(cli: Cli, repo: Path, key: str, sealed: dict[str, str]) -> None:
    """Its time, place, preset, host, models and command; nothing to do is no entry, nor is a dry run."""
    before = time.time()
    for words in (["openrouter", "-n"], ["openrouter", "--haiku", "x/y"], ["openrouter", "--haiku", "x/y"], ["claude"]):
        assert cli(*words, cwd=repo).code == 0
    there, gone = ledger(sealed, repo)
    assert before <= there.time <= gone.time <= time.time()
    assert (there.kind, there.worktree, there.git) == ("switch", str(repo), str(repo / ".git"))
    assert (there.preset, there.host, there.start, there.session) == ("openrouter", "openrouter.ai", "sonnet", None)
    assert (there.slots["haiku"], there.slots["sonnet"]) == ("x/y", "google/gemini-2.5-pro")
    assert there.typed == ("openrouter", "--haiku", "x/y")
    assert (gone.preset, gone.host, set(gone.slots.values())) == ("claude", "api.anthropic.com", {""})


def test_log_tells_the_newest_first(cli: Cli, repo: Path, key: str) -> None:
    """With the command as it can be typed again, and as JSON the same."""
    cli("openrouter", cwd=repo)
    cli("deepseek", "--small", "a b", cwd=repo)
    lines = cli("log", cwd=repo).out.splitlines()
    assert [line.split("  ")[-1] for line in lines[1:]] == [
        "llmswitch deepseek --small 'a b'",
        "llmswitch openrouter",
        "→ llmswitch - --to first",
    ]
    data = json.loads(cli("log", "--json", cwd=repo).out)
    assert [row["preset"] for row in data["switches"]] == ["deepseek", "openrouter"]


def test_log_of_a_worktree_without_a_switch_says_so(cli: Cli, repo: Path) -> None:
    """And it is no error."""
    reply = cli("log", cwd=repo)
    assert (reply.code, "No switch" in reply.out) == (0, True)


def test_the_entries_outlive_their_worktree_and_do_not_mix(
    cli: Cli, repo: Path, key: str, sealed: dict[str, str]
) -> None:
    """Each worktree has its own; a removed one keeps them."""
    linked = repo.parent / "linked"
    git(repo, "worktree", "add", "--quiet", str(linked))
    cli("openrouter", cwd=linked)
    git(repo, "worktree", "remove", "--force", str(linked))
    cli("deepseek", cwd=repo)
    assert [entry.preset for entry in ledger(sealed, linked)] == ["openrouter"]
    assert [entry.preset for entry in ledger(sealed, repo)] == ["deepseek"]
    assert [entry.preset for entry in ledger(sealed)] == ["openrouter", "deepseek"]


def test_no_secret_gets_into_the_ledger(cli: Cli, repo: Path, key: str, sealed: dict[str, str]) -> None:
    """Neither the pin's key nor what a URL on the command line carries."""
    cli("openrouter", "--base-url", "http://127.0.0.1:9/v?token=s3cr3t", cwd=repo)  # refused, and nothing is written
    cli("openrouter", cwd=repo)
    cli("claude", cwd=repo)
    texts = [path.read_text() for path in Path(sealed["HOME"]).rglob("*.jsonl")]
    assert texts
    assert not any(KEY in text or KEY[-8:] in text or "s3cr3t" in text for text in texts)
    assert {path.stat().st_mode & 0o777 for path in Path(sealed["HOME"]).rglob("*.jsonl")} == {0o600}


@pytest.mark.parametrize(
    ("word", "shown"),
    [
        ("https://h.example/a?key=abc&x=1", "https://h.example/a?********"),
        ("--base-url=https://h.example/?t=1", "--base-url=https://h.example/?********"),
        ("https://me:pass@h.example/a", "https://********@h.example/a"),
        (KEY, "********"),
        ("what?", "what?"),
        ("anthropic/claude-opus-5.5", "anthropic/claude-opus-5.5"),
    ],
)
def test_what_was_typed_is_masked(word: str, shown: str) -> None:
    """Queries and users of URLs, and keys; a model's id stays."""
    assert masked(word) == shown


def test_a_torn_line_costs_only_itself(cli: Cli, repo: Path, key: str, sealed: dict[str, str]) -> None:
    """A power cut in the middle of a line, or a line of another program."""
    cli("openrouter", cwd=repo)
    [path] = Path(sealed["HOME"]).rglob("*.jsonl")
    with path.open("a") as file:
        file.write('\n{"kind": "switch", "time": 1, "wor')
    cli("deepseek", cwd=repo)
    with path.open("a") as file:
        file.write('\n[]\n{"kind": "switch", "time": "x", "worktree": 1, "slots": {}}\n{"kind": 5}\n')
    assert [entry.preset for entry in ledger(sealed, repo)] == ["openrouter", "deepseek"]


def test_a_ledger_is_bounded(tmp_path: Path) -> None:
    """The oldest lines go, whole ones only."""
    path = tmp_path / "ledger" / "x.jsonl"
    path.parent.mkdir()
    line = json.dumps({"kind": "switch", "time": 1.5, "worktree": "/w", "slots": {}, "preset": "é" * 20})
    path.write_text("".join(f"\n{line.replace('1.5', str(n))}" for n in range(100)))
    shorten(str(path), 2000)
    left = [entry.time for entry in entries(str(tmp_path))]
    assert left == sorted(left)
    assert (len(path.read_bytes()) <= 2000, left[-1], len(left) > 5) == (True, 99.0, True)


def test_a_switch_bounds_its_ledger(cli: Cli, repo: Path, key: str, sealed: dict[str, str]) -> None:
    """A file that has grown too large is cut in the next switch."""
    cli("openrouter", cwd=repo)
    [path] = Path(sealed["HOME"]).rglob("*.jsonl")
    path.write_text(path.read_text() * 1500)
    assert cli("deepseek", cwd=repo).err.count("warning: `llmswitch log`") == 0
    assert path.stat().st_size <= 128 * 1024
    assert ledger(sealed, repo)[-1].preset == "deepseek"


def test_a_ledger_that_cannot_be_written_stops_no_switch(
    cli: Cli, repo: Path, key: str, sealed: dict[str, str]
) -> None:
    """The switch is made, and one line says what `log` will not have."""
    state = Path(sealed["HOME"]) / ".local/state/llmswitch"
    state.mkdir(parents=True)
    (state / "ledger").write_text("in the way")
    reply = cli("openrouter", cwd=repo)
    assert (reply.code, "`llmswitch log` does not have this" in reply.err) == (0, True)
    assert "openrouter.ai" in settings_of(repo).read_text()
    assert cli("log", cwd=repo).code == 0
