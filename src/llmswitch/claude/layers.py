"""The settings files that Claude Code reads for a session that starts in a folder, strongest first (2.1.329)."""

from __future__ import annotations

import os
import sys

from llmswitch.base.fastjson import loads
from llmswitch.base.opened import bytes_of
from llmswitch.claude.effective import Layer, file_values, is_plain
from llmswitch.claude.roots import Roots
from llmswitch.claude.variables import LOCAL, MANAGED, SHARED, TOP_MEMBERS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from llmswitch.worktrees.layout import Worktree

_BOM, LARGEST = b"\xef\xbb\xbf", 2 * 1024 * 1024  # measured on 2.1.329 and 2.1.330
_MANAGED = MANAGED[sys.platform == "darwin"]


class Reader:
    """Reads the layers of sessions in one environment, each file once: worktrees share most of them."""

    __slots__ = ("_files", "_managed", "_shell", "roots", "user")

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.roots = Roots(environ.get("HOME", ""))
        # A blank CLAUDE_CONFIG_DIR is a value too: the folder itself.
        self.user = environ.get("CLAUDE_CONFIG_DIR", os.path.join(self.roots.home, ".claude"))
        self._shell = Layer("shell", "", {name: environ[name] for name in environ if name not in TOP_MEMBERS})
        self._managed: list[tuple[str, str]] | None = None
        self._files: dict[tuple[str, str], Layer | None] = {}

    def layers(self, worktree: Worktree, folder: str) -> list[Layer]:
        """Return the layers of a session that starts in `folder`, a folder of the worktree (a path without links).

        A broken file is an empty layer.
        """
        if self._managed is None:
            self._managed = _managed_files()
        files = [*self._managed, *self._local_files(worktree, folder)]
        stronger = [layer for layer in (self._read(*file) for file in files) if layer]
        return [*stronger, *self.weaker(folder), self._shell]

    def weaker(self, folder: str) -> list[Layer]:
        """Return the layers that every local file beats, of a session that starts in `folder`."""
        user = os.path.join(folder, self.user, "settings.json")
        found = [self._read("project", os.path.join(folder, SHARED)), self._read("user", user)]
        return [layer for layer in found if layer]

    def below(self, worktree: Worktree, here: Sequence[Layer]) -> list[Layer]:
        """Return, from the layers at the root, those of a session that starts below it, in a folder without any."""
        root = self.roots.shared(worktree)
        kept = {"managed", "main", "shell"}
        if os.path.isabs(self.user):  # any other is a folder of the one where the session starts
            kept.add("user")
        if root == worktree.root and self.roots.is_obeyed(root):
            kept.add("worktree")
        return [layer for layer in here if layer.origin in kept]

    def _local_files(self, worktree: Worktree, folder: str) -> list[tuple[str, str]]:
        """Return the local files: that of the repository's root, or of the main checkout, then the folder's own."""
        root = _cut_off(worktree.root, folder) or self.roots.shared(worktree)
        if root == folder or not self.roots.is_obeyed(root):
            root = None
        rank = "main" if root and root == self.roots.main(worktree) else "worktree"
        own, found = os.path.join(folder, LOCAL), {os.path.join(root, LOCAL): rank} if root else {}
        if not (root and os.path.realpath(own) in found):  # else a link leads to main's: one file
            found[own] = "worktree"
        return [(origin, path) for path, origin in found.items()]

    def _read(self, origin: str, path: str) -> Layer | None:
        if (origin, path) not in self._files:
            self._files[origin, path] = read(origin, path, self._shell.values.get("PATH", ""))
        return self._files[origin, path]


def _cut_off(root: str, folder: str) -> str:
    """Return the folder below a worktree's root where the client ends it: at any `.git` (2.1.330)."""
    while folder != root and folder.startswith(root):
        if os.path.lexists(os.path.join(folder, ".git")):
            return folder
        folder = os.path.dirname(folder)
    return ""


def _managed_files() -> list[tuple[str, str]]:
    """Return the administrator's files: the drop-ins, the last name first, and then the file they add to."""
    folder = os.path.join(_MANAGED, "managed-settings.d")
    try:
        names = sorted(os.listdir(folder), reverse=True)
    except OSError:
        names = []
    added = [os.path.join(folder, name) for name in names if name.endswith(".json") and name[0] != "."]
    return [("managed", path) for path in [*added, os.path.join(_MANAGED, "managed-settings.json")]]


def read(origin: str, path: str, search: str = "") -> Layer | None:
    """Return a settings file as a layer, None where there is none; what is wrong with it is its `problem`."""
    try:
        data = bytes_of(path)
    except OSError:
        return None
    try:
        if len(data) > LARGEST:
            raise ValueError("it is larger than 2 MiB")
        # Of UTF-16 it knows the little-endian one, and minds no half character at the end.
        wide = data[:2] == b"\xff\xfe"
        text = data[2:].decode("utf-16-le", "ignore") if wide else data.removeprefix(_BOM).decode(errors="replace")
        root = loads(text) if text.strip() else {}
        wrong, doubt = list[str](), ""
        if isinstance(root, dict) and not all(is_plain(*member) for member in root.items()):
            from llmswitch.claude.schema import enforced, wrong_members  # a file with no more than a pin needs none

            root = enforced(root) if origin == "managed" else root
            wrong, doubt = wrong_members(root, search, origin == "managed")
        return Layer(origin, path, file_values(root, wrong, origin == "managed"), doubt=doubt)
    except (ValueError, RecursionError) as error:
        place, why = getattr(error, "lineno", 0), getattr(error, "msg", str(error))
        where = f"line {place}, column {getattr(error, 'colno', 0)}: " if place else ""
        so = "does not start with such a file" if origin == "managed" else "ignores this whole file"
        return Layer(origin, path, {}, f"{path}: {where}{why}. Claude Code {so}.")
