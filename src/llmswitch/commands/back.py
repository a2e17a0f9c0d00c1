"""`llmswitch -`: back to the previous state of a worktree."""

from __future__ import annotations

from llmswitch.commands.switch import Request
from llmswitch.errors import UsageProblem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from llmswitch.journal import Journal

OWN = "your own entries"


def back(journal: Journal, options: Mapping[str, Any]) -> Request:
    """Return the request that undoes the last switch: the pin before it, or the user's own entries without secrets.

    Raises UsageProblem where nothing is known about an earlier state.
    """
    current, previous = journal.current, journal.previous
    foreign = current.foreign or (
        {} if previous.preset else {name: text for name, text in previous.pin.items() if text}
    )
    if foreign:
        return Request(OWN, options, {}).but(members=foreign)
    if not current.preset and not previous.preset:
        raise UsageProblem("There is no earlier state of this worktree to go back to.", hint="See `llmswitch list`.")
    return Request(previous.preset or "claude", {**options, **previous.overrides}, {})
