"""What `llmswitch doctor` found, as lines of text."""

from __future__ import annotations

from llmswitch.views.status import headline
from llmswitch.views.text import short_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmswitch.base.problem import Problem
    from llmswitch.doctor.facts import Facts


def looked_at(facts: Facts, home: str) -> list[str]:
    """Return what was looked at: the worktree, and the programs and the keyring by name."""
    programs = [
        f"Claude Code {_number(facts.client)}" if facts.program else "",
        f"git {_number(facts.git)}" if facts.git else "",
        facts.keyring,
    ]
    return [
        f"{short_path(facts.report.worktree, home)}: {headline(facts.report)}",
        "  " + ", ".join(word for word in programs if word),
    ]


def _number(version: tuple[int, ...] | None) -> str:
    return ".".join(map(str, version)) if version else "of an unknown version"


def findings(problems: Sequence[Problem], safe: Sequence[Problem] = ()) -> list[str]:
    """Return the findings, each with the command that mends it; those that --fix mends are marked."""
    lines = [] if any(problem.level != "ok" for problem in problems) else ["Nothing wrong found."]
    for problem in problems:
        lines.append(f"{problem.level}: {problem.message}")
        mark = "  (--fix does this)" if problem in safe else ""
        if problem.fix or mark:
            lines.append(f"    → {problem.fix}{mark}")
    return lines
