"""`llmswitch doctor`: what is wrong here, and the command that mends it."""

from __future__ import annotations

from llmswitch.doctor import checks
from llmswitch.doctor import checks_setup as checks_around

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmswitch.base.problem import Problem
    from llmswitch.doctor.facts import Facts

LEVELS = ("error", "warning", "note", "ok")


def doctor(facts: Facts) -> list[Problem]:
    """Return what `status` finds and what every check finds, the worst first."""
    found = [*facts.report.problems, *(problem for check in CHECKS for problem in check(facts))]
    return by_level(found)


def by_level(problems: Sequence[Problem]) -> list[Problem]:
    """Return the problems with the worst first; `ok` is what was asked and proven good."""
    return sorted(problems, key=lambda problem: LEVELS.index(problem.level))


CHECKS = (*checks.CHECKS, *checks_around.CHECKS)


def data(facts: Facts, problems: Sequence[Problem]) -> dict[str, object]:
    """Return what `doctor --json` prints."""
    return {
        "worktree": facts.report.worktree,
        "preset": facts.report.preset,
        "claude_code": {"path": facts.program or None, "version": _number(facts.client)},
        "git": _number(facts.git),
        "keyring": facts.keyring or None,
        "problems": [problem.data() for problem in problems if problem.level != "ok"],
        "proven": [{"code": each.code, "message": each.message} for each in problems if each.level == "ok"],
        "open_sessions": [session.data() for session in facts.open],
    }


def _number(version: tuple[int, ...] | None) -> str | None:
    return ".".join(map(str, version)) if version else None


def exit_code(problems: Sequence[Problem]) -> int:
    """Return 1 where there is an error, else 0."""
    return 1 if any(problem.level == "error" for problem in problems) else 0
