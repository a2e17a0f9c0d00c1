"""Who was asked: which preset applied to a session at a time, by the ledger of switches and of starts by `run`."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence

from llmswitch.settings.entries import Entry
from llmswitch.usage.index import Session

CLAUDE = "claude"  # the preset that is none: Claude Code's own backend


class Attribution:
    """The ledger, by session and by worktree. What it does not say is unknown: nothing is taken from a model's name."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._runs: dict[str, list[Entry]] = {}
        self._switches: dict[str, list[Entry]] = {}
        self._main: dict[str, list[Entry]] = {}  # by git's folder, which is the repository's
        for entry in sorted(entries, key=lambda each: each.time):
            if entry.kind == "run":
                if entry.session:
                    self._runs.setdefault(entry.session, []).append(entry)
                continue
            self._switches.setdefault(entry.worktree, []).append(entry)
            if entry.git:
                self._main.setdefault(entry.git, []).append(entry)
        self._cuts: dict[int, list[int]] = {}

    def at(self, session: Session, moment: int) -> Entry | None:
        """Return what applied to a session at a time in ms since 1970, None where nobody noted it.

        What the main checkout's file pins wins in its linked worktrees (Claude Code since 2.1.211).
        """
        run, switch = _last(self._runs.get(session.name, ()), moment), self._switch(session, moment)
        # A session that `run` started without a pin has no overlay, and follows a switch.
        follows = run and switch and run.preset == CLAUDE and switch.time > run.time
        return switch if follows or not run else run

    def _switch(self, session: Session, moment: int) -> Entry | None:
        own = _last(self._switches.get(session.worktree, ()), moment)
        if not session.repository or (own and own.git == session.repository):
            return own
        main = _last(self._main.get(session.repository, ()), moment)
        return main if main and main.preset != CLAUDE else own

    def cuts(self, session: Session) -> Sequence[int]:
        """Return the times, in ms, at which what applies to a session may have changed."""
        if session.number not in self._cuts:
            found = [
                *self._runs.get(session.name, ()),
                *self._switches.get(session.worktree, ()),
                *(self._main.get(session.repository, ()) if session.repository else ()),
            ]
            self._cuts[session.number] = sorted({round(entry.time * 1000) for entry in found})
        return self._cuts[session.number]

    def last_switch(self, worktree: str) -> int | None:
        """Return when a worktree was switched last, in ms since 1970, None where that is not known."""
        entries = self._switches.get(worktree)
        return round(entries[-1].time * 1000) if entries else None


def _last(entries: Sequence[Entry], moment: int) -> Entry | None:
    place = bisect_right(entries, moment, key=lambda entry: round(entry.time * 1000))
    return entries[place - 1] if place else None
