"""The merge of the settings files, and which files there are; the client itself judges in test_effective_client."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from conftest import git
from hypothesis import given
from hypothesis import strategies as st
from support.layers import reader_of

from llmswitch.claude import layers as layers_module
from llmswitch.claude.effective import Layer, effective, file_values
from llmswitch.claude.layers import read
from llmswitch.claude.roots import Roots
from llmswitch.claude.schema import by_data, by_rules, known_members, wrong_members
from llmswitch.worktrees import layout as worktrees
from llmswitch.worktrees.layout import Worktree

SETTINGS = st.dictionaries(st.sampled_from("ABCD"), st.sampled_from(["", "1", "2"]))


@given(st.lists(SETTINGS))
def test_the_first_layer_that_has_a_name_wins(files: list[dict[str, str]]) -> None:
    """The same as laying the files over each other, the weakest first; a blank counts as a value."""
    found = effective([Layer(str(number), "", values) for number, values in enumerate(files)])
    merged: dict[str, str] = {}
    for values in reversed(files):
        merged |= values
    assert {name: value.text for name, value in found.items()} == merged
    for name, value in found.items():
        owners = [str(number) for number, values in enumerate(files) if name in values]
        assert [value.origin, *(layer.origin for layer in value.losers)] == owners


def test_the_values_of_a_file_are_text() -> None:
    """Variables of every type, and the top-level members that count; a null there is as good as absent."""
    root = {
        "env": {"A": 5, "B": None, "C": [1, None], "D": {"x": 1}, "E": True, "F": ""},
        "model": "opus",
        "apiKeyHelper": "",
        "disableAutoMode": None,
        "hooks": 5,
        "other": 5,
    }
    assert file_values(root) == {
        "A": "5", "B": "null", "C": "1,", "D": "[object Object]", "E": "true", "F": "", "model": "opus",
        "apiKeyHelper": "",
    }  # fmt: skip


@pytest.mark.parametrize(
    "root",
    [
        None, [], 5, {"env": None}, {"env": []}, {"model": 5}, {"apiKeyHelper": None}, {"disableAutoMode": ""},
        {"cleanupPeriodDays": "x"}, {"cleanupPeriodDays": 0}, {"cleanupPeriodDays": True},
        {"cleanupPeriodDays": 1.5}, {"permissions": {"allow": "x"}}, {"permissions": {"defaultMode": "x"}},
        {"statusLine": {"type": "command"}}, {"availableModels": [5]}, {"includeCoAuthoredBy": "x"},
    ],
    ids=str,
)  # fmt: skip
def test_a_wrong_type_drops_the_whole_file(root: object) -> None:
    """One wrong member is enough."""
    with pytest.raises(ValueError, match=r"is not an object|is of the wrong type"):
        file_values(root, wrong_members(root, "")[0] if isinstance(root, dict) else ())


def test_what_the_client_forgives_is_not_wrong() -> None:
    """Rules that are none, whole numbers in another spelling, members nobody knows."""
    root = {"permissions": {"allow": [5, "Bash((("], "x": 5}, "cleanupPeriodDays": 30.0, "hooks": [], "theme": 5}
    assert wrong_members(root, "") == ([], "")
    assert wrong_members({"statusLine": {"type": "command", "command": "", "padding": 0}}, "") == ([], "")


def test_a_malformed_hook_counts_where_it_would_let_something_through() -> None:
    """Before a tool or a permission it drops the file, elsewhere only itself (2.1.330 and 2.1.332)."""
    for hooks in (
        {"a": 1},
        ["text"],
        [{"matcher": "x"}],
        [{"hooks": [{"type": "odd"}]}],
        [{"hooks": [{"type": "command"}]}],
    ):
        assert by_rules({"hooks": {"PreToolUse": hooks}}) == ["hooks.PreToolUse"]
        assert by_rules({"hooks": {"Stop": hooks, "PermissionRequest": None}}) == []
    good = [{"matcher": "x", "hooks": [{"type": "http", "url": "https://a.example", "timeout": 0.5}]}]
    assert by_rules({"hooks": {"PermissionRequest": good}}) == []


def test_what_another_version_says_is_a_doubt(tmp_path: Path) -> None:
    """The version is read from the program's path or its package, and the program is not started."""
    root = {"cleanupPeriodDays": "x"}
    asked = known_members()["client"]
    for number, wrong in ((asked, ["cleanupPeriodDays"]), ("9.9.9", [])):
        program = tmp_path / "versions" / number
        program.parent.mkdir(exist_ok=True)
        program.touch(0o755)
        (tmp_path / "claude").unlink(missing_ok=True)
        (tmp_path / "claude").symlink_to(program)
        found, doubt = wrong_members(root, f"/nowhere:{tmp_path}")
        assert (found, "yours is 9.9.9" in doubt) == (wrong, not wrong)
    (tmp_path / "claude").unlink()
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "claude").touch(0o755)
    (tmp_path / "package.json").write_text('{"name": "@anthropic-ai/claude-code", "version": "9.9.8"}')
    assert "yours is 9.9.8" in wrong_members(root, str(tmp_path / "bin"))[1]
    assert wrong_members({"permissions": []}, str(tmp_path / "bin")) == (["permissions"], "")
    assert "ignores only that member" in wrong_members(root, str(tmp_path / "bin"), managed=True)[1]
    assert by_data({"env": 5, "unknown": 5}) == []


def test_of_a_managed_file_only_the_wrong_members_are_dropped() -> None:
    """The rest stays in force."""
    assert file_values({"env": 5, "model": "m", "apiKeyHelper": 5}, ["env", "apiKeyHelper"], managed=True) == {
        "model": "m"
    }
    with pytest.raises(ValueError, match="not an object"):
        file_values([], managed=True)


def write(folder: Path, name: str, **env: str) -> Path:
    """Write a settings file that sets these variables."""
    path = folder / ".claude" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"env": env}))
    return path


def read_text(tmp_path: Path, data: bytes, origin: str = "user") -> Layer:
    """Read a file of these bytes."""
    path = tmp_path / "settings.json"
    path.write_bytes(data)
    layer = read(origin, str(path))
    assert layer is not None
    return layer


GOOD = '{"env": {"A": "é"}}'


@pytest.mark.parametrize(
    "data", [GOOD.encode(), b"\xef\xbb\xbf" + GOOD.encode(), b"\xff\xfe" + GOOD.encode("utf-16-le") + b"\n"]
)
def test_a_file_is_read_with_and_without_a_mark(tmp_path: Path, data: bytes) -> None:
    """UTF-8 and little-endian UTF-16, an odd byte at its end included."""
    layer = read_text(tmp_path, data)
    assert (layer.values, layer.problem) == ({"A": "é"}, "")


@pytest.mark.parametrize("data", [b"", b" \n", b"{}"])
def test_a_blank_file_sets_nothing(tmp_path: Path, data: bytes) -> None:
    """It is no problem either."""
    layer = read_text(tmp_path, data)
    assert (layer.values, layer.problem) == ({}, "")


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b'{"env":\n {"A": "x",}}', "line 2, column "),
        (b'{"env": {"A": "x"}} // x', "line 1, column 21: Extra data"),
        (b'{"other": NaN}', "NaN is not JSON"),
        (b'{"model": 5}', "model is of the wrong type"),
        (b"\xfe\xff" + GOOD.encode("utf-16-be"), "line 1, column 1"),
        (b"[" * 100_000, "recursion"),
    ],
)
def test_a_file_that_does_not_count_says_why(tmp_path: Path, data: bytes, problem: str) -> None:
    """With the place, and what follows from it."""
    layer = read_text(tmp_path, data)
    assert layer.values == {}
    assert layer.problem.startswith(f"{layer.path}: ")
    assert problem in layer.problem
    assert layer.problem.endswith(" Claude Code ignores this whole file.")
    assert read_text(tmp_path, data, "managed").problem.endswith("Claude Code does not start with such a file.") is (
        "model" not in problem
    )


def test_what_is_no_file_is_no_layer(tmp_path: Path) -> None:
    """Nothing, a folder, a dangling link, and a pipe, which would keep us waiting."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe")
    assert [read("user", str(tmp_path / name)) for name in ("none", "folder", "link", "pipe")] == [None] * 4


def layers(worktree: Worktree, folder: str, environ: Mapping[str, str]) -> list[Layer]:
    """Return the layers of a session that starts there, in that environment."""
    return reader_of(environ).layers(worktree, os.path.realpath(folder))


def main_root(worktree: Worktree, home: str | None = None) -> str | None:
    """Return the main checkout whose local file the worktree obeys."""
    return Roots(home or "").main(worktree)


def origins(folder: Path, **environ: str) -> list[tuple[str, str]]:
    """Return origin and path of each layer of a session that starts there."""
    found = layers(worktrees.find(str(folder)), str(folder), {**os.environ, **environ})
    return [(layer.origin, layer.path) for layer in found]


@pytest.fixture
def worktree(repo: Path, tmp_path: Path) -> Path:
    """A linked worktree of `repo`."""
    folder = tmp_path / "wt"
    git(repo, "worktree", "add", "--quiet", str(folder))
    return folder


def test_the_layers_of_a_linked_worktree_in_order(
    repo: Path, worktree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Managed drop-ins from the last to the first, main's file, the own one, project, user, shell."""
    monkeypatch.setattr(layers_module, "_MANAGED", str(tmp_path / "etc"))
    managed = tmp_path / "etc" / "managed-settings.d"
    managed.mkdir(parents=True)
    files = [managed / "b.json", managed / "a.json", tmp_path / "etc" / "managed-settings.json"]
    for path in [*files, managed / ".hidden.json", managed / "other.txt"]:
        path.write_text("{}")
    local, shared = "settings.local.json", "settings.json"
    main, own, project = write(repo, local), write(worktree, local), write(worktree, shared)
    user = write(tmp_path / "home", shared)
    assert origins(worktree) == [
        *(("managed", str(path)) for path in files),
        ("main", str(main)),
        ("worktree", str(own)),
        ("project", str(project)),
        ("user", str(user)),
        ("shell", ""),
    ]


def test_a_subfolder_has_the_roots_file_and_its_own(repo: Path) -> None:
    """The root's is first, and no shared file but the folder's own counts."""
    write(repo, "settings.json")
    root, own = write(repo, "settings.local.json"), write(repo / "sub", "settings.local.json")
    assert origins(repo / "sub") == [("worktree", str(root)), ("worktree", str(own)), ("shell", "")]
    assert origins(repo / "sub" / "..")[0] == ("worktree", str(root))


def test_at_the_root_a_file_is_one_layer(repo: Path, tmp_path: Path) -> None:
    """Also where the session starts there through a link."""
    path = write(repo, "settings.local.json")
    (tmp_path / "link").symlink_to(repo)
    assert origins(repo) == origins(tmp_path / "link") == [("worktree", str(path)), ("shell", "")]


def test_the_config_folder_can_be_elsewhere(repo: Path, tmp_path: Path) -> None:
    """Absolute, or relative to where the session starts; a blank one is that folder."""
    path = repo / "settings.json"
    path.write_text("{}")
    write(tmp_path / "home", "settings.json")
    for folder in (str(repo), ".", ""):
        [(origin, found), _] = origins(repo, CLAUDE_CONFIG_DIR=folder)
        assert (origin, os.path.realpath(found)) == ("user", str(path))


def test_the_main_checkout_of_a_linked_worktree(repo: Path, worktree: Path, tmp_path: Path) -> None:
    """safety-108: Nobody else has one, and it must be neither the home nor somebody else's."""
    found = worktrees.find(str(worktree))
    assert main_root(found) == str(repo)
    assert main_root(found, str(tmp_path)) == str(repo)
    assert main_root(found, str(repo)) is None
    assert main_root(worktrees.find(str(repo))) is None
    assert main_root(worktrees.find(str(tmp_path))) is None


def test_a_worktree_of_a_bare_repository_has_no_main_checkout(repo: Path, tmp_path: Path) -> None:
    """There is none."""
    git(repo, "clone", "--quiet", "--bare", str(repo), str(tmp_path / "store.git"))
    git(tmp_path / "store.git", "worktree", "add", "--quiet", str(tmp_path / "tree"))
    assert main_root(worktrees.find(str(tmp_path / "tree"))) is None


def test_a_worktree_moved_by_hand_is_on_its_own(repo: Path, worktree: Path, tmp_path: Path) -> None:
    """The repository does not know it there; its own file then counts for its subfolders as well."""
    write(repo, "settings.local.json")
    moved = worktree.rename(tmp_path / "moved")
    (moved / "sub").mkdir()
    own = write(moved, "settings.local.json")
    assert main_root(worktrees.find(str(moved))) is None
    assert origins(moved / "sub") == [("worktree", str(own)), ("shell", "")]
    (repo / ".git" / "worktrees" / "wt" / "gitdir").unlink()
    assert main_root(Worktree(str(moved), str(repo / ".git/worktrees/wt"), str(repo / ".git"))) is None


def test_somebody_elses_checkout_is_not_obeyed(repo: Path, worktree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """safety-108: From a linked worktree and from a subfolder; started in it, it is."""
    write(repo, "settings.local.json")
    (repo / "sub").mkdir()
    found, sub = worktrees.find(str(worktree)), worktrees.find(str(repo / "sub"))
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert main_root(found) is None
    assert [layer.origin for layer in layers(sub, str(repo / "sub"), os.environ)] == ["shell"]
    assert [layer.origin for layer in layers(sub, str(repo), os.environ)] == ["worktree", "shell"]


def test_a_checkout_that_is_gone_is_not_obeyed(worktree: Path, tmp_path: Path) -> None:
    """It may vanish between git's answer and our look."""
    (tmp_path / "gitdir").write_text(f"{worktree}/.git\n")
    gone = Worktree(str(worktree), str(tmp_path), str(tmp_path / "gone" / ".git"))
    assert main_root(gone) is None


@pytest.mark.parametrize("config", [None, "", "conf", "/nowhere/conf"])
def test_what_a_session_below_reads_is_told_from_what_is_read_here(
    repo: Path, worktree: Path, tmp_path: Path, config: str | None
) -> None:
    """In main, a linked worktree, a bare repository's and a plain folder: as if the folder below were looked at."""
    bare, plain, home = tmp_path / "x.git", tmp_path / "plain", tmp_path / "home"
    git(repo, "clone", "--quiet", "--bare", str(repo), str(bare))
    git(bare, "worktree", "add", "--quiet", "--detach", str(tmp_path / "of bare"))
    environ = {"HOME": str(home)} | ({} if config is None else {"CLAUDE_CONFIG_DIR": config})
    for root in (repo, worktree, tmp_path / "of bare", plain):
        for name in (".claude/settings.local.json", ".claude/settings.json", "settings.json", "conf/settings.json"):
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps({"env": {"WHERE": str(path)}}))
    for root in (repo, worktree, tmp_path / "of bare", plain):
        found, reader = worktrees.find(str(root)), reader_of(environ)
        below = reader.below(found, reader.layers(found, str(root)))
        expected = layers(found, str(root / "below"), environ)
        assert [(layer.origin, layer.path) for layer in below] == [(layer.origin, layer.path) for layer in expected]
