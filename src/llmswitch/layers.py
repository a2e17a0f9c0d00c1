"""Which settings files Claude Code reads for a session that starts in a folder, strongest first.

Measured on Claude Code 2.1.329; since 2.1.211 the local file of the main checkout is read in its linked
worktrees as well, and wins.
"""

from __future__ import annotations

import json
import os
import sys

from llmswitch.effective import Layer, file_values

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmswitch.worktrees import Worktree

LOCAL, SHARED = ".claude/settings.local.json", ".claude/settings.json"
_MANAGED = {
    "linux": "/etc/claude-code/managed-settings.json",
    "darwin": "/Library/Application Support/ClaudeCode/managed-settings.json",
    "win32": "C:\\Program Files\\ClaudeCode\\managed-settings.json",
}


def main_root(worktree: Worktree) -> str | None:
    """Return the main checkout whose local file a linked worktree also obeys, None where there is none.

    There is none for a worktree of a bare repository, of a separate git folder or of a submodule, for a main
    checkout whose `.claude` belongs to somebody else, and on Windows.
    """
    parent, name = os.path.split(worktree.common_dir)
    if worktree.is_main or name != ".git" or sys.platform == "win32":
        return None
    return parent if _is_ours(parent) else None


def _is_ours(root: str) -> bool:
    """Say whether the folder and its `.claude` are the user's own, as Claude Code asks for."""
    for path in (root, os.path.join(root, ".claude")):
        try:
            if os.stat(path).st_uid != os.geteuid():
                return False
        except FileNotFoundError:
            continue
    return True


def layers(worktree: Worktree, folder: str, environ: Mapping[str, str]) -> list[Layer]:
    """Return the layers of a session that starts in `folder`, a folder of the worktree; broken files are empty."""
    home = environ.get("HOME", os.path.expanduser("~"))
    user = environ.get("CLAUDE_CONFIG_DIR") or os.path.join(home, ".claude")
    files = [
        ("managed", _MANAGED.get(sys.platform, _MANAGED["linux"])),
        *_local_files(worktree, folder, home),
        ("project", os.path.join(folder, SHARED)),
        ("user", os.path.join(user, "settings.json")),
    ]
    found = [read(origin, path) for origin, path in files]
    return [*(layer for layer in found if layer), Layer("shell", "", environ)]


def _local_files(worktree: Worktree, folder: str, home: str) -> list[tuple[str, str]]:
    """Return the local files: that of the repository's root, or of the main checkout, then the folder's own."""
    root: str | None = None
    if worktree.in_repository and worktree.root != os.path.realpath(home):
        root = worktree.root if worktree.is_main else main_root(worktree)
    roots = [("main" if root != worktree.root else "worktree", root)] if root else []
    own = [("worktree", folder)] if folder != root else []
    return [(origin, os.path.join(where, LOCAL)) for origin, where in [*roots, *own]]


def read(origin: str, path: str) -> Layer | None:
    """Return a settings file as a layer, None where there is none; what is wrong with it is its `problem`."""
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError:
        return None
    try:
        text = data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig", errors="replace")
        root = json.loads(text, parse_constant=_refuse) if text.strip() else {}
        return Layer(origin, path, file_values(root))
    except (ValueError, RecursionError) as error:
        where = f"line {error.lineno}, column {error.colno}: " if isinstance(error, json.JSONDecodeError) else ""
        why = error.msg if isinstance(error, json.JSONDecodeError) else str(error)
        return Layer(origin, path, {}, f"{path}: {where}{why}. Claude Code ignores this whole file.")


def _refuse(name: str) -> object:
    raise ValueError(f"{name} is not JSON")
