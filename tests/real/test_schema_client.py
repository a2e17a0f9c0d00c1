"""The client and what we know of its settings' members: each takes the values that the data say, and no others."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from conftest import git
from support.claude_client import ClaudeClient, require_program

from llmswitch.claude.schema import PROBES, RULED, by_data, by_rules, known_members
from llmswitch.claude.versions import NEWEST

SAMPLE = 60
COMMAND = {"type": "command", "command": "true"}
EVENTS = ("PreToolUse", "PermissionRequest", "Stop", "Odd")
HOOKS: tuple[Any, ...] = (
    None, {"a": 1}, {}, 5, ["text"], [None], [{}], [{"matcher": "x"}], [{"hooks": {}}], [{"hooks": []}],
    [{"hooks": ["x"]}], [{"hooks": [{}]}], [{"hooks": [{"type": "odd"}]}], [{"hooks": [{"type": "command"}]}],
    [{"hooks": [{**COMMAND, "timeout": "x"}]}], [{"hooks": [{**COMMAND, "timeout": 0}]}],
    [{"hooks": [{**COMMAND, "timeout": 0.5}]}], [{"matcher": {}, "hooks": []}], [{"matcher": None, "hooks": []}],
    [{"hooks": [{"type": "prompt"}]}], [{"hooks": [{"type": "agent", "prompt": "x", "model": "m"}]}],
    [{"hooks": [{"type": "prompt", "prompt": "x", "model": 5}]}], [{"hooks": [{"type": "http", "url": "x"}]}],
    [{"hooks": [{**COMMAND, "once": "x"}]}], [{"hooks": [{**COMMAND, "shell": "odd"}]}],
    [{"hooks": [{**COMMAND, "unknown": 5}]}], [{"hooks": [COMMAND]}, {"hooks": 5}],
)  # fmt: skip
PERMISSIONS: tuple[Any, ...] = (
    [], None, {}, {"allow": "x"}, {"allow": None}, {"allow": [5]}, {"deny": {}}, {"ask": []}, {"defaultMode": "x"},
    {"defaultMode": "plan"}, {"additionalDirectories": [5]}, {"disableAutoMode": ""}, {"unknown": 5},
)  # fmt: skip


class Probe:
    """Three settings files of a session, and what the client says of them."""

    def __init__(self, tmp: Path) -> None:
        repo, home = tmp / "repo", tmp / "user"
        for folder in (repo / ".claude", home / ".claude"):
            folder.mkdir(parents=True)
        git(repo, "init", "--quiet")
        self._client, self._repo = ClaudeClient(require_program(), home, tmp / "tmp"), repo
        local = [repo / ".claude" / name for name in ("settings.json", "settings.local.json")]
        self.files = [home / ".claude" / "settings.json", *local]

    def errors(self, roots: Mapping[Path, Any]) -> dict[Path, set[str]]:
        """Return the paths of which the client says that they are wrong; an item's is its list's."""
        for path in self.files:
            path.unlink(missing_ok=True)
        for path, root in roots.items():
            path.write_text(json.dumps(root))
        errors = self._client.control(self._repo, "get_settings")["get_settings"].get("errors", [])
        items = re.compile(r"(\.\d+)+$")
        return {path: {items.sub("", each["path"]) for each in errors if each["file"] == str(path)} for path in roots}


@pytest.fixture
def probe(tmp_path: Path) -> Probe:
    """Three files to try things with."""
    return Probe(tmp_path)


def with_everywhere(paths: list[str], value: Any) -> dict[str, Any]:
    """Return settings in which every one of the paths has that value."""
    root: dict[str, Any] = {}
    for path in sorted(paths, key=lambda path: path.count(".")):
        *outer, name = path.replace("*", "own").split(".")
        at = root
        for part in outer:
            at = at.setdefault(part, {})
        at[name] = value
    return root


def test_the_client_takes_what_the_data_say(probe: Probe) -> None:
    """A sample of the members, each with a value of every kind."""
    known = known_members()
    if known["client"] != NEWEST:
        pytest.fail("run scripts/schema")
    paths = random.Random(NEWEST).sample(sorted(known["members"]), SAMPLE)
    outer = [path for path in paths if not any(other.startswith(f"{path}.") for other in paths)]
    values = list(PROBES.values())
    for start in range(0, len(values), len(probe.files)):
        some = values[start : start + len(probe.files)]
        roots = {path: with_everywhere(outer, value) for path, value in zip(probe.files, some, strict=False)}
        for path, said in probe.errors(roots).items():
            assert set(by_data(roots[path])) == said, (said, json.dumps(roots[path]))


@pytest.mark.parametrize("event", EVENTS)
def test_the_client_drops_a_file_for_the_hooks_that_we_say(probe: Probe, event: str) -> None:
    """By rules: a malformed hook counts only where it would let something through."""
    roots = [{"hooks": {event: hooks}} for hooks in HOOKS]
    drops(probe, roots)


def test_the_client_drops_a_file_for_the_permissions_that_we_say(probe: Probe) -> None:
    """By rules."""
    drops(probe, [{"permissions": each} for each in PERMISSIONS])


def drops(probe: Probe, roots: list[dict[str, Any]]) -> None:
    """Compare which of these files are dropped: those about which there is an error."""
    for start in range(0, len(roots), len(probe.files)):
        some = dict(zip(probe.files, roots[start : start + len(probe.files)], strict=False))
        for path, said in probe.errors(some).items():
            assert bool(by_rules(some[path])) == any(each.partition(".")[0] in RULED for each in said), some[path]
