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
from llmswitch.claude.user_folder import user_folder
from llmswitch.commands import usage
from llmswitch.doctor import asking_files, checks, checks_setup, client, fix, history
from llmswitch.doctor.observe import Reach, observe
from llmswitch.doctor.observed import Observed
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
    """What was observed, and what is wrong, the worst first; `mended` was mended before, `failed`: why some was not."""

    observed: Observed
    problems: list[Problem]
    mended: Sequence[Problem] = ()
    failed: Sequence[str] = ()

    @property
    def safe(self) -> list[Problem]:
        """The problems that `--fix` mends."""
        return fix.safe(self.problems, self.observed)

    @property
    def exit_code(self) -> int:
        """1 where there is an error, else 0."""
        return 1 if any(problem.level == "error" for problem in self.problems) else 0

    def data(self) -> dict[str, object]:
        """Return what `doctor --json` prints."""
        observed = self.observed
        return {
            "worktree": observed.report.worktree,
            "preset": observed.report.preset,
            "claude_code": {"path": observed.program or None, "version": _number(observed.client)},
            "git": _number(observed.git),
            "keyring": observed.keyring or None,
            "llmswitch": __version__,
            "python": sys.version.partition(" ")[0],
            "system": platform.platform(),
            "worktrees": observed.worktrees,
            "keys": dict(observed.known_keys),
            "others": list(observed.others),
            "problems": [problem.data() for problem in self.problems if problem.level != "ok"],
            "proven": [{"code": each.code, "message": each.message} for each in self.problems if each.level == "ok"],
            "open_sessions": [_session(session) for session in observed.open],
        }


def _session(session: Session) -> dict[str, object]:
    started = round(session.started)
    return {"pid": session.pid, "folder": session.folder, "started": started, "overlay": session.overlay}


def _number(version: tuple[int, ...] | None) -> str | None:
    return ".".join(map(str, version)) if version else None


def examine(checkout: Checkout, reach: Reach, asked: Asked) -> Examined:
    """Return what is wrong in a worktree; what costs time or money is looked at only where it was asked for."""
    report = judge(checkout, branch(checkout.worktree), reach.catalog, reach.gateway)
    observed = observe(checkout, report, reach)
    found = doctor(observed)
    found += asking_files.findings(checkout, report.values, user_folder(reach.environ, checkout.folder))
    found += _evidence(checkout, reach)
    found += client.findings(observed, reach.environ) if asked.client else []
    found += history.findings(observed, checkout.worktree) if asked.history else []
    found += Asker(observed, reach).served() if asked.models else []
    found += Asker(observed, reach).probe() if asked.probe else []
    keep_delivery(found, report.own.values if report.own else {}, checkout.state.current, reach.catalog)
    return Examined(observed, by_level(found))


def _evidence(checkout: Checkout, reach: Reach) -> list[Problem]:
    """Return what `usage` has found since the last switch, where it was used."""
    try:
        known = usage.known(checkout.worktree, reach.catalog, checkout.checkouts.state_folder, reach.environ)
    except LlmswitchError as error:
        return [Problem("usage", "note", str(error.args[0]), error.hint)]
    return [Problem(f"used-{each.code}", each.level, f"{each.message} Last in session {each.session}.", each.fix)
            for each in known]  # fmt: skip


def doctor(observed: Observed) -> list[Problem]:
    """Return what `status` finds and what every check finds, the worst first."""
    found = [problem for check in CHECKS for problem in check(observed)]
    slots = any(problem.code == "slot-missing" for problem in found)  # each slot by itself, with what mends it
    return by_level([*(each for each in observed.report.problems if not (slots and each.code == "unmapped")), *found])


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
        examined = Examined(found.observed, found.problems, safe, failed)
        yield examined
