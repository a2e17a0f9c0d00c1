"""What was used, summed up by worktree, preset, model, slot, day or session, with what it cost."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

from llmswitch.base.fastjson import loads
from llmswitch.settings.entries import Entry
from llmswitch.usage.attribution import Attribution
from llmswitch.usage.cost import Cost, Pricer, slot_of
from llmswitch.usage.index import Index, Part, Session, day
from llmswitch.usage.row import Row

# What rows are told apart by without --by.
USUAL = ("preset", "model", "asked")


class Used:
    """A part of what was used, with its session, what applied to it and what it cost."""

    __slots__ = ("cost", "entry", "part", "session")

    def __init__(self, part: Part, session: Session, entry: Entry | None, cost: Cost) -> None:
        self.part, self.session, self.entry, self.cost = part, session, entry, cost

    def key(self, name: str) -> str | None:
        """Return what it is by one of the keys, None for unknown."""
        part, entry = self.part, self.entry
        if name in ("asked", "model"):
            return part.asked if name == "asked" else part.answered
        if name in ("worktree", "session"):
            return self.session.worktree if name == "worktree" else self.session.name
        if name == "day":
            return day(part.time)
        if entry is None:
            return None
        return entry.preset if name == "preset" else slot_of(part.asked, entry, part.agent)


class Claimed(NamedTuple):
    """What the client itself says: `usd` in all, and the tokens that have no line of their own."""

    usd: float | None = None
    beyond: tuple[int, int, int, int] = (0, 0, 0, 0)  # input, output, cache read, cache written


class Scope(NamedTuple):
    """What was asked for: since when (ms since 1970; 0: ever), and of which worktrees (None: all).

    `repository` is the git folder of one whose worktrees all count, those that are gone too.
    """

    since: int = 0
    worktrees: frozenset[str] | None = None
    repository: str = ""
    session: str = ""

    def has(self, session: Session) -> bool:
        """Say whether a session was asked for."""
        if self.session:
            return session.name == self.session
        if self.worktrees is None:
            return True
        return session.worktree in self.worktrees or bool(self.repository and session.repository == self.repository)


class Evidence:
    """What the sessions in a scope used, and what failed in them.

    `failures` have when (ms), which status, whether a tool, and who had answered; `last_answers` {session: when (ms)}.
    """

    def __init__(
        self,
        scope: Scope,
        used: Sequence[Used],
        failures: Sequence[tuple[Session, int, int, bool, str]],
        sessions: Mapping[int, Session],
        attribution: Attribution,
        last_answers: Mapping[int, int],
    ) -> None:
        self.scope, self.used, self.failures, self.sessions = scope, used, failures, sessions
        self.attribution, self.last_answers = attribution, last_answers

    def rows(self, keys: Sequence[str]) -> list[Row]:
        """Return what was used by these keys: days in their order, others with the dearest first."""
        rows: dict[tuple[str | None, ...], Row] = {}
        for used in self.used:
            key = tuple(used.key(name) for name in keys)
            if key not in rows:
                rows[key] = Row(dict(zip(keys, key, strict=True)))
            rows[key].add(used.part, used.session.name, used.cost)
        for key, tool in self._failed(keys):
            if key in rows:
                rows[key].failed_tools += tool
                rows[key].failed += not tool
        if keys[0] == "day":
            return [rows[key] for key in sorted(rows, key=str)]
        return sorted(rows.values(), key=lambda row: (-(row.cost or 0.0), -row.tokens))

    @cached_property
    def unpriced(self) -> list[str]:
        """The ids that no price is known for, although it is known who was asked."""
        lacking = (each for each in self.used if each.entry and each.cost.usd is None and not each.cost.plan)
        return sorted({each.part.answered for each in lacking})

    @cached_property
    def total(self) -> Row:
        """All of it in one row."""
        row = Row({})
        for used in self.used:
            row.add(used.part, used.session.name, used.cost)
        row.failed_tools = sum(tool for *_, tool, _ in self.failures)
        row.failed = len(self.failures) - row.failed_tools
        return row

    def _failed(self, keys: Sequence[str]) -> Iterator[tuple[tuple[str | None, ...], bool]]:
        for session, moment, _, tool, answered in self.failures:
            part = Part(session.number, moment, 0, answered, answered, 0, 0, 0, 0, 0, 0, 0)
            used = Used(part, session, self.attribution.at(session, moment), Cost(None))
            yield tuple(used.key(name) for name in keys), tool


def evidence(index: Index, scope: Scope, attribution: Attribution, pricer: Pricer, by_day: bool = False) -> Evidence:
    """Return what the index has of a scope; `by_day` where days are to be told apart."""
    sessions = {number: each for number, each in index.sessions().items() if scope.has(each)}
    asked = None if scope.worktrees is None and not scope.session else sessions
    parts = index.parts(asked, scope.since, lambda number: attribution.cuts(sessions[number]), pricer.fine, by_day)
    used = []
    for part in parts:
        session = sessions[part.session]
        entry = attribution.at(session, part.time)
        used.append(Used(part, session, entry, pricer.cost(part, entry)))
    failures = [
        (sessions[number], moment, status, bool(tool), answered)
        for number, moment, status, tool, answered in index.failures(asked, scope.since)
    ]
    return Evidence(scope, used, failures, sessions, attribution, index.last_answers())


def claimed(index: Index, found: Evidence) -> Claimed:
    """Return what the client claims for the same sessions; nothing where only a part of their time was asked for."""
    if found.scope.since:
        return Claimed()
    claims: dict[int, list[tuple[int, float, Mapping[str, Sequence[int]]]]] = {}
    parents = {each.parent for each in found.sessions.values() if each.parent}
    for number, moment, usd, models in index.claims({*found.sessions, *parents}):
        claims.setdefault(number, []).append((moment, usd, loads(models)))
    whole: float | None = None
    beyond = [0, 0, 0, 0]
    for number in found.sessions.keys() & claims.keys():
        moment, said, used = claims[number][-1]
        base, before = _before(found.sessions[number], claims, index)
        whole = (whole or 0.0) + max(said - base, 0.0)
        lines = index.until(number, moment)
        for model, counts in used.items():
            own = lines.get(model, (0, 0, 0, 0))
            earlier = before.get(model, (0, 0, 0, 0))
            for place, count in enumerate(counts):
                beyond[place] += max(count - earlier[place] - own[place], 0)
    return Claimed(whole, (beyond[0], beyond[1], beyond[2], beyond[3]))


def _before(
    session: Session, claims: Mapping[int, Sequence[tuple[int, float, Mapping[str, Sequence[int]]]]], index: Index
) -> tuple[float, Mapping[str, Sequence[int]]]:
    """Return what a fork's claim has of the session that it was forked from."""
    if not session.parent:
        return 0.0, {}
    first = index.first(session.number)
    earlier = [(usd, models) for moment, usd, models in claims.get(session.parent, ()) if moment < first]
    return earlier[-1] if earlier else (0.0, {})


def compared(
    found: Iterable[Used], pricer: Pricer, name: str, models: Mapping[str, str], start: str,
    slot: Callable[[Used], str | None],
) -> Cost:  # fmt: skip
    """Return what the same tokens would have cost with a preset, each in the slot that it was asked in."""
    preset, usd, days = pricer.preset(name), 0.0, []
    for used in found:
        where = slot(used) or start
        model = models.get(where) or models.get(start) or ""
        cost = pricer.there(used.part, preset, model, where) if preset else Cost(None)
        if cost.usd is None:
            return cost
        usd += cost.usd
        days.append(cost.as_of)
    return Cost(usd, min(days, default=""))
