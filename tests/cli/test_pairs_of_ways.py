"""Two ways past a pin at once: the cure of one opens no other, and both cures together close both."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Cli, settings_of

from llmswitch.claude.ways import WAYS

PIN = ("openrouter", "--key-helper", "--base-url", "http://127.0.0.1:9/api")
EXPORTED = {"proxy": "HTTP_PROXY", "host-app": "CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST"}


def without(name: str) -> Callable[[Path], None]:
    """Return what takes a variable out of a settings file."""

    def change(path: Path) -> None:
        root = json.loads(path.read_text())
        root["env"].pop(name)
        path.write_text(json.dumps(root))

    return change


def strange(path: Path) -> None:
    """Send the key elsewhere."""
    path.write_text(path.read_text().replace("http://127.0.0.1:9", "https://evil.example"))


def unexcepted(path: Path) -> None:
    """Take away what leads past a proxy."""
    path.write_text(path.read_text().replace("127.0.0.1,localhost,::1", "x.example"))


# In the order in which they are opened; the file's are closed by the switch, the shell's by an `unset`.
EDITS: dict[str, Callable[[Path], None]] = {
    "proxy": unexcepted,
    "open": without("ANTHROPIC_CUSTOM_HEADERS"),
    "strange-host": strange,
}
OPENED = [*EDITS, "host-app"]


def test_they_are_of_the_list() -> None:
    """By the names of their findings."""
    assert {*OPENED} <= {*WAYS}


@pytest.mark.parametrize("pair", [*itertools.permutations(OPENED, 2)], ids="+".join)
def test_the_cure_of_one_opens_no_other(cli: Cli, repo: Path, key: str, pair: tuple[str, str]) -> None:
    """Cured in this order; after the first only the second may be open, after both none is."""
    environ = {EXPORTED[way]: "http://127.0.0.1:1" for way in pair if way in EXPORTED}

    def is_open() -> set[str]:
        found = json.loads(cli("status", "--json", cwd=repo, env=environ).out)["problems"]
        return {each["code"] for each in found if each["level"] != "note"}

    assert cli(*PIN, cwd=repo).code == 0
    assert is_open() - {"host-app"} == set()
    for way in (way for way in EDITS if way in pair):
        EDITS[way](settings_of(repo))
    before = is_open()
    assert before & {*pair}
    for way in pair:
        if way in EDITS:
            assert cli(*PIN, cwd=repo, env=environ).code == 0
        else:
            environ.pop(EXPORTED[way])
        left = is_open()
        assert left <= before - {way}, (before, left)
    assert left == set()
