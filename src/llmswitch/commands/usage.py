"""`llmswitch usage`: what the sessions really used, from the transcripts of Claude Code, with what it cost."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from llmswitch.base.errors import UsageProblem
from llmswitch.claude.user_folder import projects
from llmswitch.keys import names, ready
from llmswitch.presets.catalog import Catalog
from llmswitch.settings.entries import entries
from llmswitch.usage import index as indexes
from llmswitch.usage import remembered
from llmswitch.usage.attribution import Attribution
from llmswitch.usage.cost import Cost, Pricer
from llmswitch.usage.findings import Finding, findings
from llmswitch.usage.homes import Homes
from llmswitch.usage.index import Index, Read
from llmswitch.usage.row import Row
from llmswitch.usage.totals import USUAL, Claimed, Evidence, Scope, claimed, compared, evidence
from llmswitch.worktrees.layout import Worktree
from llmswitch.worktrees.listing import listing

_SPAN = re.compile(r"(\d{1,5})([hdw])")
_HOURS = {"h": 1, "d": 24, "w": 168}


class Asked(NamedTuple):
    """What is asked for: since when, by what, in which worktree or all of them, and what to compare it with.

    `days` says whether days are to be told apart.
    """

    since: str = ""
    by: str = ""
    everywhere: bool = False
    repository: bool = False
    compare: Sequence[str] = ()
    days: bool = True


class Answer(NamedTuple):
    """What `usage` found; `rows` are by `keys`, `days` and `models` the same by these."""

    keys: Sequence[str]
    scope: Scope
    found: Evidence
    rows: Sequence[Row]
    claimed: Claimed
    findings: Sequence[Finding]
    compared: Mapping[str, Cost]
    read: Read
    is_new: bool
    set_aside: str

    def data(self) -> dict[str, object]:
        """Return what `usage --json` prints."""
        total = self.found.total.data()
        for name in ("worktree", "preset", "model", "asked", "sessions"):
            del total[name]
        since = datetime.fromtimestamp(self.scope.since / 1000).astimezone() if self.scope.since else None
        names = ("input", "output", "cache_read", "cache_write")
        return {
            "since": since.isoformat(timespec="seconds") if since else None,
            "rows": [row.data() for row in self.rows],
            "total": {**total, "sessions": len(self.found.total.sessions)},
            "claude_code": {"cost": self.claimed.usd, "beyond": dict(zip(names, self.claimed.beyond, strict=True))},
            "compared": [{"preset": name, "cost": cost.usd, "as_of": cost.as_of or None, "plan": cost.plan}
                         for name, cost in self.compared.items()],
            "findings": [finding.data() for finding in self.findings],
            "transcripts": {"files": self.read.files, "unreadable_lines": self.read.broken,
                            "unreadable": self.read.denied},
        }  # fmt: skip


def usage(
    worktree: Worktree,
    catalog: Catalog,
    state_folder: str,
    environ: Mapping[str, str],
    asked: Asked,
    tell: Callable[[int, int], None] | None = None,
) -> Answer:
    """Return what was used, from the transcripts that are there and what the index has of others.

    `tell` is given the bytes read and those to read. A broken index is set aside and made again.
    """
    noted = entries(state_folder)
    attribution = Attribution(noted)
    pricer = Pricer(catalog)
    others = [pricer.preset(name) or catalog.load(name) for name in asked.compare]
    scope = _scope(worktree, asked, attribution)
    homes = Homes(lambda: noted)
    roots = sorted(scope.worktrees or ())
    if scope.repository:  # those that are gone too
        roots += sorted({entry.worktree for entry in noted if homes(entry.worktree)[1] == scope.repository} - {*roots})
    wanted = (lambda name: True) if scope.worktrees is None else indexes.below(roots)
    keys = (asked.by,) if asked.by else USUAL
    ways = _ways_on(catalog, pricer, state_folder, environ)

    def work(index: Index) -> Answer:
        is_new = index.is_new
        read = index.update(projects(environ, worktree.root), wanted, tell)
        found = evidence(index, scope, attribution, pricer, asked.days)
        said = claimed(index, found)
        prices = {each.name: _compared(found, pricer, catalog, each.name) for each in others}
        return Answer(keys, scope, found, found.rows(keys), said, findings(found, ways), prices, read, is_new,
                      index.set_aside)  # fmt: skip

    return indexes.worked(state_folder, homes, work)


def _compared(found: Evidence, pricer: Pricer, catalog: Catalog, name: str) -> Cost:
    preset = catalog.load(name)
    models = preset.models({}, own_names=True)
    return compared(found.used, pricer, name, models, preset.default_slot, lambda used: used.key("slot"))


def _scope(worktree: Worktree, asked: Asked, attribution: Attribution) -> Scope:
    since = since_ms(asked.since, lambda: attribution.last_switch(worktree.root)) if asked.since else 0
    if asked.everywhere:
        return Scope(since)
    if asked.repository:
        roots = {each.worktree.root if each.worktree else each.path for each in listing(worktree)}
        return Scope(since, frozenset(roots), worktree.common_dir)
    return Scope(since, frozenset({worktree.root}))


def since_ms(text: str, last_switch: Callable[[], int | None]) -> int:
    """Return the time that `--since` means, in ms since 1970; UsageProblem where it means none."""
    now = datetime.now().astimezone()
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if text == "today":
        return round(midnight.timestamp() * 1000)
    if text == "switch":
        found = last_switch()
        if found is None:
            raise UsageProblem("No switch of this worktree is known.", hint="Give a date or a time: --since 7d")
        return found
    if span := _SPAN.fullmatch(text):
        return round((now - timedelta(hours=int(span[1]) * _HOURS[span[2]])).timestamp() * 1000)
    try:
        return max(round(datetime.fromisoformat(text).astimezone().timestamp() * 1000), 1)
    except (ValueError, OverflowError, OSError):
        raise UsageProblem(
            f"{text!r} is no time.", hint="A date (2026-11-20), a span (12h, 7d, 4w), today or switch."
        ) from None


def forget(worktree: Worktree, state_folder: str, what: str) -> tuple[str, int]:
    """Take out of the index what is asked for, for good; return it in words, and how many messages that was.

    A worktree's path, `all`, or a time as for `--since`: what was used before it. UsageProblem for anything else.
    """
    if not indexes.exists(state_folder):
        raise UsageProblem("There is no index: nothing is kept.")
    remembered.forget(state_folder)
    noted = entries(state_folder)
    homes = Homes(lambda: noted)
    now = round(datetime.now().timestamp() * 1000)
    path = os.path.realpath(os.path.expanduser(what))
    root = homes(path)[0]

    def work(index: Index) -> tuple[str, int]:
        if what == "all":
            return "everything", index.forget("", now)
        if any(each.worktree == root for each in index.sessions().values()):
            return f"what was used in {root}", index.forget(root, now)
        if os.sep in what or os.path.exists(path):
            raise UsageProblem(f"The index has nothing of {path}.")
        before = since_ms(what, lambda: Attribution(noted).last_switch(worktree.root))
        return f"what was used before {datetime.fromtimestamp(before / 1000):%Y-%m-%d %H:%M}", index.forget("", before)

    return indexes.worked(state_folder, homes, work)


def _ways_on(
    catalog: Catalog, pricer: Pricer, state_folder: str, environ: Mapping[str, str]
) -> Callable[[int, str | None], str]:
    def ways(status: int, name: str | None) -> str:
        preset = pricer.preset(name) if name else None
        return ready.ways_on(status, preset, catalog, environ, names.KeyNames(state_folder).load())

    return ways


def known(worktree: Worktree, catalog: Catalog, state_folder: str, environ: Mapping[str, str]) -> list[Finding]:
    """Return what the index, if there is one, says is wrong in a worktree since its last switch; nothing is read."""
    if not indexes.exists(state_folder):
        return []
    noted = entries(state_folder)
    attribution, pricer = Attribution(noted), Pricer(catalog)
    scope = Scope(attribution.last_switch(worktree.root) or 0, frozenset({worktree.root}))
    homes = Homes(lambda: noted)
    ways = _ways_on(catalog, pricer, state_folder, environ)
    return indexes.worked(
        state_folder, homes, lambda index: findings(evidence(index, scope, attribution, pricer), ways)
    )
