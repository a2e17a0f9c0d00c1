"""Whether the ladder that gave a pin its slots still stands as it was."""

from __future__ import annotations

from llmswitch.base.problem import Problem
from llmswitch.base.shell import spelled
from llmswitch.presets import ladder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


def changed(root: str, preset: str, overrides: Mapping[str, str], problems: list[Problem]) -> list[str]:
    """Return what differs, and note the problem, where the worktree's ladder is not the one this pin came from."""
    try:
        now: list[str] | None = ladder.read(root)
        why = "was changed since the switch"
    except ladder.NoLadder as none:
        now, why = None, str(none).partition(f"{ladder.FILE} ")[2] or "is gone"
    try:
        before = ladder.marked(overrides)
    except ValueError:  # somebody edited the state
        before = None
    if now is not None and now == before:
        return []
    message = f"This pin has its slots from {ladder.FILE}, which {why}."
    problems.append(Problem("ladder", "warning", message, spelled(preset, overrides)))
    return [ladder.FILE]
