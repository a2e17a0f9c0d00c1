"""Main and its linked worktrees: who follows, who is shadowed, what is refused, and how all are switched."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
from pathlib import Path

import pytest
from conftest import KEY, Cli, git, settings_of
from support.processes import looks_like_a_session
from support.terminal import Terminal
from test_switch import env_of, write


@pytest.fixture
def linked(repo: Path) -> Path:
    """A linked worktree of the repository."""
    folder = repo.parent / "linked"
    git(repo, "worktree", "add", "--quiet", "-b", "topic", str(folder))
    return folder


def snapshot(*folders: Path) -> list[bytes | None]:
    """Return the settings files of these folders."""
    return [settings_of(folder).read_bytes() if settings_of(folder).exists() else None for folder in folders]


def test_a_linked_worktree_that_main_would_shadow_is_refused_with_three_ways_on(
    cli: Cli, repo: Path, linked: Path, key: str
) -> None:
    """safety-107: Exit 5, nothing written; each way on works."""
    cli("deepseek", cwd=repo)
    before = snapshot(repo, linked)
    reply = cli("openrouter", cwd=linked)
    assert reply.code == 5
    assert snapshot(repo, linked) == before
    main = shlex.quote(str(repo))
    for way in (f"llmswitch openrouter -w {main}", f"llmswitch claude -w {main}", "llmswitch run openrouter"):
        assert way in reply.err
    assert f"{repo} (deepseek) wins" in reply.err
    assert cli("openrouter", "--anyway", cwd=linked).code == 0
    assert cli("claude", cwd=linked).code == 0
    assert cli("claude", "-w", str(repo), cwd=linked).code == 0
    assert cli("openrouter", cwd=linked).code == 0


def test_a_helper_in_mains_file_is_enough_to_refuse(cli: Cli, repo: Path, linked: Path, key: str) -> None:
    """A worktree cannot cancel it, so its output would be sent beside the worktree's token."""
    write(repo, '{"apiKeyHelper": "echo mains"}')
    assert cli("openrouter", cwd=linked).code == 5
    write(repo, '{"permissions": {"allow": []}, "env": {"EDITOR": "vi"}}')
    assert cli("openrouter", cwd=linked).code == 0


def test_a_client_without_the_main_rule_needs_no_refusal(cli: Cli, repo: Path, linked: Path, key: str) -> None:
    """Before 2.1.211 Claude Code read the worktree's own file only."""
    old = repo.parent / "bin"
    old.mkdir()
    (old / "claude").write_text("#!/bin/sh\necho '2.1.197 (Claude Code)'\n")
    (old / "claude").chmod(0o755)
    cli("deepseek", cwd=repo)
    path = {"PATH": f"{old}:{os.environ['PATH']}"}
    assert cli("openrouter", cwd=linked, env=path).code == 0
    (old / "claude").write_text("#!/bin/sh\necho '2.1.211 (Claude Code)'\n")
    assert cli("devstral", cwd=linked, env=path).code == 5


def test_a_linked_worktree_follows_what_main_has_already(cli: Cli, repo: Path, linked: Path, key: str) -> None:
    """Nothing to do, and nothing is written."""
    cli("openrouter", cwd=repo)
    reply = cli("openrouter", cwd=linked)
    assert reply.code == 0
    assert "follows the main checkout" in reply.out
    assert not (linked / ".claude").exists()


def test_switching_main_names_who_follows_and_refuses_where_another_pin_is(
    cli: Cli, repo: Path, linked: Path, key: str
) -> None:
    """A worktree without a pin follows; one with another would be overridden; one with the same is fine."""
    reply = cli("deepseek", cwd=repo)
    assert reply.code == 0
    assert f"{linked} has no pin of its own and follows this one now" in reply.err
    cli("claude", cwd=repo)
    cli("openrouter", cwd=linked)
    before = snapshot(repo, linked)
    reply = cli("deepseek", cwd=repo)
    assert reply.code == 5
    assert f"{linked} (openrouter)" in reply.err
    assert "--all" in reply.err
    assert snapshot(repo, linked) == before
    assert cli("openrouter", cwd=repo).code == 0
    assert cli("claude", cwd=repo).code == 0
    assert cli("deepseek", "--anyway", cwd=repo).code == 0


def test_taking_a_pin_away_is_never_refused_and_says_what_main_still_does(
    cli: Cli, repo: Path, linked: Path, key: str
) -> None:
    """`claude` in a linked worktree under a pinned main."""
    cli("openrouter", cwd=linked)
    cli("deepseek", "--anyway", cwd=repo)
    reply = cli("claude", cwd=linked)
    assert reply.code == 0
    assert f"{repo} (deepseek) still decides here" in reply.err
    assert not settings_of(linked).exists()


def test_all_are_judged_by_the_end_state_and_switched_together(cli: Cli, repo: Path, linked: Path, key: str) -> None:
    """--all from anywhere; main pinned otherwise is no obstacle when it is switched too."""
    cli("openrouter", cwd=linked)
    cli("devstral", "--anyway", cwd=repo)
    reply = cli("deepseek", "--all", cwd=linked)
    assert reply.code == 0, reply
    for folder in (repo, linked):
        assert env_of(folder)["ANTHROPIC_DEFAULT_OPUS_MODEL"] == "deepseek/deepseek-v3.2"
    assert cli("claude", "--all", cwd=repo).code == 0
    assert snapshot(repo, linked) == [None, None]


def test_several_are_checked_before_the_first_is_written(cli: Cli, repo: Path, linked: Path, key: str) -> None:
    """A broken file in the second keeps the first as it was."""
    write(linked, "{ // mine\n}")
    before = snapshot(repo, linked)
    reply = cli("openrouter", "-w", str(repo), "-w", str(linked), cwd=repo.parent)
    assert reply.code == 1
    assert snapshot(repo, linked) == before
    assert "Nothing was changed" in reply.err


def test_a_write_that_fails_later_names_those_that_were_done(cli: Cli, repo: Path, linked: Path, key: str) -> None:
    """So that nobody has to guess."""
    state = Path(git(linked, "rev-parse", "--absolute-git-dir").removesuffix("\n")) / "llmswitch"
    state.write_text("in the way of the state")
    reply = cli("openrouter", "-w", str(repo), "-w", str(linked), cwd=repo.parent)
    assert reply.code == 1
    assert f"Switched before it: {repo}." in reply.err
    assert settings_of(repo).exists()
    assert not settings_of(linked).exists()


def test_the_key_is_read_once_for_several(cli: Cli, repo: Path, linked: Path) -> None:
    """Standard input has it only once."""
    reply = cli("openrouter", "--key-stdin", "--all", cwd=repo, text=KEY)
    assert reply.code == 0
    assert env_of(repo)["ANTHROPIC_AUTH_TOKEN"] == env_of(linked)["ANTHROPIC_AUTH_TOKEN"] == KEY


# status


def test_status_says_what_shadows_a_slot(cli: Cli, repo: Path, linked: Path, key: str) -> None:
    """The effective model, where it comes from, and what the worktree wanted."""
    cli("openrouter", cwd=linked)
    cli("deepseek", "--anyway", cwd=repo)
    reply = cli("status", "--check", cwd=linked)
    assert reply.code == 3
    assert "SHADOWED by main (deepseek)" in reply.out
    data = json.loads(cli("status", "--json", cwd=linked).out)
    assert data["slots"]["haiku"] == {
        "model": "deepseek/deepseek-v3.2",
        "preset_model": "mistralai/devstral-2512",
        "origin": "main",
        "shadowed_by": "main",
    }
    assert "shadowed" in [problem["code"] for problem in data["problems"]]
    assert "deepseek (main's; openrouter is shadowed)" in reply.out
    assert cli("status", "--short", cwd=linked).out.startswith("main:deepseek")


def test_status_of_a_worktree_that_follows_main(cli: Cli, repo: Path, linked: Path, key: str) -> None:
    """It is on main's preset, and every slot says so."""
    cli("deepseek", cwd=repo)
    reply = cli("status", cwd=linked)
    assert "follows main: deepseek" in reply.out
    assert reply.out.count("from main") >= 4
    assert json.loads(cli("status", "--json", cwd=linked).out)["preset"] == "deepseek"


def test_status_says_what_a_session_below_would_use(cli: Cli, repo: Path, linked: Path, key: str) -> None:
    """A subfolder of a linked worktree reads main's file only; one of the main checkout reads main's as well.

    safety-109.
    """
    cli("openrouter", cwd=linked)
    lead = "A session started in a folder below this one does not read this worktree's file, and sends to"
    write(repo, '{"permissions": {"deny": ["Bash(x)"]}}')  # main's file says nothing of a backend
    assert f"{lead} Anthropic." in cli("status", cwd=linked).out
    write(repo, '{"env": {"ANTHROPIC_BASE_URL": "https://openrouter.ai/api"}}')
    assert f"{lead} openrouter.ai too, with other models or another key." in cli("status", cwd=linked).out
    settings_of(repo).unlink()
    cli("claude", cwd=linked)
    cli("deepseek", cwd=repo)
    assert "A session started in" not in cli("status", cwd=repo).out


def test_status_in_a_folder_below_names_that_folder_and_what_the_root_has(
    cli: Cli, repo: Path, linked: Path, key: str
) -> None:
    """By its recorded preset only where that is still the pin, and with `run` only where that brings it."""
    cli("openrouter", cwd=linked)
    (linked / "sub").mkdir()
    out = cli("status", cwd=linked / "sub").out
    assert out.startswith(f"{linked / 'sub'} (topic): claude (")
    assert f"note: {linked} has openrouter, which a session that starts in this folder does not read." in out
    assert "or: llmswitch run" in out
    write(linked, '{"env": {"ANTHROPIC_BASE_URL": "https://a.example", "ANTHROPIC_AUTH_TOKEN": "token-0123456789ab"}}')
    out = cli("status", cwd=linked / "sub").out
    assert f"note: {linked} has a pin, which" in out
    assert "llmswitch run" not in out


def test_a_prompt_names_what_is_in_effect_where_main_wins(cli: Cli, repo: Path, linked: Path, key: str) -> None:
    """Also of a main whose pin no switch of ours put there; in the status line too."""
    cli("devstral", cwd=linked)
    cli("openrouter", "--anyway", cwd=repo)
    assert cli("status", "--short", cwd=linked).out == "main:openrouter*\n"
    assert cli("statusline", cwd=linked, text="{}").out.startswith("main:openrouter*")
    write(repo, '{"env": {"ANTHROPIC_BASE_URL": "https://a.example"}}')
    assert cli("status", "--short", cwd=linked).out.startswith("main:?")
    assert "not a known preset (main's; devstral is shadowed)" in cli("status", cwd=linked).out
    found = json.loads(cli("status", "--json", cwd=linked).out)["problems"]
    assert not [each for each in found if "Take it out" in each["fix"] and each["code"] == "list-opened"]


@pytest.mark.parametrize("pinned", [True, False])
def test_status_says_what_an_export_does(cli: Cli, repo: Path, key: str, pinned: bool) -> None:
    """Cancelled by the pin's blanks; in effect without one; not news inside a session, whose pin it is."""
    if pinned:
        cli("openrouter", cwd=repo)
    exported = {"ANTHROPIC_API_KEY": "sk-ant-exported-0123456789"}
    reply = cli("status", cwd=repo, env=exported)
    expected = "The exported ANTHROPIC_API_KEY is " + ("cancelled here" if pinned else "in effect here")
    assert expected in reply.out
    assert "0123456789" not in reply.out
    assert expected not in cli("status", cwd=repo, env={**exported, "CLAUDECODE": "1"}).out


def test_status_names_credentials_that_do_not_belong_to_the_url(cli: Cli, repo: Path, linked: Path) -> None:
    """safety-90: A key of one file would go to the URL of another, or two would be sent together."""
    write(repo, '{"env": {"ANTHROPIC_BASE_URL": "https://a.example"}}')
    write(linked, '{"env": {"ANTHROPIC_AUTH_TOKEN": "token-0123456789abcdef", "ANTHROPIC_API_KEY": "other-key"}}')
    reply = cli("status", cwd=linked)
    assert f"ANTHROPIC_AUTH_TOKEN of {settings_of(linked)} is sent to the base URL of {settings_of(repo)}" in reply.out
    assert "Sent together: ANTHROPIC_AUTH_TOKEN and ANTHROPIC_API_KEY" in reply.out
    assert "other-key" not in reply.out


def test_a_worktreeinclude_that_copies_the_key_is_pointed_out(cli: Cli, repo: Path, key: str) -> None:
    """Claude Code copies what it names into each new worktree."""
    cli("openrouter", cwd=repo)
    assert ".worktreeinclude" not in cli("status", cwd=repo).out
    (repo / ".worktreeinclude").write_text(".claude/settings.local.json\n")
    assert ".worktreeinclude copies the settings file" in cli("status", cwd=repo).out
    (repo / ".worktreeinclude").write_text("*.log\n")
    assert ".worktreeinclude" not in cli("status", cwd=repo).out


def test_status_all_has_a_row_for_every_worktree(cli: Cli, repo: Path, linked: Path, key: str) -> None:
    """Main first; Claude Code's own worktrees too; from any of them the same."""
    nested = repo / ".claude" / "worktrees" / "agent"
    git(repo, "worktree", "add", "--quiet", "-b", "worktree-agent", str(nested))
    cli("deepseek", "-w", str(nested), cwd=repo)
    cli("openrouter", "--haiku", "x/y", cwd=linked)
    reply = cli("status", "--all", cwd=linked)
    assert reply.code == 0
    lines = reply.out.splitlines()
    assert lines[0].split() == ["WORKTREE", "BRANCH", "PRESET", "SLOTS", "PROBLEMS"]
    assert lines[1].startswith(str(repo))
    assert "openrouter, haiku changed" in next(line for line in lines if "topic" in line)
    assert "all deepseek-v3.2" in next(line for line in lines if "worktree-agent" in line)
    data = json.loads(cli("status", "--all", "--json", cwd=nested).out)["worktrees"]
    assert {row["worktree"]: row["preset"] for row in data} == {
        str(repo): "claude",
        str(linked): "openrouter",
        str(nested): "deepseek",
    }
    assert cli("status", "--all", "--check", cwd=repo).code == 0


def test_broken_worktrees_are_rows_and_no_failure(cli: Cli, repo: Path, linked: Path, key: str) -> None:
    """A broken file, a removed folder, a locked one on a missing drive, one moved by hand."""
    write(linked, "{ // broken\n}")
    for name in ("removed", "locked", "moved"):
        git(repo, "worktree", "add", "--quiet", "--detach", str(repo.parent / name))
    git(repo, "worktree", "lock", str(repo.parent / "locked"))
    shutil.rmtree(repo.parent / "removed")
    shutil.rmtree(repo.parent / "locked")
    (repo.parent / "moved").rename(repo.parent / "elsewhere")
    reply = cli("status", "--all", cwd=repo.parent / "elsewhere")
    assert reply.code == 0, reply
    rows = {line.split("  ")[0]: line for line in reply.out.splitlines()}
    assert "ignores the settings file" in rows[str(linked)]
    assert "prunable" in rows[str(repo.parent / "removed")]
    assert "locked" in rows[str(repo.parent / "locked")]
    assert str(repo.parent / "elsewhere") in rows
    assert cli("status", "--all", "--check", cwd=repo).code == 3


def test_status_all_short_is_a_line_a_worktree(cli: Cli, repo: Path, linked: Path, key: str) -> None:
    """The word of `--short` and the path; a folder that is gone has a dash."""
    gone = repo.parent / "gone"
    git(repo, "worktree", "add", "--quiet", "--detach", str(gone))
    shutil.rmtree(gone)
    cli("openrouter", "--haiku", "x/y", cwd=linked)
    lines = cli("status", "--all", "--short", cwd=repo).out.splitlines()
    assert [line.split(None, 1) for line in lines] == [
        ["claude", str(repo)],
        ["—", str(gone)],
        ["openrouter*", str(linked)],
    ]


def test_status_all_of_a_bare_hub_leaves_the_hub_out_of_the_pins(cli: Cli, repo: Path, key: str) -> None:
    """Its worktrees are independent: no one shadows another."""
    hub = repo.parent / "hub"
    git(repo, "clone", "--quiet", "--bare", str(repo), str(hub / ".bare"))
    (hub / ".git").write_text("gitdir: ./.bare\n")
    for name in ("one", "two"):
        git(hub, "worktree", "add", "--quiet", "--detach", str(hub / name))
    assert cli("openrouter", cwd=hub / "one").code == 0
    assert cli("deepseek", cwd=hub / "two").code == 0
    data = json.loads(cli("status", "--all", "--json", cwd=hub / "one").out)["worktrees"]
    assert [row["preset"] for row in data] == [None, "openrouter", "deepseek"]
    assert data[0]["problems"][0]["message"].endswith("bare")


def test_all_needs_a_repository(cli: Cli, tmp_path: Path) -> None:
    """In a plain folder there are no other worktrees."""
    plain = tmp_path / "plain"
    plain.mkdir()
    assert cli("status", "--all", cwd=plain).code == 2


def test_a_thousand_worktrees(cli: Cli, repo: Path, key: str) -> None:
    """Each with its own row; the administrative files are made by hand, since git takes 20 s for it."""
    head = git(repo, "rev-parse", "HEAD")
    for number in range(1000):
        folder, admin = repo.parent / f"many/{number}", repo / ".git/worktrees" / str(number)
        folder.mkdir(parents=True)
        admin.mkdir(parents=True)
        (folder / ".git").write_text(f"gitdir: {admin}\n")
        (admin / "gitdir").write_text(f"{folder}/.git\n")
        (admin / "HEAD").write_text(head)
        (admin / "commondir").write_text("../..\n")
    cli("openrouter", cwd=repo.parent / "many/7")
    rows = json.loads(cli("status", "--all", "--json", cwd=repo).out)["worktrees"]
    assert len(rows) == 1001
    assert [row["worktree"] for row in rows if row["preset"] == "openrouter"] == [str(repo.parent / "many/7")]


# back


def test_back_goes_to_the_pin_before_and_forth_again(cli: Cli, repo: Path, key: str) -> None:
    """With its overrides; from the first pin it goes back to none."""
    cli("openrouter", "--haiku", "x/y", "--start", "opus", cwd=repo)
    cli("deepseek", cwd=repo)
    one, two = snapshot(repo), None
    assert cli("-", cwd=repo).code == 0
    two = snapshot(repo)
    assert env_of(repo)["ANTHROPIC_DEFAULT_HAIKU_MODEL"] == "x/y"
    assert env_of(repo)["ANTHROPIC_MODEL"] == "opus"
    assert cli("-", cwd=repo).code == 0
    assert snapshot(repo) == one
    assert cli("-", cwd=repo).code == 0
    assert snapshot(repo) == two


def test_back_from_the_first_pin_takes_it_away(cli: Cli, repo: Path, key: str) -> None:
    """And again puts it back; without any history it says so."""
    assert cli("-", cwd=repo).code == 2
    cli("openrouter", cwd=repo)
    assert cli("-", cwd=repo).code == 0
    assert not settings_of(repo).exists()
    assert cli("-", cwd=repo).code == 0
    assert settings_of(repo).exists()


def test_back_brings_entries_back_that_were_not_ours(cli: Cli, repo: Path, key: str) -> None:
    """Somebody's own slots and URL, as they were, and then the pin again."""
    own = {"ANTHROPIC_BASE_URL": "http://127.0.0.1:1", "ANTHROPIC_DEFAULT_HAIKU_MODEL": "mine", "EDITOR": "vi"}
    write(repo, json.dumps({"env": own}))
    assert cli("openrouter", cwd=repo).code == 0
    assert cli("-", cwd=repo).code == 0
    assert env_of(repo) == own
    assert cli("-", cwd=repo).code == 0
    assert env_of(repo)["ANTHROPIC_AUTH_TOKEN"] == key


def test_a_run_that_changes_nothing_does_not_change_the_way_back(cli: Cli, repo: Path, key: str) -> None:
    """`-` means the state before, however often the same switch is said."""
    cli("openrouter", cwd=repo)
    cli("deepseek", cwd=repo)
    cli("deepseek", cwd=repo)
    cli("-", cwd=repo)
    assert env_of(repo)["ANTHROPIC_DEFAULT_SONNET_MODEL"] == "google/gemini-2.5-pro"


# --live


def test_live_ends_like_claude_and_keeps_the_way_back(cli: Cli, repo: Path, key: str) -> None:
    """The blanks in between are no state to go back to."""
    cli("deepseek", cwd=repo)
    pin = snapshot(repo)
    assert cli("claude", "--live", cwd=repo).code == 0
    assert not settings_of(repo).exists()
    cli("-", cwd=repo)
    assert snapshot(repo) == pin


def test_live_is_refused_where_it_would_cut_linked_worktrees_off(cli: Cli, repo: Path, linked: Path, key: str) -> None:
    """Blanks in main win in its linked worktrees too. With a pin --live makes no sense."""
    cli("openrouter", "--all", cwd=repo)
    before = snapshot(repo, linked)
    assert cli("claude", "--live", cwd=repo).code == 5
    assert snapshot(repo, linked) == before
    assert cli("openrouter", "--live", cwd=repo).code == 2


def test_live_says_what_was_taken_away_and_what_open_sessions_do(cli: Cli, repo: Path, key: str) -> None:
    """The blanks in between are not what the reply is about."""
    cli("deepseek", cwd=repo)
    with looks_like_a_session(repo):
        reply = cli("claude", "--live", cwd=repo)
    assert reply.out.startswith(f"Switched {repo} to claude")
    assert "deepseek/deepseek-v3.2" in reply.out
    assert "back on your login" in reply.err


def test_a_pin_of_its_own_is_not_taken_for_following_main(cli: Cli, repo: Path, linked: Path, key: str) -> None:
    """Where the linked worktree's own file has another pin, switching it to main's preset writes that."""
    cli("deepseek", cwd=linked)
    cli("openrouter", "--anyway", cwd=repo)
    reply = cli("openrouter", cwd=linked)
    assert reply.out.startswith("Switched"), reply
    assert env_of(linked)["ANTHROPIC_DEFAULT_SONNET_MODEL"] == "google/gemini-2.5-pro"


def test_a_key_of_its_own_is_not_taken_for_following_main(cli: Cli, repo: Path, linked: Path, key: str) -> None:
    """--key-stdin says that this worktree shall have another key than main."""
    cli("openrouter", cwd=repo)
    reply = cli("openrouter", "--key-stdin", cwd=linked, text="key-of-this-worktree-0123456789")
    assert reply.out.startswith("Switched"), reply
    assert env_of(linked)["ANTHROPIC_AUTH_TOKEN"] == "key-of-this-worktree-0123456789"


def test_all_means_the_repository_that_w_names(cli: Cli, repo: Path, linked: Path, key: str, tmp_path: Path) -> None:
    """Not the one somebody stands in."""
    assert cli("openrouter", "--all", "-w", str(linked), cwd=tmp_path).code == 0
    assert settings_of(repo).exists()
    assert settings_of(linked).exists()


def test_a_helper_pin_follows_mains_helper_pin(cli: Cli, repo: Path, linked: Path, key: str) -> None:
    """The commands that print the key are no difference, in either order."""
    cli("openrouter", "--key-helper", cwd=repo)
    assert "follows the main checkout" in cli("openrouter", "--key-helper", cwd=linked).out
    cli("claude", cwd=repo)
    cli("openrouter", "--key-helper", cwd=linked)
    assert cli("openrouter", "--key-helper", cwd=repo).code == 0


def test_a_refusal_repeats_what_was_asked(cli: Cli, repo: Path, linked: Path, key: str) -> None:
    """So that the command it proposes does the same."""
    cli("deepseek", cwd=repo)
    reply = cli("openrouter", "--haiku", "x y", "--key-helper", cwd=linked)
    assert f"llmswitch openrouter --haiku 'x y' --key-helper -w {shlex.quote(str(repo))}" in reply.err


def test_an_empty_path_is_not_this_folder(cli: Cli, repo: Path, key: str) -> None:
    """`-w "$UNSET"` must not switch where one stands."""
    for arguments in (["-w", ""], ["--base-url", ""], ["--start", ""], ["--model", ""]):
        assert cli("openrouter", *arguments, cwd=repo).code == 2
    assert not settings_of(repo).exists()


def test_all_prints_equal_changes_once(cli: Cli, repo: Path, key: str, tmp_path: Path) -> None:
    """One worktree has another pin before, and so its own changes; every worktree is named."""
    folders = [tmp_path / f"wt{number}" for number in range(12)]
    for folder in folders:
        git(repo, "worktree", "add", "--quiet", "--detach", str(folder))
    cli("deepseek", "-w", str(folders[5]), cwd=repo)
    reply = cli("openrouter", "--all", cwd=repo)
    assert reply.out.count("opus, fable") == 2
    assert reply.out.count("The same changes as above.") == 11
    assert all(f"Switched {folder} to openrouter" in reply.out for folder in [repo, *folders])
    assert reply.err.count("costs 1.25 USD") == 1
    assert "of 13 …" not in reply.err  # only on a terminal


def test_all_shows_how_far_it_is_on_a_terminal(cli: Cli, repo: Path, key: str, sealed: dict[str, str]) -> None:
    """On a line that goes again."""
    for number in range(11):
        git(repo, "worktree", "add", "--quiet", "--detach", f"../wt{number}")
    with Terminal(
        [sys.executable, "-m", "llmswitch", "openrouter", "--all"], repo, {**sealed, "TERM": "xterm"}
    ) as seen:
        assert seen.wait() == 0
        assert "3 of 12 …" in seen.output


def test_a_first_switch_is_fourteen_lines_at_most(cli: Cli, repo: Path, key: str) -> None:
    """What changed, what is kept empty, one line on open sessions; and nothing speaks against the preset's own map."""
    reply = cli("openrouter", cwd=repo)
    assert len((reply.out + reply.err).splitlines()) <= 13, reply  # and one where a session is open
    assert "warning" not in reply.err
    assert "13 set to empty" in reply.out


def test_many_that_follow_are_said_in_one_line(cli: Cli, repo: Path, key: str) -> None:
    """With their number and the first of them."""
    for number in range(5):
        git(repo, "worktree", "add", "--quiet", "--detach", str(repo.parent / f"many-{number}"))
    said = [line for line in cli("openrouter", cwd=repo).err.splitlines() if "follow this one" in line]
    assert len(said) == 1
    assert said[0].startswith("5 linked worktrees have no pin of their own and follow this one now: ")
    assert said[0].endswith("many-0, " + f"{repo.parent}/many-1, {repo.parent}/many-2, …")
