"""`llmswitch doctor`: what is wrong here, and the command that mends it."""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from llmswitch import __version__
from llmswitch.base.errors import LlmswitchError
from llmswitch.base.problem import Problem
from llmswitch.claude.sessions import Session
from llmswitch.commands import usage
from llmswitch.doctor import checks, checks_setup, client, fix, history
from llmswitch.doctor.facts import Facts
from llmswitch.doctor.look import Reach, look
from llmswitch.doctor.provider import Asker
from llmswitch.settings.checkout import Checkout
from llmswitch.status.judge import judge
from llmswitch.status.mends import keep_delivery
from llmswitch.worktrees.layout import branch

LEVELS = ("error", "warning", "note", "ok")
CHECKS = (*checks.CHECKS, *checks_setup.CHECKS)


@dataclass(frozen=True)
class Asked:
    """What is asked that costs time or money: Claude Code itself, git's history, the provider's list, the provider."""

    client: bool = False
    history: bool = False
    models: bool = False
    probe: bool = False


@dataclass(frozen=True)
class Examined:
    """The facts and what was found, the worst first; `mended` is what was mended before, `failed` why some was not."""

    facts: Facts
    problems: list[Problem]
    mended: Sequence[Problem] = ()
    failed: Sequence[str] = ()

    @property
    def safe(self) -> list[Problem]:
        """The problems that `--fix` mends."""
        return fix.safe(self.problems, self.facts)

    @property
    def exit_code(self) -> int:
        """1 where there is an error, else 0."""
        return 1 if any(problem.level == "error" for problem in self.problems) else 0

    def data(self) -> dict[str, object]:
        """Return what `doctor --json` prints."""
        facts = self.facts
        return {
            "worktree": facts.report.worktree,
            "preset": facts.report.preset,
            "claude_code": {"path": facts.program or None, "version": _number(facts.client)},
            "git": _number(facts.git),
            "keyring": facts.keyring or None,
            "llmswitch": __version__,
            "python": sys.version.partition(" ")[0],
            "system": platform.platform(),
            "worktrees": facts.worktrees,
            "keys": dict(facts.known_keys),
            "others": list(facts.others),
            "problems": [problem.data() for problem in self.problems if problem.level != "ok"],
            "proven": [{"code": each.code, "message": each.message} for each in self.problems if each.level == "ok"],
            "open_sessions": [_session(session) for session in facts.open],
        }


def _session(session: Session) -> dict[str, object]:
    started = round(session.started)
    return {"pid": session.pid, "folder": session.folder, "started": started, "overlay": session.overlay}


def _number(version: tuple[int, ...] | None) -> str | None:
    return ".".join(map(str, version)) if version else None


def examine(checkout: Checkout, reach: Reach, asked: Asked) -> Examined:
    """Return what is wrong in a worktree; what costs time or money is looked at only where it was asked for."""
    report = judge(checkout, branch(checkout.worktree), reach.catalog, reach.gateway)
    facts = look(checkout, report, reach)
    found = doctor(facts)
    found += _evidence(checkout, reach)
    found += client.findings(facts, reach.environ) if asked.client else []
    found += history.findings(facts, checkout.worktree) if asked.history else []
    found += Asker(facts, reach).served() if asked.models else []
    found += Asker(facts, reach).probe() if asked.probe else []
    keep_delivery(found, report.own.values if report.own else {}, checkout.state.current, reach.catalog)
    return Examined(facts, by_level(found))


def _evidence(checkout: Checkout, reach: Reach) -> list[Problem]:
    """Return what `usage` has found since the last switch, where it was used."""
    try:
        known = usage.known(checkout.worktree, reach.catalog, checkout.checkouts.state_folder, reach.environ)
    except LlmswitchError as error:
        return [Problem("usage", "note", str(error.args[0]), error.hint)]
    return [Problem(f"used-{each.code}", each.level, f"{each.message} Last in session {each.session}.", each.fix)
            for each in known]  # fmt: skip


def doctor(facts: Facts) -> list[Problem]:
    """Return what `status` finds and what every check finds, the worst first."""
    found = [problem for check in CHECKS for problem in check(facts)]
    slots = any(problem.code == "slot-missing" for problem in found)  # each slot by itself, with what mends it
    return by_level([*(each for each in facts.report.problems if not (slots and each.code == "unmapped")), *found])


def by_level(problems: Sequence[Problem]) -> list[Problem]:
    """Return the problems with the worst first; `ok` is what was asked and proven good."""
    return sorted(problems, key=lambda problem: LEVELS.index(problem.level))


def mended(fresh: Callable[[], Checkout], reach: Reach, asked: Asked, first: Examined) -> Iterator[Examined]:
    """Do the safe mends of what was found, and yield what is found after each round; `fresh` reads everything anew.

    A mend can bring to light what was behind it: a file that is read again, the next field a provider rejects.
    """
    examined = first
    for _ in range(fix.ROUNDS):
        safe = examined.safe
        if examined.failed or not safe:
            return
        failed = fix.fix(safe, fresh())
        found = examine(fresh(), reach, asked)
        examined = Examined(found.facts, found.problems, safe, failed)
        yield examined
