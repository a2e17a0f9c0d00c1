"""The client as judge: for every layout of folders, what it says it will use is what `effective` works out."""

from __future__ import annotations

import itertools
import json
import os
import random
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from support.claude_client import ClaudeClient, require_program
from support.layers import reader_of
from support.layouts import BUILDERS, Builder, linked_worktree
from support.programs import absent, require
from support.truth import NO_NAMESPACE

from llmswitch.claude import layers as layers_module
from llmswitch.claude.effective import Value, effective
from llmswitch.claude.variables import ALLOWED, SAVED_MODEL, TOP_MEMBERS
from llmswitch.worktrees import layout as worktrees

RANDOM_NAMES = 200
NAMES = ("settings.local.json", "settings.json")
ODD: tuple[Any, ...] = (
    "",
    "",
    5,
    0.5,
    -0.0,
    1e-7,
    1.5e-6,
    2**53 + 1,
    12345678901234567890,
    1e21,
    True,
    None,
    [],
    ["a", None, 1],
    {"a": 1},
    " x ",
)
BROKEN = (
    '{"env": {"LOST": "x"},}', '{"env": {"LOST": "x"}} //', '{"env": null}', '{"env": {"LOST": "x"}, "model": 5}',
    '{"env": {"LOST": "x"}, "permissions": {"allow": "x"}}', "[]", '{"env": {"LOST": "x"', "null",
    '{"env": {"LOST": "x"}, "disableAutoMode": ""}', '{"apiKeyHelper": null, "model": "lost"}',
)  # fmt: skip
HARMLESS = ("", " \n", "{}", '{"hooks": 5}')


class Place:
    """A folder a session starts in, its environment, and the folders whose settings files are tried."""

    def __init__(self, cwd: Path, *folders: Path, home: Path, env: Mapping[str, str] | None = None) -> None:
        self.cwd, self.home, self.env = cwd, home, dict(env or {})
        files = [folder / ".claude" / name for folder in dict.fromkeys(folders) for name in NAMES]
        self.files = list(dict.fromkeys([*files, home / ".claude" / "settings.json"]))

    def write(self, texts: Mapping[Path, str]) -> None:
        """Give the settings files these texts, and remove all others."""
        for path in self.files:
            path.unlink(missing_ok=True)
        for path, text in texts.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)


Maker = Callable[[Sequence[Path], random.Random], dict[Path, str]]


class Judge:
    """The client, which is asked what it will use, and what it answered so far."""

    def __init__(self, program: str, tmp: Path, home: Path) -> None:
        self.client = ClaudeClient(program, home, tmp / "tmp")

    def effective(self, place: Place, env: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return what the client takes from all its files."""
        answer = self.client.control(place.cwd, "get_settings", env={**place.env, **(env or {})})
        settings = answer["get_settings"]["effective"]
        top = {name: settings[name] for name in (*TOP_MEMBERS, SAVED_MODEL) if name in settings}
        found: dict[str, str] = settings.get("env", {}) | top
        return found

    def agree(self, place: Place) -> dict[str, Value]:
        """Compare every key for one state of the files, and return our values."""
        ours = our_values(place)
        theirs = self.effective(place)
        texts = {name: json.loads(value.text) if name == ALLOWED else value.text for name, value in ours.items()}
        different = {
            name: (texts.get(name), theirs.get(name))
            for name in {*texts, *theirs}
            if texts.get(name) != theirs.get(name)
        }
        assert texts == theirs, f"{len(different)} of {len(texts)} differ (ours, theirs): {first(different)}"
        return ours


def our_values(place: Place) -> dict[str, Value]:
    """Return what we work out from all files, without the shell."""
    environ = {"HOME": str(place.home), **place.env}
    found = reader_of(environ).layers(worktrees.find(str(place.cwd)), os.path.realpath(place.cwd))
    return effective(layer for layer in found if layer.origin != "shell")


def first(different: Mapping[str, object]) -> dict[str, object]:
    """Return a few differences to show."""
    return dict(itertools.islice(sorted(different.items()), 12))


def subsets(files: Sequence[Path]) -> dict[Path, dict[str, str]]:
    """Return variables for the files such that every subset of them shares one, valued by the file's name."""
    masks = ["".join(bits) for bits in itertools.product("01", repeat=len(files))]
    return {path: {f"K_{mask}": str(path) for mask in masks if mask[index] == "1"} for index, path in enumerate(files)}


def odd_values(path: Path, choose: random.Random) -> dict[str, Any]:
    """Return variables that a file sets to its name, blanks them, gives them another type, or leaves them out."""
    kinds = [(f"R_{number}", choose.choice(["absent", "named", "odd"])) for number in range(RANDOM_NAMES)]
    return {name: str(path) if kind == "named" else choose.choice(ODD) for name, kind in kinds if kind != "absent"}


def top_level(path: Path, choose: random.Random) -> dict[str, Any]:
    """Return some of the top-level members that count."""
    members = {
        "apiKeyHelper": choose.choice(["", f"echo {path}"]),
        "model": choose.choice(["", str(path)]),
        "disableAutoMode": choose.choice(["disable", None]),
    }
    return {name: value for name, value in members.items() if choose.random() < 0.4}


def all_subsets(files: Sequence[Path], choose: random.Random) -> dict[Path, str]:
    """Return good files: every subset of them shares a variable; others have odd values, at random."""
    return {
        path: json.dumps({"env": {**env, **odd_values(path, choose)}, **top_level(path, choose)})
        for path, env in subsets(files).items()
    }


def some_broken(files: Sequence[Path], choose: random.Random) -> dict[Path, str]:
    """Return the same, some of the files broken, blank or absent."""
    kinds = choose.choices(["good", "broken", "harmless", "absent"], [8, 5, 1, 2], k=len(files))
    text = {"broken": lambda: choose.choice(BROKEN), "harmless": lambda: choose.choice(HARMLESS)}
    good = all_subsets(files, choose)
    return {
        path: text.get(kind, lambda path=path: good[path])()
        for path, kind in zip(files, kinds, strict=True)
        if kind != "absent"
    }


@pytest.fixture(scope="module")
def program() -> str:
    """Find the client, before any test's environment is replaced."""
    return require_program()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The home of the client."""
    folder = tmp_path / "user"
    folder.mkdir()
    return folder


@pytest.fixture
def judge(program: str, tmp_path: Path, home: Path) -> Judge:
    """The client in a home of its own."""
    return Judge(program, tmp_path, home)


def compare(judge: Judge, place: Place, seed: str, *makers: Maker) -> None:
    """Compare states of the place's files; the same seed makes the same ones."""
    choose = random.Random(seed)
    for make in makers:
        place.write(make(place.files, choose))
        judge.agree(place)


@pytest.mark.parametrize("build", BUILDERS, ids=lambda build: build.__name__)
def test_the_client_uses_what_we_say(judge: Judge, build: Builder, tmp_path: Path, home: Path) -> None:
    """Started at the root, in a subfolder, and in one without settings: no difference in any key."""
    base = tmp_path / "base"
    base.mkdir()
    root, others = build(base, home)
    name = build.__name__
    compare(judge, Place(root, root, *others, home=home), f"{name} root", all_subsets, some_broken)
    sub = root / "mid" / "sub"
    sub.mkdir(parents=True)
    place = Place(sub, root, root / "mid", sub, *others, home=home)
    compare(judge, place, f"{name} sub", all_subsets, some_broken)
    place.write({})
    (sub / ".claude").rmdir()
    compare(judge, Place(sub, root, root / "mid", *others, home=home), f"{name} empty", all_subsets)


@pytest.mark.parametrize("folder", ["absolute", "own/relative", ""])
def test_the_client_uses_what_we_say_with_a_config_folder(
    judge: Judge, folder: str, tmp_path: Path, home: Path
) -> None:
    """CLAUDE_CONFIG_DIR moves the user settings: absolute, relative to the start, and blank."""
    root, others = linked_worktree(tmp_path, home)
    named = str(tmp_path / "config") if folder == "absolute" else folder
    place = Place(root, root, *others, home=home, env={"CLAUDE_CONFIG_DIR": named})
    place.files += [root / named / "settings.json", home / named / "settings.json"]
    compare(judge, place, f"config {folder}", all_subsets, some_broken)


def isolated(program: str, tmp: Path) -> tuple[str, Path]:
    """Return the client with an /etc/claude-code of its own, in a mount namespace, and that folder."""
    require(absent("unshare", "mount"))
    own = tmp / "etc" / "claude-code"
    own.mkdir(parents=True)
    mount = f"mount -t overlay overlay -o lowerdir={tmp}/etc:/etc /etc"
    unshare = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-rm"]
    if subprocess.run([*unshare, "sh", "-c", mount], capture_output=True).returncode != 0:
        require(NO_NAMESPACE)
    script = tmp / "claude"
    script.write_text(f'#!/bin/sh\nexec {" ".join(unshare)} sh -c \'{mount} && exec "$0" "$@"\' {program} "$@"\n')
    script.chmod(0o755)
    return str(script), own


class Administered:
    """A client with managed settings, and a linked worktree to start it in."""

    def __init__(self, program: str, tmp: Path, home: Path) -> None:
        script, self.folder = isolated(program, tmp)
        self.judge = Judge(script, tmp, home)
        self.place = Place(*linked_worktree(tmp, home)[:1], tmp / "wt", tmp / "main", home=home)
        drop_ins = self.folder / "managed-settings.d"
        named = [drop_ins / name for name in ("10.json", "9.json", ".hidden.json", "other.txt")]
        self.files = [self.folder / "managed-settings.json", *named]
        self.place.files += self.files


@pytest.fixture
def administered(program: str, tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> Administered:
    """A client whose /etc/claude-code is ours."""
    found = Administered(program, tmp_path, home)
    monkeypatch.setattr(layers_module, "_MANAGED", str(found.folder))
    return found


def test_managed_settings_are_above_all(administered: Administered) -> None:
    """The file and its drop-ins, in every subset with the other files."""
    place = administered.place
    place.write(all_subsets(place.files, random.Random("managed")))
    values = administered.judge.agree(place)
    assert {value.origin for value in values.values()} == {"managed", "main", "worktree", "project", "user"}


MANAGED = (
    {"env": {"A": "m", "B": ""}, "apiKeyHelper": "", "model": "m", "disableAutoMode": "disable"},
    {"env": 5, "model": "m"},
    {"env": {"A": None, "B": 5}, "model": 5},
    {"env": {"A": "m"}, "permissions": {"allow": "x"}, "cleanupPeriodDays": "x", "apiKeyHelper": None},
    {"disableAutoMode": "", "availableModels": "x"},
    {"disableAutoMode": None, "availableModels": None},
    {"disableAutoMode": 5, "availableModels": ["opus", 5]},
)


@pytest.mark.parametrize("root", MANAGED, ids=range(len(MANAGED)))
def test_of_managed_settings_only_what_is_wrong_is_dropped(administered: Administered, root: object) -> None:
    """A wrong type there does not drop the file; what restricts, a list of models among it, does so all the same."""
    place = administered.place
    below = {"env": {"A": "low", "B": "low"}, "model": "low", "apiKeyHelper": "low"}
    place.write({administered.files[0]: json.dumps(root), place.files[0]: json.dumps(below)})
    administered.judge.agree(place)


def test_the_client_does_not_start_with_broken_managed_settings(administered: Administered) -> None:
    """Our layer says so."""
    administered.place.write({administered.files[0]: "{"})
    outcome = administered.judge.client.run(administered.place.cwd)
    assert outcome.returncode != 0
    cwd = administered.place.cwd
    [layer] = reader_of({"HOME": "/"}).layers(worktrees.find(str(cwd)), os.path.realpath(cwd))[:1]
    assert "does not start" in layer.problem


class Probe:
    """A linked worktree whose session reads four files; each is a probe of what the client accepts."""

    def __init__(self, judge: Judge, tmp: Path, home: Path) -> None:
        self.judge = judge
        root, [main, _] = linked_worktree(tmp, home)
        self.place = Place(root, home=home)
        self.place.files += [main / ".claude" / NAMES[0], *(root / ".claude" / name for name in NAMES)]

    def try_all(self, probes: Sequence[bytes]) -> list[bool]:
        """Compare each probe with the client; return which were read. @ in a probe stands for its number."""
        read = []
        for start in range(0, len(probes), len(self.place.files)):
            some = probes[start : start + len(self.place.files)]
            self.place.write({})
            for number, (path, data) in enumerate(zip(self.place.files, some, strict=False)):
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data.replace(b"@", str(number).encode()))
            values = self.judge.agree(self.place)
            read += [f"P{number}" in values for number in range(len(some))]
        return read


@pytest.fixture
def probe(judge: Judge, tmp_path: Path, home: Path) -> Probe:
    """Four files to try things with."""
    return Probe(judge, tmp_path, home)


GOOD = '{"env": {"P@": "x\u00e9"}}'
READ = {
    "byte order mark": b"\xef\xbb\xbf" + GOOD.encode(),
    "UTF-16": b"\xff\xfe" + GOOD.encode("utf-16-le"),
    "bytes that are not UTF-8": b'{"env": {"P@": "\xff\xc3(\xe2\x82z"}, "\xe9": 1}',
    "the last of two": b'{"env": {"P@": "first", "P@": "last"}}',
    "the last of two objects": b'{"env": {"GONE": "x"}, "env": {"P@": "x"}}',
    "the last type of two": b'{"env": 5, "model": 5, "env": {"P@": "x"}, "model": "x"}',
    "Windows lines": b'{\r\n"env": {"P@": "x"}\r\n}\r\n',
    "a half surrogate": b'{"env": {"P@": "x"}, "other": "\\ud800"}',
    "a prototype": b'{"env": {"P@": "x"}, "__proto__": {"env": {"GONE": "x"}}}',
    "no event of hooks": b'{"env": {"P@": "x"}, "hooks": 5}',
    "rules that are none": b'{"env": {"P@": "x"}, "permissions": {"allow": [5, "Bash((("], "unknown": 5}}',
    "a null that counts as absent": b'{"env": {"P@": "x"}, "disableAutoMode": null}',
    "forgiven types": b'{"env": {"P@": "x"}, "effortLevel": 5, "viewMode": 5, "unknown": 5, "theme": 5}',
}
NOT_READ = {
    "two byte order marks": b"\xef\xbb\xbf\xef\xbb\xbf" + GOOD.encode(),
    "UTF-16, big-endian": b"\xfe\xff" + GOOD.encode("utf-16-be"),
    "UTF-16 without a mark": GOOD.encode("utf-16-le"),
    "UTF-32": GOOD.encode("utf-32"),
    "a comment": b'{"env": {"P@": "x"}} // x',
    "a comma": b'{"env": {"P@": "x",}}',
    "NaN": b'{"env": {"P@": "x"}, "other": NaN}',
    "minus infinity": b'{"env": {"P@": "x"}, "other": -Infinity}',
    "a tab in a string": b'{"env": {"P@": "x"}, "other": "\t"}',
    "something behind": b'{"env": {"P@": "x"}} {}',
    "a zero byte": b'{"env": {"P@": "x"}}\0',
    "a list": b'[{"env": {"P@": "x"}}]',
    "nothing but a null": b"null",
    "a status line without a command": b'{"env": {"P@": "x"}, "statusLine": {"type": "command"}}',
    "half a day": b'{"env": {"P@": "x"}, "cleanupPeriodDays": 0.5}',
    "a blank mode": b'{"env": {"P@": "x"}, "disableAutoMode": ""}',
    "a list that holds a number": b'{"env": {"P@": "x"}, "availableModels": ["a", 5]}',
}


def test_the_client_reads_what_we_read(probe: Probe) -> None:
    """Encodings, doubles and what is forgiven: the file counts."""
    read = dict(zip(READ, probe.try_all(list(READ.values())), strict=True))
    assert [name for name in read if not read[name]] == []


def test_the_client_drops_what_we_drop(probe: Probe) -> None:
    """What is not quite JSON, or not quite settings: the whole file is ignored."""
    read = dict(zip(NOT_READ, probe.try_all(list(NOT_READ.values())), strict=True))
    assert [name for name in read if read[name]] == []


URL = "ANTHROPIC_BASE_URL"
SHELL = {URL: "http://127.0.0.1:1/shell", "ANTHROPIC_AUTH_TOKEN": "token-of-the-shell"}


@pytest.mark.parametrize("written", [None, "http://127.0.0.1:1/file", ""])
@pytest.mark.parametrize("number", [0, 1])
def test_a_file_beats_the_shell(probe: Probe, number: int, written: str | None) -> None:
    """The weakest file and the strongest, with a value and with a blank, which cancels; else the shell counts."""
    path = probe.place.files[number]
    probe.place.write({path: json.dumps({"env": {} if written is None else {URL: written}})})
    status = probe.judge.client.control(probe.place.cwd, "get_status", env=SHELL)["get_status"]
    rows = {row.get("label"): row["value"] for section in status["sections"] for row in section["rows"]}
    environ = {"HOME": str(probe.place.home), **SHELL}
    cwd = probe.place.cwd
    ours = effective(reader_of(environ).layers(worktrees.find(str(cwd)), os.path.realpath(cwd)))
    assert rows.get("Anthropic base URL", "") == ours[URL].text == (SHELL[URL] if written is None else written)
    assert rows["Auth token"] == "ANTHROPIC_AUTH_TOKEN"
    assert (ours["ANTHROPIC_AUTH_TOKEN"].origin, ours[URL].origin == "shell") == ("shell", written is None)
