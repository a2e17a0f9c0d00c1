"""Notes every path that is looked at, so that a shell can see for itself whether an answer still stands."""

from __future__ import annotations

import builtins
import os
import stat
from collections.abc import Callable
from time import time_ns
from typing import Any, Self

_LISTING = ("listdir", "scandir")
_LOOKING = ("stat", "lstat", "open", "readlink", "access", *_LISTING)
_STARTING = ("posix_spawn", "posix_spawnp", "fork")
YOUNG = 2_000_000_000  # ns: what changed so lately may change again within the clock's smallest step
MOST_MIRRORS = 500


class Watched:
    """Notes what is looked at while it is entered; `rests_on` then says it, None where no file can tell.

    `mirrors` is a folder for empty files, one for each time of change: by these a shell sees that a file has another.
    """

    def __init__(self, mirrors: str) -> None:
        self._mirrors = mirrors
        self._paths: dict[str, bool] = {}  # whether its entries were listed
        self._started = False
        self._real: list[tuple[Any, str, Any]] = []

    def __enter__(self) -> Self:
        for name in _LOOKING:
            self._replace(os, name, self._listing if name in _LISTING else self._noting)
        self._replace(builtins, "open", self._noting)
        for name in _STARTING:
            self._replace(os, name, self._starting)
        return self

    def __exit__(self, *error: object) -> None:
        for module, name, real in self._real:
            setattr(module, name, real)

    def _replace(self, module: Any, name: str, made: Callable[[Any], Any]) -> None:
        real = getattr(module, name)
        self._real.append((module, name, real))
        setattr(module, name, made(real))

    def _listing(self, real: Any) -> Any:
        return self._noting(real, listed=True)

    def _noting(self, real: Any, listed: bool = False) -> Any:
        def call(path: Any = ".", *words: Any, **named: Any) -> Any:
            if isinstance(path, (str, bytes, os.PathLike)):
                whole = os.path.join(os.getcwd(), os.fsdecode(path))
                self._paths[whole] = listed or self._paths.get(whole, False)
            return real(path, *words, **named)

        return call

    def _starting(self, real: Any) -> Any:
        def call(*words: Any, **named: Any) -> Any:
            self._started = True  # what another program looked at, nobody knows
            return real(*words, **named)

        return call

    def rests_on(self) -> list[str] | None:
        """Return lines of a word and a path; None where the answer must not be kept.

        In a line `file` a time stands between them, the name of its mirror; `real` is where the link before it leads.
        """
        lines, times = [f"here {os.getcwd()}", f"mirrors {self._mirrors}"], set[int]()
        for path, listed in self._paths.items():
            found = None if self._started or not _is_sayable(path) else _about(path, listed)
            if found is None:
                return None
            words, real, changed = found
            lines += [f"link {path}", f"real {real}"] if real else []
            lines += [f"{word} {path}" for word in words]
            if changed is not None:
                times.add(changed)
                lines.append(f"file {changed} {path}")
        newest = max(times, default=0)
        return lines if newest < time_ns() - YOUNG and self._mirrored(times) else None

    def _mirrored(self, times: set[int]) -> bool:
        """Make the file for each time, and say whether the file system keeps such times."""
        try:
            os.makedirs(self._mirrors, mode=0o700, exist_ok=True)
            if len(names := os.listdir(self._mirrors)) > MOST_MIRRORS:
                for name in names:
                    os.unlink(os.path.join(self._mirrors, name))
            for changed in times:
                path = os.path.join(self._mirrors, str(changed))
                os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
                os.utime(path, ns=(changed, changed))
                if os.stat(path).st_mtime_ns != changed:
                    return False
        except OSError:
            return False
        return True


def _is_sayable(path: str) -> bool:
    """Say whether a path can be a part of a line, whose end a shell takes without blanks."""
    return path.isprintable() and not path.endswith(" ")


def _about(path: str, listed: bool) -> tuple[list[str], str, int | None] | None:
    """Return words about a path, where it leads if it is a link, and when its content was changed, if that counts.

    None where a shell cannot tell.
    """
    try:
        own = os.lstat(path)
    except OSError:
        return ["gone"], "", None
    real = os.path.realpath(path) if stat.S_ISLNK(own.st_mode) else ""
    try:
        there = os.stat(path)
    except OSError:
        return None  # a link that leads nowhere
    if not _is_sayable(real):
        return None
    words = [*([] if real else ["plain"]), "mine" if there.st_uid == os.geteuid() else "others"]
    if stat.S_ISDIR(there.st_mode):
        return [*words, "folder"], real, there.st_mtime_ns if listed else None
    return (words, real, there.st_mtime_ns) if stat.S_ISREG(there.st_mode) else None
