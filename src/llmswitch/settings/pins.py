"""The pins of this machine: one small file for each worktree that has one, written by a switch, without any secret."""

from __future__ import annotations

import os
from dataclasses import dataclass

from llmswitch.base.opened import bytes_of
from llmswitch.settings.state import FOLDER, NAME, load

WORKTREES = "worktrees"  # of a repository's git folder: what git knows of each linked worktree


@dataclass(frozen=True)
class Noted:
    """What a switch noted of a worktree: its place, its own git folder ("" for a plain folder), its pin, and when.

    `key` is the name of the key that the file holds, where it came from the OS keyring; `switched` is in seconds
    since 1970.
    """

    path: str
    git_dir: str
    preset: str | None
    key: str | None
    switched: float | None
    file: str

    @property
    def is_there(self) -> bool:
        """Say whether the worktree is there; a disk that is not mounted is not."""
        if not self.git_dir:
            return os.path.isdir(self.path)
        return os.path.isdir(self.path) and os.path.isdir(self.git_dir)

    @property
    def common_dir(self) -> str:
        """The git folder of the whole repository, "" for a plain folder."""
        above, name = os.path.split(os.path.dirname(self.git_dir))
        return above if name == WORKTREES else self.git_dir

    @property
    def is_gone(self) -> bool:
        """Say whether git no longer lists it: its repository is there, and what it knew of this worktree is not."""
        return self.common_dir != self.git_dir and os.path.isdir(self.common_dir) and not os.path.isdir(self.git_dir)


class Pins:
    """The folder of those files, in the user's state folder. If it is lost, only `--everywhere` forgets worktrees."""

    def __init__(self, state_folder: str) -> None:
        self._folder = os.path.join(state_folder, "pins")

    def all(self) -> list[Noted]:
        """Return the pinned worktrees by their paths; those that git no longer lists are forgotten."""
        found = [noted for name in self._names() if (noted := _noted(os.path.join(self._folder, name)))]
        for noted in found:
            if noted.is_gone:
                _unlink(noted.file)
        return sorted((noted for noted in found if not noted.is_gone), key=lambda noted: noted.path)

    def forget(self, path: str) -> bool:
        """Forget the worktree at a path, and say whether one was known there."""
        wanted = {path, os.path.abspath(path), os.path.realpath(path)}
        found = [noted for noted in self.all() if noted.path in wanted]
        for noted in found:
            _unlink(noted.file)
        return bool(found)

    def _names(self) -> list[str]:
        try:
            return [name for name in os.listdir(self._folder) if not name.startswith(".")]
        except OSError:
            return []


def _noted(file: str) -> Noted | None:
    """Return what a file says, None for one that says nothing."""
    data = load(file)
    if not isinstance(data, dict) or not all(isinstance(data.get(name), str) for name in ("path", "state")):
        return None
    preset, key, switched = data.get("preset"), data.get("key"), data.get("switched")
    inside = os.path.join(FOLDER, NAME)
    git_dir = data["state"].removesuffix("/" + inside) if data["state"].endswith("/" + inside) else ""
    return Noted(
        _moved(git_dir) or data["path"],
        git_dir,
        preset if isinstance(preset, str) else None,
        key if isinstance(key, str) else None,
        float(switched) if isinstance(switched, (int, float)) else None,
        file,
    )


def _moved(git_dir: str) -> str | None:
    """Return where git says a linked worktree is, which `git worktree move` may have moved; None where it cannot."""
    try:
        path = os.fsdecode(bytes_of(os.path.join(git_dir, "gitdir"))).rstrip("\n")
    except OSError:
        return None
    return os.path.dirname(os.path.normpath(os.path.join(git_dir, path))) if path else None


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        pass
