"""What a switch says it did, and what that means for sessions that are open."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import KEY
from support.machine import Machine

from llmswitch.claude.sessions import Session
from llmswitch.claude.variables import OURS
from llmswitch.cli.app import App
from llmswitch.commands.request import Request
from llmswitch.commands.several import Switched, switch_all
from llmswitch.commands.switch import Tools
from llmswitch.keys.sources import KeySource
from llmswitch.views import open_sessions
from llmswitch.views import switch as view

Switch = Callable[..., tuple[Switched, Request]]


@pytest.fixture
def switched(repo: Path, sealed: dict[str, str], key: str) -> Switch:
    """Return a function that switches, and returns what the switch did and the request."""

    def switch(preset: str, **options: object) -> tuple[Switched, Request]:
        app = App(sealed)
        request = Request(preset, options, {})
        keys = KeySource(sealed, app.keyring, app.key_names)
        tools = Tools(app.catalog, keys, app.gateway, app.key_helper)
        [done] = switch_all(request, [app.checkouts.at(str(repo))], tools, lambda: True)
        return done, request

    return switch


def test_a_first_switch_says_where_to_which_host_and_what_changed(switched: Switch, repo: Path) -> None:
    """Each slot, what is set to empty, and no key."""
    done, request = switched("openrouter")
    lines = view.switched(done, False, str(repo.parent))
    assert lines[0] == f"Switched ~/{repo.name} to openrouter (openrouter.ai)."
    assert any(line.split()[0] == "base" and line.endswith("→  https://openrouter.ai/api") for line in lines)
    assert KEY not in "\n".join(lines)
    empty = [name for name in OURS if done.after.get(name) == ""]
    assert any(line.startswith(f"  {len(empty)} set to empty") for line in lines)
    assert "ignores the file that holds the key" in view.remarks(done, request, [])[0]


def test_a_dry_run_says_would(switched: Switch) -> None:
    """And nothing was done."""
    done, request = switched("openrouter", dry_run=True)
    assert view.switched(done, True, "")[0].startswith("Would switch ")
    assert not done.written
    assert "would get a rule" in view.remarks(done, request, None)[0]


def test_the_same_again_is_nothing_to_do(switched: Switch, repo: Path) -> None:
    """With the preset and its host."""
    switched("openrouter")
    done, _ = switched("openrouter")
    assert view.switched(done, False, "") == [f"Nothing to do: {repo} is on openrouter (openrouter.ai) already."]


def test_one_slot_is_one_row(switched: Switch) -> None:
    """Before and after it; what stays is not said."""
    before, _ = switched("openrouter")
    done, _ = switched("openrouter", haiku="m/x")
    rows = [line for line in view.switched(done, False, "")[1:] if "→" in line]
    assert rows[0].split() == ["haiku", before.after["ANTHROPIC_DEFAULT_HAIKU_MODEL"], "→", "m/x"]
    assert not {"sonnet", "opus", "base", "start"} & {row.split()[0] for row in rows}


def session(pid: int, overlay: bool = False) -> Session:
    """Return an open session."""
    return Session(pid, "/", 0.0, overlay)


def test_open_sessions_are_told_by_number(switched: Switch) -> None:
    """Those that follow the file; one that was started by `run` does not, and where nobody can know all is said."""
    done, _ = switched("openrouter")
    said = " ".join(open_sessions.sessions(done, [session(12), session(13, overlay=True)]))
    assert said.startswith("Open Claude Code sessions here now send to openrouter.ai")
    assert said.endswith(" Open here now: process 12.")
    assert open_sessions.sessions(done, [session(13, overlay=True)]) == ["No open Claude Code session follows this."]
    assert open_sessions.sessions(done, []) == []
    deaf = session(14)
    deaf.deaf = True
    told = open_sessions.sessions(done, [session(12), deaf])
    assert told == [said, "Process 14 does not see this: perhaps .claude was removed under it. Restart it."]
    assert said.startswith(" ".join(open_sessions.sessions(done, None)))


def test_back_home_they_keep_what_they_had(switched: Switch) -> None:
    """A removed variable is never dropped by an open session."""
    switched("openrouter")
    done, _ = switched("claude")
    assert "keep the old backend until you restart them." in open_sessions.sessions(done, [session(1)])[0]


def test_a_worktree_that_follows_main_has_nothing_to_do(tmp_path: Path) -> None:
    """Where main is on the preset already."""
    machine = Machine(tmp_path / "machine")
    main, linked = machine.repository("one", "two")
    machine.save(KEY)
    machine.switch(main, "openrouter")
    app = machine.app()
    tools = Tools(app.catalog, KeySource(app.environ, app.keyring, app.key_names), app.gateway, app.key_helper)
    [done] = switch_all(Request("openrouter", {}, {}), [app.checkouts.at(str(linked))], tools, lambda: True)
    assert view.switched(done, False, str(tmp_path)) == [
        "Nothing to do: ~/machine/two follows the main checkout, which is on openrouter already."
    ]
