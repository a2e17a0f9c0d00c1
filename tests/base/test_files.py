"""Files of ours: replaced by descriptors, so that nobody who may write to the folder turns root's hand."""

from __future__ import annotations

import ast
import contextlib
import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import require
from support.programs import require_root
from support.tree import SOURCE

from llmswitch.base import files, unusual
from llmswitch.base.errors import LlmswitchError
from llmswitch.base.opened import bytes_of

USER = 12345
Trick = Callable[[Path, Path], None]


def _linked(temporary: Path, target: Path) -> None:
    temporary.rename(temporary.with_name("aside"))
    temporary.symlink_to(target)


def _hard_linked(temporary: Path, target: Path) -> None:
    temporary.rename(temporary.with_name("aside"))
    os.link(target, temporary)


def _swapped(temporary: Path, target: Path) -> None:
    temporary.rename(temporary.with_name("aside"))
    temporary.write_text("{}")


def _emptied(temporary: Path, target: Path) -> None:
    temporary.unlink()


def _moved_folder(temporary: Path, target: Path) -> None:
    """Put a link to another folder in the place of the whole folder."""
    temporary.parent.rename(temporary.parent.with_name("moved"))
    temporary.parent.symlink_to(target.parent)


TRICKS = (_linked, _hard_linked, _swapped, _emptied, _moved_folder)
CALLS = ("fchown", "fchmod", "write", "fsync", "fstat", "lstat", "replace")


@pytest.mark.parametrize("trick", TRICKS)
@pytest.mark.parametrize("call", CALLS)
def test_what_is_put_in_the_place_of_the_new_file_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trick: Trick, call: str
) -> None:
    """Just before any call of the write: a file of root's keeps owner, mode, attributes and content.

    Root switches in the folder of another user, who may rename and link there as he likes.
    """
    require_root("what root does for another user")
    folder, roots = tmp_path / "home" / ".claude", tmp_path / "root"
    folder.mkdir(parents=True)
    roots.mkdir(mode=0o700)
    target = roots / "secret"
    target.write_text("root's own")
    target.chmod(0o600)
    settings = folder / "settings.local.json"
    settings.write_text("{}")
    settings.chmod(0o664)
    for path in (folder, settings):
        os.chown(path, USER, USER)
    before, real = target.stat(), getattr(os, call)
    played: list[Path] = []

    def raced(*arguments: object, **options: object) -> object:
        for temporary in [] if played else list(folder.glob(".llmswitch-*.tmp")):
            played.append(temporary)
            trick(temporary, target)
        return real(*arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(os, call, raced)
        with contextlib.suppress(OSError):
            files.replace(str(settings), b'{"key": "k"}', 0o664)
    assert played
    after = target.stat()
    assert (after.st_uid, after.st_mode, target.read_text()) == (before.st_uid, before.st_mode, "root's own")
    assert os.listdir(roots) == ["secret"]


def test_a_folder_that_is_a_link_is_not_written_to(tmp_path: Path) -> None:
    """Whoever wants to write behind a link says so, by the path without it."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    with pytest.raises(OSError, match=r"directory|links"):
        files.replace(str(tmp_path / "link" / "file"), b"", 0o600)
    assert os.listdir(tmp_path / "real") == []


def test_a_new_folder_is_given_to_the_owner_of_the_one_above(tmp_path: Path) -> None:
    """But not what somebody put in its place."""
    require_root("what root does for another user")
    home = tmp_path / "users"
    home.mkdir()
    os.chown(home, USER, USER)
    assert files.make_folder(str(home / "a" / "b"), 0o700)
    assert [(home / name).stat().st_uid for name in ("a", "a/b")] == [USER, USER]
    full = tmp_path / "roots"
    full.mkdir()
    (full / "file").touch()
    (home / "link").symlink_to(full)
    with pytest.raises(OSError, match=r"directory|links"):
        unusual._give_folder(str(home / "link"), str(home))
    full.rename(home / "full")
    unusual._give_folder(str(home / "full"), str(home))
    assert (home / "full").stat().st_uid == 0


def test_a_lock_is_no_way_to_another_file(tmp_path: Path) -> None:
    """A note in the lock file is a byte in whatever a link leads to."""
    target = tmp_path / "target"
    target.write_text("whole")
    (tmp_path / "lock").symlink_to(target)
    with pytest.raises(LlmswitchError), files.Lock(str(tmp_path / "lock"), "it") as lock:
        lock.note()
    assert target.read_text() == "whole"


def test_attributes_stay_and_access_lists_of_private_files_do_not(tmp_path: Path) -> None:
    """A rename would drop them."""
    path = tmp_path / "file"
    path.write_text("{}")
    try:
        os.setxattr(path, "user.colour", b"red")
    except OSError:
        require("no extended attributes on this file system")
    files.replace(str(path), b"[]", 0o600)
    assert (os.getxattr(path, "user.colour"), path.read_text()) == (b"red", "[]")


def _socket(path: Path) -> None:
    here = os.open(path.parent, os.O_RDONLY)  # a longer path than a socket's may be
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(f"/proc/self/fd/{here}/{path.name}")
    os.close(here)


def _large(path: Path) -> None:
    with open(path, "wb") as file:
        file.truncate(20 * 1024**2)


OBJECTS: dict[str, Callable[[Path], object]] = {
    "fifo": os.mkfifo,
    "folder": os.mkdir,
    "socket": _socket,
    "device": lambda path: path.symlink_to("/dev/zero"),
    "large": _large,
    "dangling": lambda path: path.symlink_to("nowhere"),
    "circle": lambda path: path.symlink_to(path.name),
}


@pytest.mark.parametrize("kind", OBJECTS)
def test_only_files_are_read_and_nothing_is_waited_for(tmp_path: Path, kind: str) -> None:
    """The one door says what it is, at once."""
    OBJECTS[kind](tmp_path / "it")
    with pytest.raises(OSError) as caught:  # noqa: PT011  # which error is the system's business
        bytes_of(str(tmp_path / "it"))
    assert caught.value.strerror


# What opens a file by its path without the door, which waits for nobody.
OPENING = {
    "base/opened": "the door",
    "cli/failure": "the null device",
    "commands/gateway": "a file that it makes",
    "commands/guide": "pages of our own package",
    "commands/own_presets": "a file that it makes",
    "gateway/port": "files of the kernel's",
    "gateway/starting": "files of the kernel's, and a log that it has just made",
    "keys/env_file": "a file that the user names, which may be a pipe from another program",
    "settings/ledger": "a descriptor that does not wait either",
    "settings/ignore_making": "a descriptor that does not wait either",
}


def test_files_are_read_through_one_door() -> None:
    """A new `open` somewhere else is seen here: a named pipe at such a place would hold the command for ever."""
    found = set()
    for path in Path(SOURCE).rglob("*.py"):
        calls = [node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
        if any(isinstance(called, ast.Name) and called.id == "open" for called in calls):
            found.add(f"{path.parent.name}/{path.stem}")
    assert found == set(OPENING)
