"""In which worktree a session began, also where that one is gone."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable

from llmswitch.base.errors import LlmswitchError
from llmswitch.settings.entries import Entry
from llmswitch.worktrees.layout import find


class Homes:
    """Knows of a folder the root of its worktree, and the git folder of its repository; each is looked at once."""

    def __init__(self, noted: Callable[[], Iterable[Entry]]) -> None:
        """`noted` returns the ledger, for worktrees that are gone."""
        self._noted = noted
        self._found: dict[str, tuple[str, str]] = {}

    def __call__(self, folder: str) -> tuple[str, str]:
        """Return the root and the repository; of a folder that is gone what was noted of it, else itself and ""."""
        if folder not in self._found:
            self._found[folder] = self._look(folder)
        return self._found[folder]

    def _look(self, folder: str) -> tuple[str, str]:
        if os.path.isdir(folder):
            try:
                worktree = find(folder)
                return worktree.root, worktree.common_dir
            except LlmswitchError:
                return folder, ""
        known = {(entry.worktree, entry.git) for entry in self._noted()}
        for root, git in sorted(known, key=lambda each: -len(each[0])):
            if folder == root or folder.startswith(root + "/"):
                above, name = os.path.split(os.path.dirname(git))
                return root, above if name == "worktrees" else git
        return folder, ""
