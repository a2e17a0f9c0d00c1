"""Which settings files Claude Code reads for a session that starts in a folder, strongest first.

Measured on Claude Code 2.1.329; since 2.1.211 the local file of the main checkout is read in its linked
worktrees as well, and wins.
"""

from __future__ import annotations

import os
import sys

from llmswitch.effective import Layer, file_values
from llmswitch.lean import loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmswitch.worktrees import Worktree

LOCAL, SHARED = ".claude/settings.local.json", ".claude/settings.json"
_BOM = b"\xef\xbb\xbf"
_MANAGED = {
    "darwin": "/Library/Application Support/ClaudeCode",
    "win32": "C:\\Program Files\\ClaudeCode",
}.get(sys.platform, "/etc/claude-code")


def main_root(worktree: Worktree, home: str | None = None) -> str | None:
    """Return the main checkout whose local file a linked worktree also obeys, None where there is none.

    There is none for a worktree of a bare repository, of a separate git folder or of a submodule, for a main
    checkout that is the home folder or that is not all the user's own, and on Windows.
    """
    root = None if worktree.is_main else _shared_root(worktree)
    return root if root != worktree.root and _is_obeyed(root, home) else None


def _shared_root(worktree: Worktree) -> str | None:
    """Return the folder whose local file is meant for the whole repository."""
    if not worktree.in_repository:
        return None
    if worktree.is_main or not _is_listed(worktree):
        return worktree.root
    parent, name = os.path.split(worktree.common_dir)
    return parent if name == ".git" else None


def _is_listed(worktree: Worktree) -> bool:
    """Say whether the repository knows the worktree under this path: not when it was moved by hand."""
    try:
        with open(os.path.join(worktree.git_dir, "gitdir"), encoding="utf-8", errors="surrogateescape") as file:
            back = os.path.join(worktree.git_dir, file.read().strip())
    except OSError:
        return False
    return os.path.realpath(os.path.dirname(back)) == worktree.root


def _is_obeyed(root: str | None, home: str | None) -> bool:
    """Say whether Claude Code takes the local file of a folder that is not the session's own."""
    if root is None or sys.platform == "win32" or root == os.path.realpath(home or os.path.expanduser("~")):
        return False
    try:
        owners = {os.stat(root).st_uid, os.lstat(os.path.join(root, ".git")).st_uid}
        claude = os.path.join(root, ".claude")
        return owners | ({os.lstat(claude).st_uid} if os.path.lexists(claude) else set()) == {os.geteuid()}
    except OSError:
        return False


def layers(worktree: Worktree, folder: str, environ: Mapping[str, str]) -> list[Layer]:
    """Return the layers of a session that starts in `folder`, a folder of the worktree; broken files are empty."""
    home, folder = environ.get("HOME") or os.path.expanduser("~"), os.path.realpath(folder)
    # A blank CLAUDE_CONFIG_DIR is a value too: the folder itself.
    user = os.path.join(folder, environ.get("CLAUDE_CONFIG_DIR", os.path.join(home, ".claude")))
    files = [
        *_managed_files(),
        *_local_files(worktree, folder, home),
        ("project", os.path.join(folder, SHARED)),
        ("user", os.path.join(user, "settings.json")),
    ]
    found = [read(origin, path) for origin, path in files]
    return [*(layer for layer in found if layer), Layer("shell", "", environ)]


def _managed_files() -> list[tuple[str, str]]:
    """Return the administrator's files: the drop-ins, the last name first, and then the file they add to."""
    folder = os.path.join(_MANAGED, "managed-settings.d")
    try:
        names = sorted(os.listdir(folder), reverse=True)
    except OSError:
        names = []
    added = [os.path.join(folder, name) for name in names if name.endswith(".json") and name[0] != "."]
    return [("managed", path) for path in [*added, os.path.join(_MANAGED, "managed-settings.json")]]


def _local_files(worktree: Worktree, folder: str, home: str) -> list[tuple[str, str]]:
    """Return the local files: that of the repository's root, or of the main checkout, then the folder's own."""
    root = _shared_root(worktree)
    if root == folder or not _is_obeyed(root, home):
        root = None
    shared = [("worktree" if root == worktree.root else "main", root)] if root else []
    return [(origin, os.path.join(where, LOCAL)) for origin, where in [*shared, ("worktree", folder)]]


def read(origin: str, path: str) -> Layer | None:
    """Return a settings file as a layer, None where there is none; what is wrong with it is its `problem`."""
    if not os.path.isfile(path):  # a named pipe would keep us waiting
        return None
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError:
        return None
    try:
        # Of UTF-16 it knows the little-endian one, and minds no half character at the end.
        wide = data[:2] == b"\xff\xfe"
        text = data[2:].decode("utf-16-le", "ignore") if wide else data.removeprefix(_BOM).decode(errors="replace")
        root = loads(text) if text.strip() else {}
        return Layer(origin, path, file_values(root, managed=origin == "managed"))
    except (ValueError, RecursionError) as error:
        place, why = getattr(error, "lineno", 0), getattr(error, "msg", str(error))
        where = f"line {place}, column {getattr(error, 'colno', 0)}: " if place else ""
        so = "does not start with such a file" if origin == "managed" else "ignores this whole file"
        return Layer(origin, path, {}, f"{path}: {where}{why}. Claude Code {so}.")
