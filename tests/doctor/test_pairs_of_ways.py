"""Two ways past a pin at once: the cure of one opens no other, and both cures together close both.

All ways of the list are here, with real files; `OTHERS` says why a way is not closed by us, or not opened by a file.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Cli, settings_of

from llmswitch.claude.ways import WAYS

PIN = ("openrouter", "--key-helper", "--base-url", "http://127.0.0.1:9/api", "--haiku", "v/haiku")
EXPORTED = {"proxy": "HTTP_PROXY", "host-app": "CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST"}
# way → why no command of ours closes it; what the user does about it is done here in its place
OTHERS = {
    "list-opened": "the list is the user's or the repository's own: a note names the file",
    "hook-model": "the hook is the user's own: a note names file, event and id",
    "redirect": "the provider does it and no file: `doctor --probe` finds it before a key goes out",
    "repository-proxy": "the settings are the repository's own: a switch refuses as long as they are there",
    "settings-ignored": "the wrong member is the user's own: a switch refuses and names it",
}
NO_FILE = "redirect"
# way → the findings that tell it; drift is what a pin lacks that a switch put there
TOLD = {way: {way} for way in WAYS} | {"open": {"open", "drift"}, "no-fence": {"no-fence", "drift"}}


class Place:
    """A pinned repository with the files of all who have a say in it, and what is exported."""

    def __init__(self, cli: Cli, repo: Path, home: Path) -> None:
        self._cli, self.repo, self.environ = cli, repo, dict[str, str]()
        self.own, self.shared = settings_of(repo), repo / ".claude" / "settings.json"
        self.users = home / ".claude" / "settings.json"

    def run(self, *words: str) -> int:
        """Run a command and return its exit code."""
        return self._cli(*words, cwd=self.repo, env=self.environ).code

    def found(self) -> set[str]:
        """Return the names of all that doctor finds; a list that narrows one's own login is no way past a pin."""
        reply = self._cli("doctor", "--json", cwd=self.repo, env=self.environ)
        problems = [(each["code"], each["level"]) for each in json.loads(reply.out)["problems"]]
        return {code for code, level in problems if (code, level) != ("slots-narrowed", "note")}

    def edit(self, path: Path, **members: Any) -> None:
        """Set members at the top of a file; None takes one away."""
        root = json.loads(path.read_text()) if path.exists() else {}
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps({name: value for name, value in {**root, **members}.items() if value is not None}))

    def less(self, name: str) -> None:
        """Take a variable out of the pin."""
        env = json.loads(self.own.read_text()).get("env", {})
        self.edit(self.own, env={each: text for each, text in env.items() if each != name})

    def replace(self, old: str, new: str) -> None:
        """Change the text of the pin's file."""
        self.own.write_text(self.own.read_text().replace(old, new))


HOOKED = {"PreToolUse": [{"hooks": [{"type": "prompt", "prompt": "Fine?", "model": "claude-opus-4-8"}]}]}
WEAK = {"HTTPS_PROXY": "http://127.0.0.1:1", "NODE_TLS_REJECT_UNAUTHORIZED": "0"}
# In the order in which they are opened: what takes the pin itself away comes last.
OPEN: dict[str, Callable[[Place], None]] = {
    "proxy": lambda place: place.replace("127.0.0.1,localhost,::1", "x.example"),
    "open": lambda place: place.less("ANTHROPIC_CUSTOM_HEADERS"),
    "slots-narrowed": lambda place: place.edit(place.own, availableModels=["v/haiku"]),
    "no-fence": lambda place: place.edit(place.own, availableModels=None),
    "list-opened": lambda place: place.edit(place.users, availableModels=["sonnet"]),
    "hook-model": lambda place: place.edit(place.users, hooks=HOOKED),
    "strange-host": lambda place: place.replace("http://127.0.0.1:9", "https://evil.example"),
    "repository-proxy": lambda place: place.edit(place.shared, env=WEAK),
    "list-alone": lambda place: place.edit(place.own, env=None, apiKeyHelper=None),
    "settings-ignored": lambda place: place.edit(place.own, hooks={"PreToolUse": [{"matcher": "x"}]}),
    "host-app": lambda place: None,
}
CURE: dict[str, Callable[[Place], object]] = {
    "list-opened": lambda place: place.edit(place.users, availableModels=None),
    "hook-model": lambda place: place.edit(place.users, hooks=None),
    "repository-proxy": lambda place: place.edit(place.shared, env=None),
    "settings-ignored": lambda place: place.edit(place.own, hooks=None),
    "list-alone": lambda place: place.run("claude"),
    "host-app": lambda place: 0,
}
# Without a list there is none that lacks something, or that stays behind; and without a pin only a list can.
APART = {frozenset(pair) for pair in (("no-fence", "slots-narrowed"), ("no-fence", "list-alone"))}
PAIRS = [pair for pair in itertools.permutations(OPEN, 2) if frozenset(pair) not in APART]


def test_every_way_is_here() -> None:
    """Opened by a file or the shell; closed by a command of ours, or there is a reason."""
    assert {*OPEN, NO_FILE} == {*WAYS}
    assert {*OTHERS} <= {*WAYS}
    assert {*CURE} - {"list-alone", "host-app"} == {*OTHERS} - {NO_FILE}


@pytest.fixture
def place(cli: Cli, repo: Path, key: str, sealed: dict[str, str]) -> Place:
    """A pin that is whole."""
    found = Place(cli, repo, Path(sealed["HOME"]))
    assert found.run(*PIN) == 0
    return found


def told(place: Place) -> set[str]:
    """Return the ways that are told to be open."""
    found = place.found()
    return {way for way, names in TOLD.items() if names & found}


@pytest.mark.parametrize("way", OPEN)
def test_each_is_open_before_its_cure_and_closed_after_it(place: Place, way: str) -> None:
    """By itself; a whole pin has none."""
    assert told(place) == set()
    opened(place, way)
    assert way in told(place)
    cured(place, way)
    assert told(place) == set()


@pytest.mark.many
@pytest.mark.parametrize("pair", PAIRS, ids="+".join)
def test_the_cure_of_one_opens_no_other(place: Place, pair: tuple[str, str]) -> None:
    """Cured in this order; after the first only what was open before may be open, after both nothing is.

    A file that is dropped hides what is wrong in it: what was told before that counts.
    """
    before = set[str]()
    for way in OPEN:
        if way in pair:
            opened(place, way)
            before |= told(place)
    assert before & {*pair}
    for way in pair:
        done = cured(place, way)
        left = told(place)
        assert left <= (before | {*pair}) - ({way} if done else set()), (before, left)
    if left:  # the first cure was refused as long as the second way was open
        cured(place, pair[0])
        left = told(place)
    assert left == set()


def opened(place: Place, way: str) -> None:
    """Open a way."""
    OPEN[way](place)
    if way in EXPORTED:
        place.environ[EXPORTED[way]] = "http://127.0.0.1:1"


def cured(place: Place, way: str) -> bool:
    """Do what closes a way; False where that is refused."""
    place.environ.pop(EXPORTED.get(way, ""), None)
    return (CURE[way](place) if way in CURE else place.run(*PIN)) in (0, None)
