"""`llmswitch -`: back to the previous state of a worktree."""

from __future__ import annotations

from llmswitch.commands.request import Request
from llmswitch.errors import UsageProblem
from llmswitch.identity import AUTH_TOKEN, BASE_URL, KEYLESS_TOKEN, START_MODEL
from llmswitch.pin import HELPER
from llmswitch.slots import VARIABLES, slot_named

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
    previous, edited = journal.previous, journal.current.foreign
    url, by_helper = previous.pin.get(BASE_URL), bool(previous.pin.get(HELPER))
    if previous.preset and url and edited.get(BASE_URL, url) == url:
        said = {**options, **previous.overrides, **_overrides(edited), "key_helper": by_helper}
        return Request(previous.preset, said, {})
    own = edited if previous.preset else {name: text for name, text in previous.pin.items() if text} | edited
    if own:
        return Request(OWN, options, {}).but(members=_without_login(own))
    if not journal.current.preset and not previous.preset:
        raise UsageProblem("There is no earlier state of this worktree to go back to.", hint="See `llmswitch list`.")
    return Request(previous.preset or "claude", {**options, **previous.overrides}, {})


def _overrides(edited: Mapping[str, str]) -> dict[str, str]:
    """Return what was changed in a pin by hand, as the options that say the same."""
    found = {slot: edited[variable] for slot, variable in VARIABLES.items() if variable in edited}
    start = slot_named(edited.get(START_MODEL, ""))
    return {**found, "start": start} if start and start != "subagent" else found


def _without_login(own: Mapping[str, str]) -> dict[str, str]:
    """Return the user's entries; where a URL's own credential is gone, a dummy keeps the login from going there."""
    alone = own.get(BASE_URL) and not own.get(HELPER)
    return {**own, AUTH_TOKEN: KEYLESS_TOKEN} if alone else dict(own)
