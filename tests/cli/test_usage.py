"""`llmswitch usage` by process: what was used, by the preset that applied, at its provider's price."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from conftest import Cli, git
from support.transcripts import SECRET, START, Transcript, iso

from llmswitch.base.secret import digest
from llmswitch.claude.transcripts import slug

SECOND = 1000


@pytest.fixture
def projects(sealed: dict[str, str]) -> Path:
    """The folder of the user's transcripts."""
    return Path(sealed["HOME"], ".claude", "projects")


def ledger(
    sealed: dict[str, str],
    root: Path,
    preset: str,
    at: int,
    host: str,
    slots: dict[str, str] | None = None,
    **more: object,
) -> None:
    """Note a switch as `settings/ledger` does; `more` are other fields."""
    folder = Path(sealed["HOME"], ".local/state/llmswitch/ledger")
    folder.mkdir(parents=True, exist_ok=True)
    git_dir = git(root, "rev-parse", "--absolute-git-dir").strip()
    where = {"time": at / 1000, "worktree": str(root), "git": git_dir}
    what: dict[str, object] = {
        "kind": "switch",
        "preset": preset,
        "host": host,
        "session": None,
        "slots": slots or {},
        "also": [],
    }
    with (folder / f"{digest(str(root))}.jsonl").open("a") as file:
        file.write("\n" + json.dumps({**where, **what, "start": "sonnet", "typed": [preset], **more}))


def used(cli: Cli, cwd: Path, *words: str) -> dict[str, Any]:
    """Return what `usage --json` says."""
    reply = cli("usage", "--json", *words, cwd=cwd)
    assert reply.code == 0, reply
    data: dict[str, Any] = json.loads(reply.out)
    return data


def test_each_message_is_of_the_preset_that_applied_when_it_was_asked(
    cli: Cli, repo: Path, projects: Path, sealed: dict[str, str]
) -> None:
    """Three switches; what was before the first is unknown, and a request belongs to the time it was sent."""
    made = Transcript("one", str(repo))
    slots = {"sonnet": "google/gemini-2.5-pro"}
    for number, preset in enumerate(("", "openrouter", "deepseek", "claude")):
        if preset:
            made.moment += SECOND
            host = "api.anthropic.com" if preset == "claude" else "openrouter.ai"
            ledger(sealed, repo, preset, made.moment, host, slots=slots if preset == "openrouter" else {})
        ref = made.request("google/gemini-2.5-pro")
        if preset == "deepseek":
            made.moment += 5 * SECOND
        for _ in range(number + 1):
            made.answer((1000, 100, 0, 0), "google/gemini-2.5-pro", ref=ref if number == 2 else None)
    made.write(projects)
    rows = used(cli, repo, "--by", "preset")["rows"]
    assert {row["preset"]: row["requests"] for row in rows} == {None: 1, "openrouter": 2, "deepseek": 3, "claude": 4}
    by_slot = used(cli, repo, "--by", "slot")["rows"]
    assert {row["slot"]: row["requests"] for row in by_slot} == {"sonnet": 2, None: 8}


def test_the_cost_is_the_providers(cli: Cli, repo: Path, projects: Path, sealed: dict[str, str]) -> None:
    """With its cache prices, and its date; Claude Code's own word stands beside it."""
    ledger(sealed, repo, "openrouter", START, "openrouter.ai")
    made = Transcript("one", str(repo))
    made.answer((1_000_000, 100_000, 0, 0), "mistralai/devstral-2512")
    made.answer((0, 0, 0, 0), "nobody/knows")
    usage = {"mistralai/devstral-2512": {"inputTokens": 1_000_007, "outputTokens": 100_000}}
    made.lines.append({"type": "cost-state", "sessionId": "one", "totalCostUSD": 9.5, "modelUsage": usage})
    made.write(projects)
    data = used(cli, repo)
    rows = {row["model"]: row for row in data["rows"]}
    assert rows["mistralai/devstral-2512"]["cost"] == pytest.approx(0.4 + 0.2)
    assert rows["mistralai/devstral-2512"]["as_of"] > "2026"
    assert rows["nobody/knows"]["cost"] is None
    assert data["total"]["unpriced"] == ["nobody/knows"]
    assert data["claude_code"] == {
        "cost": 9.5, "beyond": {"input": 7, "output": 0, "cache_read": 0, "cache_write": 0}
    }  # fmt: skip
    text = cli("usage", cwd=repo).out
    assert "$0.60" in text
    assert "Claude Code itself says $9.50" in text
    assert "No price is known for: nobody/knows." in text
    assert "7 tokens in and 0 out" in text.splitlines()[-1]


def test_where_nobody_knows_who_was_asked_no_price_is_missing(
    cli: Cli, repo: Path, projects: Path, sealed: dict[str, str]
) -> None:
    """Only an id that has none at a known provider is named."""
    made = Transcript("one", str(repo))
    made.answer(model="mistralai/devstral-2512")
    ledger(sealed, repo, "openrouter", made.moment + 1, "openrouter.ai")
    made.answer(model="nobody/knows")
    made.write(projects)
    page = repo.with_name("page.html")
    text = cli("usage", "--html", str(page), cwd=repo).out
    assert "unknown: no switch is on record" in text
    assert "No price is known for: nobody/knows." in text
    assert "No price is known for: nobody/knows." in page.read_text()


def test_nothing_of_a_session_but_counts_and_ids_is_kept(
    cli: Cli, repo: Path, projects: Path, sealed: dict[str, str], key: str
) -> None:
    """No prompt, no answer, no tool's input, no key, no path inside the worktree: neither in a file nor in a reply."""
    assert cli("openrouter", cwd=repo).code == 0
    made = Transcript("one", str(repo / "deep-inside"))
    made.user(f"{SECRET} {key}")
    made.answer(model="mistralai/devstral-2512", blocks=2)
    made.tool(failed=True)
    made.add("user", toolUseResult={"file": {"filePath": f"{repo}/deep-inside/a.py", "content": key}})
    made.add("system", subtype="api_error", error={"status": 401, "message": f"{key} is wrong: {SECRET}"})
    made.lines.append({"type": "api-request-blob", "sessionId": "one", "message": {"content": SECRET + key}})
    usage = {"mistralai/devstral-2512": {"inputTokens": 5}}
    made.lines.append({"type": "cost-state", "sessionId": "one", "totalCostUSD": 1, "modelUsage": usage})
    path = made.write(projects)
    said = json.dumps({"session_id": "one", "transcript_path": str(path), "cwd": str(repo), "model": {"id": "x"}})
    page = repo.with_name("page.html")
    replies = [
        cli("statusline", "--cost", cwd=repo, text=said),
        cli("usage", "--everywhere", "--html", str(page), cwd=repo),
        *(cli("usage", "--json", "--by", by, cwd=repo) for by in ("worktree", "session", "slot", "day")),
        cli("doctor", cwd=repo),
    ]
    folders = (Path(sealed["HOME"], ".local"), Path(sealed["HOME"], ".config"))
    ours = [found for folder in folders for found in folder.rglob("*") if found.is_file()]
    assert {"usage.db"} < {found.name for found in ours}
    texts = [*(found.read_bytes() for found in (*ours, page)), *(repr(reply).encode() for reply in replies)]
    for word in (SECRET, key, "deep-inside", "a.py"):
        assert not [text for text in texts if word.encode() in text], word


def test_another_model_than_asked_is_said_with_the_session_and_a_command(
    cli: Cli, repo: Path, projects: Path, sealed: dict[str, str]
) -> None:
    """But for a dated twin and a `:free` that comes back without it."""
    ledger(sealed, repo, "openrouter", START, "openrouter.ai")
    made = Transcript("one", str(repo))
    made.answer(model="claude-sonnet-5-20260203", asked="claude-sonnet-5")
    made.answer(model="x/y", asked="x/y:free")
    made.answer(model="deepseek-v4", asked="deepseek-v4[1m]")
    made.write(projects)
    assert used(cli, repo)["findings"] == []
    made.answer(model="deepseek-flash", asked="claude-opus-5-5")
    made.write(projects)
    (found,) = used(cli, repo)["findings"]
    assert (found["code"], found["session"], found["time"]) == ("other-model", "one", iso(made.moment)[:-5] + "Z")
    assert found["fix"].startswith("llmswitch ")
    assert "deepseek-flash answered" in cli("usage", cwd=repo).out


def test_the_scope_is_this_worktree_this_repository_or_this_machine(cli: Cli, repo: Path, projects: Path) -> None:
    """And what was not asked for is not in the index."""
    linked, sibling = repo.with_name("linked"), repo.with_name(repo.name + "-2")
    git(repo, "worktree", "add", "--quiet", str(linked))
    sibling.mkdir()
    (repo / "sub").mkdir()
    for number, folder in enumerate((repo, repo / "sub", linked, sibling)):
        made = Transcript(f"s{number}", str(folder))
        made.answer()
        made.write(projects)
    assert used(cli, repo)["total"]["requests"] == 2
    assert used(cli, linked)["total"]["requests"] == 1
    assert used(cli, linked, "--all")["total"]["requests"] == 3
    assert used(cli, repo, "--everywhere")["total"]["requests"] == 4
    rows = used(cli, repo, "--all", "--by", "worktree")["rows"]
    assert {row["worktree"]: row["requests"] for row in rows} == {str(repo): 2, str(linked): 1}


@pytest.mark.parametrize(("since", "requests"), [("switch", 2), ("2026-11-18T12:00:00+00:00", 2), ("2020-01-01", 4)])
def test_since(cli: Cli, repo: Path, projects: Path, sealed: dict[str, str], since: str, requests: int) -> None:
    """A time inside a quarter of an hour counts exactly."""
    made = Transcript("one", str(repo))
    made.moment = 1795003200_000 - 2 * SECOND - 1
    made.answer()
    made.answer()
    ledger(sealed, repo, "openrouter", made.moment + 1, "openrouter.ai")
    made.answer()
    made.answer()
    made.write(projects)
    assert used(cli, repo, "--since", since)["total"]["requests"] == requests


def test_wrong_words_are_answered(cli: Cli, repo: Path) -> None:
    """With what to type."""
    assert "7d" in cli("usage", "--since", "never", cwd=repo).err
    assert cli("usage", "--since", "switch", cwd=repo).code == 2
    assert cli("usage", "--all", "--everywhere", cwd=repo).code == 2
    assert cli("usage", "--compare", "nobody", cwd=repo).code == 2
    reply = cli("usage", cwd=repo)
    assert (reply.code, reply.out) == (0, "Nothing is on record of what sessions here used.\n")


def test_the_first_use_says_what_is_kept(cli: Cli, repo: Path, projects: Path) -> None:
    """Once."""
    made = Transcript("one", str(repo))
    made.user(SECRET)
    made.answer()
    made.write(projects)
    first, second = cli("usage", cwd=repo), cli("usage", cwd=repo)
    assert "cleanupPeriodDays" in first.err
    assert second.err == ""
    assert first.out == second.out
    assert SECRET not in first.out


def test_what_is_forgotten_does_not_come_back(cli: Cli, repo: Path, projects: Path) -> None:
    """By a worktree, a time, or all; a place that the index does not know is an error."""
    made = Transcript("one", str(repo))
    made.answer()
    made.answer()
    made.write(projects)
    assert cli("usage", "--forget", "all", cwd=repo).code == 2
    assert used(cli, repo)["total"]["requests"] == 2
    assert cli("usage", "--forget", "/nowhere/at/all", cwd=repo).code == 2
    reply = cli("usage", "--forget", "2020-01-01", cwd=repo)
    assert "0 messages" in reply.out
    assert "2 messages" in cli("usage", "--forget", str(repo), cwd=repo).out
    assert used(cli, repo)["total"]["requests"] == 0


def test_doctor_has_the_findings_of_an_index_that_exists(cli: Cli, repo: Path, projects: Path) -> None:
    """It makes none, and reads no transcript."""
    made = Transcript("one", str(repo))
    made.answer(model="deepseek-flash", asked="claude-opus-5-5")
    made.write(projects)

    def codes() -> list[str]:
        return [each["code"] for each in json.loads(cli("doctor", "--json", cwd=repo).out)["problems"]]

    assert "used-other-model" not in codes()
    cli("usage", cwd=repo)
    assert "used-other-model" in codes()


def test_the_status_line_shows_what_the_session_cost(
    cli: Cli, repo: Path, projects: Path, sealed: dict[str, str]
) -> None:
    """Of its own session only, and of it only is anything kept."""
    ledger(sealed, repo, "openrouter", START, "openrouter.ai")
    for name in ("one", "two"):
        made = Transcript(name, str(repo))
        made.answer((1_000_000, 100_000, 0, 0), "mistralai/devstral-2512")
        path = made.write(projects)
    said = {"session_id": "two", "transcript_path": str(path), "cwd": str(repo), "model": {"id": "x"}}
    assert cli("statusline", "--cost", cwd=repo, text=json.dumps(said)).out.endswith(" · $0.60\n")
    assert used(cli, repo, "--since", "2099-01-01")["total"]["requests"] == 0
    assert "$" not in cli("statusline", cwd=repo, text=json.dumps(said)).out
    assert "$" not in cli("statusline", "--cost", cwd=repo, text="{}").out


def test_the_status_line_follows_what_decides_about_the_cost(
    cli: Cli, repo: Path, projects: Path, sealed: dict[str, str]
) -> None:
    """A longer transcript, a sub-agent's, other prices, a preset; while nothing changes the index is not opened."""
    ledger(sealed, repo, "openrouter", START, "openrouter.ai")
    made = Transcript("one", str(repo))
    said = {"session_id": "one", "cwd": str(repo), "model": {"id": "x"}}
    own = Path(sealed["HOME"], ".config/llmswitch")
    (own / "presets").mkdir(parents=True)

    def shown() -> str:
        path = projects / slug(str(repo)) / "one.jsonl"
        if not path.exists() or path.read_text() != made.text():
            made.write(projects)
        text = json.dumps({**said, "transcript_path": str(path)})
        cost = cli("statusline", "--cost", cwd=repo, text=text).out.rpartition(" · ")[2].strip()
        again = cli("statusline", "--cost", cwd=repo, text=text).out.rpartition(" · ")[2].strip()
        assert again == cost
        return cost

    made.answer((1_000_000, 0, 0, 0), "mistralai/devstral-2512")
    assert shown() == "$0.40"
    made.answer((1_000_000, 0, 0, 0), "mistralai/devstral-2512", blocks=2)
    assert shown() == "$0.80"
    agent = Transcript("one", str(repo), 1)
    agent.moment += 1
    agent.answer((1_000_000, 0, 0, 0), "mistralai/devstral-2512", isSidechain=True)
    agent.write(projects, "a1")
    assert shown() == "$1.20"
    row = {"input": 1.0, "output": 2.0, "as_of": "2026-11-18", "source": "test"}
    (own / "prices.json").write_text(json.dumps({"providers": {"openrouter": {"mistralai/devstral-2512": row}}}))
    assert shown() == "$3.00"
    state = Path(sealed["HOME"], ".local/state/llmswitch")
    index = state / "usage.db"
    index.rename(index.with_name("kept"))
    index.write_text("no index")
    assert shown() == "$3.00"
    assert index.read_text() == "no index"
    index.with_name("kept").replace(index)
    (own / "presets/openrouter.json5").write_text('{"extends": "openrouter", "billing": "plan"}')
    assert shown() == "plan"
    assert cli("usage", "--forget", "all", cwd=repo).code == 0
    assert not [*(state / "costs").iterdir()]
    assert cli("statusline", "--cost", cwd=repo, text=json.dumps(said)).out.count("·") == 1


def test_a_status_line_does_not_wait_for_a_reader(cli: Cli, repo: Path, projects: Path, sealed: dict[str, str]) -> None:
    """What it knew last is shown, or nothing."""
    ledger(sealed, repo, "openrouter", START, "openrouter.ai")
    made = Transcript("one", str(repo))
    made.answer((1_000_000, 0, 0, 0), "mistralai/devstral-2512")
    path = made.write(projects)
    said = json.dumps({"session_id": "one", "transcript_path": str(path), "cwd": str(repo), "model": {"id": "x"}})
    assert cli("statusline", "--cost", cwd=repo, text=said).out.endswith(" · $0.40\n")
    base = sqlite3.connect(Path(sealed["HOME"], ".local/state/llmswitch/usage.db"), isolation_level=None)
    base.execute("BEGIN IMMEDIATE")
    made.answer((1_000_000, 0, 0, 0), "mistralai/devstral-2512")
    made.write(projects)
    reply = cli("statusline", "--cost", cwd=repo, text=said)
    assert (reply.code, reply.err) == (0, "")
    assert reply.out.endswith(" · $0.40\n")
    base.execute("ROLLBACK")
    base.close()
    assert cli("statusline", "--cost", cwd=repo, text=said).out.endswith(" · $0.80\n")


def test_the_page_is_small_and_by_itself(cli: Cli, repo: Path, projects: Path, tmp_path: Path) -> None:
    """Names from a transcript are text in it; nothing is fetched from elsewhere."""
    for number in range(200):
        made = Transcript(f"s{number}", str(repo))
        made.moment += number * 86_400 * SECOND
        made.answer(model=f"<script>alert({number})</script>", asked="x")
        made.write(projects)
    reply = cli("usage", "--html", str(tmp_path / "page.html"), cwd=repo)
    assert reply.code == 0
    text = (tmp_path / "page.html").read_text()
    assert len(text) < 200_000
    assert "<script" not in text
    assert "://" not in text
    assert "prefers-color-scheme: dark" in text
    assert "&lt;script&gt;" in text
    assert cli("usage", "--html", "/nowhere/page.html", cwd=repo).code == 1


def test_what_it_would_have_cost_elsewhere_is_called_an_estimate(
    cli: Cli, repo: Path, projects: Path, sealed: dict[str, str]
) -> None:
    """At the other preset's model of the same slot."""
    slots = {"haiku": "mistralai/devstral-2512", "sonnet": "google/gemini-2.5-pro"}
    ledger(sealed, repo, "openrouter", START, "openrouter.ai", slots)
    made = Transcript("one", str(repo))
    made.answer((1_000_000, 0, 0, 0), "mistralai/devstral-2512")
    made.write(projects)
    rows = used(cli, repo, "--compare", "anthropic", "--compare", "devstral")["compared"]
    compared = {row["preset"]: row for row in rows}
    assert compared["devstral"]["cost"] == pytest.approx(0.4)
    assert compared["anthropic"]["cost"] is None  # its slots are left to Claude Code
    assert "An estimate" in cli("usage", "--compare", "devstral", cwd=repo).out


@pytest.mark.parametrize("status", [401, 402, 429])
def test_a_refusal_that_stands_names_the_next_thing_to_type(
    cli: Cli, repo: Path, projects: Path, sealed: dict[str, str], status: int
) -> None:
    """The provider's page, and the presets whose key is known; one that was answered since is none."""
    ledger(sealed, repo, "openrouter", START, "openrouter.ai", {"haiku": "mistralai/devstral-2512"})
    sealed["LLMSWITCH_KEY_ZAI"] = "k" * 20
    made = Transcript("one", str(repo))
    made.add("system", subtype="api_error", error={"status": status})
    made.answer(model="mistralai/devstral-2512")
    made.write(projects)
    assert used(cli, repo)["findings"] == []
    made.add("system", subtype="api_error", error={"status": status})
    made.write(projects)
    other = Transcript("two", str(repo))
    other.moment = made.moment + SECOND
    other.answer(model="mistralai/devstral-2512")  # so the host answered since
    other.write(projects)
    [found] = used(cli, repo)["findings"]
    assert found["message"].endswith(f"({status}, once), and no answer followed in that session.")
    assert found["code"] == f"refused-{status}"
    assert "openrouter.ai" in found["message"]
    assert "https://openrouter.ai/settings/keys" in found["fix"]
    assert "Or switch: llmswitch glm" in found["fix"]
    assert ("llmswitch balance openrouter" in found["fix"]) is (status != 401)
    assert f"used-refused-{status}" in cli("doctor", "--json", cwd=repo).out
    other.add("system", subtype="api_error", error={"status": status})
    other.write(projects)
    assert used(cli, repo)["findings"][0]["message"].endswith(
        f"({status}, 2 times), and no answer followed in those sessions."
    )


def test_what_went_past_the_pin_is_found(cli: Cli, repo: Path, projects: Path, sealed: dict[str, str]) -> None:
    """Each kind by its code; what the pin has, and what it allows besides, is no finding."""
    slots = dict.fromkeys(("haiku", "sonnet", "opus", "fable"), "mistralai/devstral-2512")
    ledger(sealed, repo, "devstral", START, "openrouter.ai", slots, also=["allowed/model"])
    made = Transcript("one", str(repo))
    for _ in range(9):
        made.answer((9000, 10, 0, 0), "mistralai/devstral-2512")
    made.answer(model="allowed/model")
    made.write(projects)
    assert used(cli, repo)["findings"] == []
    made.answer((9000, 10, 0, 0), "mistralai/devstral-2512")  # the tenth without a cache
    made.answer(model="qwen/qwen3-coder")
    made.answer(model="claude-sonnet-5-5")
    made.answer(model="claude-opus-5-5", request="req_01" + "a1" * 11)
    for _ in range(5):
        made.add("system", subtype="api_error", error={"status": 529})
    made.write(projects)
    found = {each["code"]: each for each in used(cli, repo)["findings"]}
    assert found.keys() == {"never-cached", "outside-pin", "claude-id", "login", "failing"}
    assert found["login"]["level"] == "error"
    assert found["never-cached"]["cost"] == pytest.approx(10 * (9000 * 0.4 + 10 * 2) / 1e6)
    assert "529 5 times" in found["failing"]["message"]
    assert all(each["fix"].startswith("llmswitch ") and each["session"] == "one" for each in found.values())
