"""`llmswitch -`: back to the previous state of a worktree."""

from __future__ import annotations

from llmswitch.base.errors import UsageProblem
from llmswitch.base.fastjson import loads
from llmswitch.claude.variables import AUTH_TOKEN, BASE_URL, HELPER, KEYLESS_TOKEN, SLOTS, START_MODEL, VARIABLES
from llmswitch.commands.request import Request
from llmswitch.presets.preset import slot_named
from llmswitch.settings.state import is_json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from llmswitch.settings.state import Record, State

OWN = "your own entries"


def back(state: State, options: Mapping[str, Any]) -> Request:
    """Return the request that undoes the last switch: the pin before it, or the user's own entries without secrets.

    Raises UsageProblem where nothing is known about an earlier state.
    """
    previous, edited = state.previous, state.current.foreign
    url = previous.pin.get(BASE_URL)
    if previous.preset and previous.pin and edited.get(BASE_URL, url) == url:
        return _pin_before(previous, edited, options)
    if previous.pin or edited:
        # Their own, or a pin that was edited to go elsewhere: then no key of ours goes with it.
        own = {**previous.pin, **(_tuning(previous) if previous.preset else {}), **edited}
        return Request(OWN, options, {}).but(members=_without_login(own))
    if not state.current.preset and not previous.preset:
        raise UsageProblem("There is no earlier state of this worktree to go back to.", hint="See `llmswitch list`.")
    return Request(previous.preset or "claude", options, {})


def _pin_before(previous: Record, edited: Mapping[str, str], options: Mapping[str, Any]) -> Request:
    """Return the switch to the pin before, with what somebody changed in it by hand."""
    taken = (*SLOTS, "start", "base_url", "also")
    overrides = {name: text for name, text in previous.overrides.items() if name in taken}
    overrides |= {slot: edited[variable] for slot, variable in VARIABLES.items() if edited.get(variable)}
    start = slot_named(edited.get(START_MODEL, ""))
    if start and start != "subagent":
        overrides["start"] = start
    said = {**options, **overrides, "key_helper": bool(previous.pin.get(HELPER))}
    known = (BASE_URL, START_MODEL, *VARIABLES.values())
    request = Request(str(previous.preset), said, {})
    climbed = {"ladder": previous.overrides["ladder"]} if "ladder" in previous.overrides else {}
    extra = {name: text for name, text in edited.items() if name not in known}
    return request.but(overrides={**request.overrides, **climbed}, extra=extra)


def _without_login(own: Mapping[str, str]) -> dict[str, str]:
    """Return the user's entries; where a URL's own credential is gone, a dummy keeps the login from going there."""
    alone = own.get(BASE_URL) and not own.get(HELPER)
    return {**own, AUTH_TOKEN: KEYLESS_TOKEN} if alone else dict(own)


def _tuning(record: Record) -> dict[str, Any]:
    """Return the tuning members that a switch wrote: texts and a list of models."""
    read = {name: loads(raw) for name, raw in record.wrote.items() if is_json(raw)}
    return {name: value if isinstance(value, list) else str(value) for name, value in read.items()}
