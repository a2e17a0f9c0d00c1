"""The README's four commands for real: from a clone to the first switch, on a terminal, in a home that is empty."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import INSTALLER, KEY, git, require
from support import secret_service
from support.programs import absent
from support.terminal import Terminal
from support.tree import ROOT

MARK = "READY> "
TEN_MINUTES = 600


def four_commands(clone: Path) -> list[str]:
    """Return what the README of a clone says to type, without the words on it."""
    (block,) = re.findall(r"## Install\n[^#]*?```sh\n(.*?)```", (clone / "README.md").read_text(), re.DOTALL)
    return [line.partition("#")[0].strip() for line in block.splitlines()]


@pytest.mark.timeout(TEN_MINUTES)  # in which a newcomer shall have it; without a load it takes half a minute
def test_four_commands_lead_from_a_clone_to_the_first_switch(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """Each says that it went well; the key is asked for once, and the switch needs nothing else; the time is noted."""
    require(absent("pipx") or secret_service.missing())
    with secret_service.SecretService(tmp_path / "bus") as service:
        home = Path(service.environ["HOME"])
        app, path = home / "src/app", f"{home}/.local/bin:{service.environ['PATH']}"
        app.mkdir(parents=True)
        git(app, "init", "--quiet", "-b", "main")
        git(app, "commit", "--quiet", "--allow-empty", "-m", "first")
        environ = {**INSTALLER, **service.environ, "PATH": path, "TERM": "dumb", "PS1": MARK, "NO_COLOR": "1"}
        del environ["PYTHONPATH"]  # the copy that is installed is meant
        git(tmp_path, "clone", "--quiet", str(ROOT), "clone")
        took = dict[str, float]()
        shell = ["bash", "--norc", "--noprofile", "--noediting", "-i"]
        with Terminal(shell, tmp_path / "clone", environ) as terminal:
            terminal.expect(MARK)
            for command in four_commands(tmp_path / "clone"):
                start = time.monotonic()
                terminal.send(f"{command}; echo ended $?\r")
                terminal.expect("ended $?")  # as it is typed
                if "save-key" in command:
                    terminal.expect("openrouter key:")
                    terminal.send(f"{KEY}\r")
                terminal.expect("ended ", TEN_MINUTES)
                terminal.expect(MARK)
                took[command] = round(time.monotonic() - start, 1)
                assert terminal.output.endswith(f"ended 0\r\n{MARK}"), terminal.output
            shown = terminal.output
        print(took)
        record_property("seconds", took)
        assert [command.split()[0] for command in took] == ["pipx", "cd", "llmswitch", "llmswitch"]
        assert shown.count("openrouter key:") == 1
        assert KEY not in shown
        assert "Switched ~/src/app to openrouter (openrouter.ai)." in shown
        values = json.loads((app / ".claude/settings.local.json").read_text())["env"]
        assert values["ANTHROPIC_AUTH_TOKEN"] == KEY
        assert git(app, "status", "--short") == ""
