"""`llmswitch log`: the switches of a worktree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from llmswitch.base.urls import host_of
from llmswitch.claude import clouds
from llmswitch.claude.variables import ANTHROPIC_HOST, BASE_URL, shown
from llmswitch.settings.checkout import Checkout
from llmswitch.settings.entries import Entry, entries
from llmswitch.settings.taken import values


@dataclass(frozen=True)
class Log:
    """The switches of a worktree, the newest first.

    `first` is what stood there before the first of them, without secrets, None where that is not known: its members
    as a person may see them, the names of those that held a secret, and the host.
    """

    worktree: str
    switches: Sequence[Entry]
    first: Mapping[str, Any] | None

    def data(self) -> dict[str, object]:
        """Return what `log --json` prints."""
        switches = [entry.data() for entry in self.switches]
        return {"worktree": self.worktree, "switches": switches, "first": self.first}


def log(checkout: Checkout) -> Log:
    """Return the switches of a worktree; starts by `run` are no switches."""
    found = entries(checkout.checkouts.state_folder, checkout.root)
    return Log(checkout.root, [entry for entry in reversed(found) if entry.kind == "switch"], _first(checkout))


def _first(checkout: Checkout) -> dict[str, Any] | None:
    taken = checkout.state.first
    if taken is None:
        return None
    try:
        texts = values(taken) if taken else {}
        secrets = [str(name) for name in taken.get("secrets", ())]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):  # somebody changed it
        return None
    cloud = clouds.on(texts)
    host = cloud.title if cloud else host_of(texts.get(BASE_URL, "")) or ANTHROPIC_HOST
    members = {name: shown(name, text) for name, text in texts.items() if name not in secrets}
    return {"host": host, "members": members, "secrets": secrets}
