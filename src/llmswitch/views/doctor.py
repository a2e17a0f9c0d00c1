"""What `llmswitch doctor` found, as lines of text."""

from __future__ import annotations

from collections.abc import Sequence

from llmswitch.base.problem import Problem
from llmswitch.doctor.observed import Observed
from llmswitch.views.status import headline
from llmswitch.views.text import columns, short_path


def looked_at(observed: Observed, home: str) -> list[str]:
    """Return what was looked at: the worktree, the programs, the keyring, the keys, and other tools of this kind."""
    count = f", {observed.worktrees} worktrees" if observed.worktrees > 1 else ""
    where = count if observed.in_repository else ", no repository here"
    git = _number(observed.git) + where if observed.git else "not found"
    keys = [f"{name} ({place})" for name, place in observed.known_keys.items()]
    others = [f"{tool} ({path})" for tool, path in observed.others.items()]
    client = f"{_number(observed.client)} ({short_path(observed.program, home)})" if observed.program else "not found"
    rows = [
        ("Claude Code", client),
        ("git", git),
        ("keyring", observed.keyring or "none that can be used"),
        ("keys", ", ".join(keys) or "none saved, none exported"),
    ]
    rows += [("also here", ", ".join(others))] if others else []
    return [f"{short_path(observed.report.worktree, home)}: {headline(observed.report)}", *columns(rows)]


def next_step(observed: Observed) -> list[str]:
    """Return the next command of somebody who has no pin yet, nothing for others."""
    if observed.report.preset != "claude" or observed.own_pin or observed.pinned_beside:
        return []
    go = "" if observed.in_repository else "cd to a project of yours, then: "
    name = "openrouter" if "openrouter" in observed.known_keys else next(iter(observed.known_keys), "")
    first = "llmswitch save-key openrouter" if observed.keyring else "export LLMSWITCH_KEY_OPENROUTER=YOUR_KEY"
    steps = f"llmswitch {name}" if name else f"{first}, then: llmswitch openrouter"
    return [f"Next: {go}{steps} (other backends, some without a key: llmswitch list)"]


def homeless(data: object, home: str) -> object:
    """Return JSON data with `~` for the home folder in every text, so that it can be shown to others."""
    if isinstance(data, dict):
        return {name: homeless(value, home) for name, value in data.items()}
    if isinstance(data, list):
        return [homeless(value, home) for value in data]
    return data.replace(home, "~") if isinstance(data, str) and len(home) > 1 else data


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
