"""A switch of several worktrees as a person reads it: equal changes once, and how far it is."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from llmswitch.claude.sessions import Session
from llmswitch.cli import console
from llmswitch.cli.app import App
from llmswitch.commands.request import Request
from llmswitch.commands.several import Switched
from llmswitch.views import switch as view

_MANY = 10  # worktrees, from which on a terminal shows progress


class Teller:
    """Tells what a switch did in each worktree; what it said before it does not say again."""

    def __init__(self, worktrees: int) -> None:
        self._of, self._done = worktrees, 0
        self._seen: set[str] = set()
        self._changes: set[tuple[str, ...]] = set()
        self._shows = worktrees >= _MANY and sys.stderr.isatty()

    def tell(self, app: App, done: Switched, request: Request, found: Sequence[Session] | None) -> None:
        """Print what happened to one worktree, with the changes only where no worktree before had the same."""
        head, *changes = view.switched(done, request.dry_run, app.home)
        known = bool(changes) and tuple(changes) in self._changes
        self._changes.add(tuple(changes))
        self._progress("")
        lines = [f"{head} The same changes as above."] if known else [head, *changes]
        console.answer(lines, people=True)
        remarks = view.remarks(done, request, found)
        console.note(*(line for line in dict.fromkeys(remarks) if line not in self._seen))
        self._seen.update(remarks)
        self._done += 1
        self._progress(f"{self._done} of {self._of} …" if self._done < self._of else "")

    def _progress(self, text: str) -> None:
        """Put a text on the line that is not finished, in the place of the one before."""
        if self._shows:
            sys.stderr.write(f"\r{' ' * 20}\r{text}")
            sys.stderr.flush()
