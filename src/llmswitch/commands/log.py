"""`llmswitch log`: the switches of a worktree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from llmswitch.settings.checkout import Checkout
from llmswitch.settings.entries import Entry, entries


@dataclass(frozen=True)
class Log:
    """The switches of a worktree, the newest first."""

    worktree: str
    switches: Sequence[Entry]

    def data(self) -> dict[str, object]:
        """Return what `log --json` prints."""
        return {"worktree": self.worktree, "switches": [entry.data() for entry in self.switches]}


def log(checkout: Checkout) -> Log:
    """Return the switches of a worktree; starts by `run` are no switches."""
    found = entries(checkout.checkouts.state_folder, checkout.root)
    return Log(checkout.root, [entry for entry in reversed(found) if entry.kind == "switch"])
