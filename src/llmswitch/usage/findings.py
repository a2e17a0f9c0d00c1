"""What the evidence shows to be wrong, each with the session, the time, what it cost and the command that closes it."""

from __future__ import annotations

import shlex
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from llmswitch.base.typed import switching
from llmswitch.claude.variables import is_claude
from llmswitch.keys.refused import SAID
from llmswitch.presets.models import base_id
from llmswitch.usage.attribution import CLAUDE
from llmswitch.usage.renamed import is_same
from llmswitch.usage.totals import Evidence, Used

FAILURES = 5  # failed requests of a session, from which on it is a finding
TURNS = 10  # requests without a cache, from which on it is one
PROMPT = 4096  # tokens a request, below which few providers keep a cache


class Finding(NamedTuple):
    """One finding; `session` and `moment` (ms since 1970) are of the last time it was seen, `cost` is in USD."""

    code: str
    level: str
    message: str
    session: str
    worktree: str
    moment: int
    cost: float | None
    fix: str

    def data(self) -> dict[str, object]:
        """Return the finding as JSON data."""
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.moment / 1000))
        return {"code": self.code, "level": self.level, "message": self.message, "session": self.session,
                "worktree": self.worktree, "time": at, "cost": self.cost, "fix": self.fix}  # fmt: skip


def findings(found: Evidence, ways_on: Callable[[int, str | None], str]) -> list[Finding]:
    """Return what is wrong in what was used, the dearest first.

    `ways_on` says what to type after a status (401, 402, 429) of the provider of a preset (None: unknown).
    """
    checks: Sequence[Callable[[Evidence], Iterator[Finding]]] = (_other_model, _outside, _uncached, _failing)
    whole = [*(each for check in checks for each in check(found)), *_refused(found, ways_on)]
    return sorted(whole, key=lambda each: -(each.cost or 0.0))


def _other_model(found: Evidence) -> Iterator[Finding]:
    """Another model answered than was asked: a router's choice, or an endpoint that maps what it does not know."""
    groups = _grouped(found, lambda each: not is_same(each.part.asked, each.part.answered), "asked", "model")
    for used in groups:
        last, requests, cost = used[-1], sum(each.part.requests for each in used), _cost(used)
        name = last.entry.preset if last.entry and last.entry.preset else "PRESET"
        message = f"{last.part.asked} was asked for, and {last.part.answered} answered: {_times(requests)}."
        fix = f"llmswitch models {shlex.quote(last.part.asked.rpartition('/')[2])}"
        if name not in ("PRESET", CLAUDE):
            fix = f"llmswitch doctor --models{_at(last)}"
        yield _finding("other-model", "warning", message, last, cost, fix)


def _outside(found: Evidence) -> Iterator[Finding]:
    """A model was asked for that is not in the pin: an agent's file, `/model`, or a session from before the switch."""
    for used in _grouped(found, _is_outside, "asked"):
        last, requests, cost = used[-1], sum(each.part.requests for each in used), _cost(used)
        entry, asked = last.entry, last.part.asked
        if entry is None:
            continue
        where = "by sub-agents " if all(each.part.agent for each in used) else ""
        if any(each.part.home for each in used):
            message = (f"{asked} was answered by Anthropic itself {where}{_times(requests)}, on your login or key, "
                       f"although the worktree was on {entry.preset}.")  # fmt: skip
            yield _finding("login", "error", message, last, cost, f"{switching(str(entry.preset))}{_at(last)}")
        elif is_claude(asked):
            message = f"{asked}, Claude Code's own id, was asked for {where}at {entry.host}: {_times(requests)}."
            yield _finding("claude-id", "warning", message, last, cost, f"{switching(str(entry.preset))}{_at(last)}")
        else:
            message = f"{asked} was asked for {where}at {entry.host}, and is not in the pin: {_times(requests)}."
            yield _finding("outside-pin", "warning", message, last, cost, f"{switching(str(entry.preset))}{_at(last)}")


def _is_outside(used: Used) -> bool:
    entry, asked = used.entry, base_id(used.part.asked).lower()
    if entry is None or entry.preset in (None, CLAUDE) or not any(entry.slots.values()):
        return False
    if any(not model for slot, model in entry.slots.items() if slot != "subagent"):
        return False  # a slot is left to Claude Code's own names
    return asked not in {base_id(model).lower() for model in (*entry.slots.values(), *entry.also) if model}


def _uncached(found: Evidence) -> Iterator[Finding]:
    """A cache was written and never read: where a router spreads requests over hosts, each turn is paid in full."""
    groups: dict[tuple[int, str], list[Used]] = {}
    for each in found.used:
        groups.setdefault((each.part.session, each.part.answered), []).append(each)
    for used in groups.values():
        if any(each.part.tokens[2] or each.cost.plan for each in used):
            continue
        requests = sum(each.part.requests for each in used)
        prompt = sum(sum(each.part.tokens) - each.part.tokens[1] for each in used)
        if requests < TURNS or prompt < requests * PROMPT:
            continue
        last = max(used, key=lambda each: each.part.time)
        cost = _cost(used)
        if cost is None:
            continue
        message = (f"{last.part.answered} read nothing from a cache in {requests} requests of one session, "
                   f"with {prompt:,} tokens of prompts paid in full.")  # fmt: skip
        yield _finding("never-cached", "warning", message, last, cost, f"llmswitch cost{_preset(last)}")


def _failing(found: Evidence) -> Iterator[Finding]:
    """Requests of one session failed over and over."""
    failed = defaultdict(list)
    for session, moment, status, tool, _ in found.failures:
        if not tool:
            failed[session.number].append((moment, status))
    for number, times in failed.items():
        if len(times) < FAILURES:
            continue
        session, (moment, _) = found.sessions[number], times[-1]
        count = Counter(status for _, status in times)
        words = ", ".join(f"{status or 'no answer'} {many} times" for status, many in count.most_common())
        fix = f"llmswitch doctor --probe -w {shlex.quote(session.worktree)}"
        message = f"{len(times)} requests of one session failed: {words}."
        yield Finding("failing", "warning", message, session.name, session.worktree, moment, None, fix)


def _refused(found: Evidence, ways_on: Callable[[int, str | None], str]) -> Iterator[Finding]:
    """A key was refused, or its credit or limit gave out, and its session got no answer since."""
    groups = defaultdict(list)
    for session, moment, status, tool, _ in found.failures:
        if status in SAID and not tool and moment >= found.last_answers.get(session.number, 0):
            entry = found.attribution.at(session, moment)
            groups[status, entry.preset if entry else None, entry.host if entry else ""].append((session, moment))
    for (status, preset, host), times in groups.items():
        if preset == CLAUDE:  # the client itself says what to do about the user's own login
            continue
        session, moment = times[-1]
        where = "that session" if len({each.number for each, _ in times}) == 1 else "those sessions"
        message = (f"{host or 'The provider'} {SAID[status]} ({status}, {_times(len(times))}), "
                   f"and no answer followed in {where}.")  # fmt: skip
        fix = ways_on(status, preset)
        yield Finding(f"refused-{status}", "warning", message, session.name, session.worktree, moment, None, fix)


def _grouped(found: Evidence, which: Callable[[Used], bool], *names: str) -> Iterator[list[Used]]:
    """Yield what is of one worktree, preset and more, the oldest first."""
    groups = defaultdict(list)
    for used in found.used:
        if which(used):
            groups[tuple(used.key(name) for name in ("worktree", "preset", *names))].append(used)
    for group in groups.values():
        yield sorted(group, key=lambda used: used.part.time)


def _finding(code: str, level: str, message: str, last: Used, cost: float | None, fix: str) -> Finding:
    session = last.session
    return Finding(code, level, message, session.name, session.worktree, last.part.time, cost, fix)


def _cost(used: Sequence[Used]) -> float | None:
    known = [each.cost.usd for each in used if each.cost.usd is not None]
    return sum(known) if known else None


def _times(requests: int) -> str:
    return "once" if requests == 1 else f"{requests:,} times"


def _at(used: Used) -> str:
    return f" -w {shlex.quote(used.session.worktree)}"


def _preset(used: Used) -> str:
    return f" {used.entry.preset}" if used.entry and used.entry.preset else ""
