"""`llmswitch -`: back to the previous state of a worktree, or to the first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from llmswitch.base.errors import KeyProblem, LlmswitchError, UsageProblem
from llmswitch.base.fastjson import loads
from llmswitch.base.secret import Secret
from llmswitch.base.urls import host_of
from llmswitch.claude import clouds
from llmswitch.claude.effective import effective
from llmswitch.claude.variables import (
    ANTHROPIC_HOST,
    AUTH_TOKEN,
    BASE_URL,
    CREDENTIAL_PLACES,
    HELPER,
    KEYLESS_TOKEN,
    SLOTS,
    START_MODEL,
    VARIABLES,
)
from llmswitch.commands.request import Request
from llmswitch.presets.preset import slot_named
from llmswitch.settings import taken
from llmswitch.settings.change import Change, as_json
from llmswitch.settings.checkout import Checkouts
from llmswitch.settings.state import Record, State, is_json
from llmswitch.status import credential

OWN = "your own entries"
Asker = Callable[[str], Secret | None]


def back(state: State, options: Mapping[str, Any], ask: Asker) -> Request:
    """Return the request that undoes the last switch: the pin before it, or the user's own entries.

    `ask` gives the secret that stood in a member, None where nobody can be asked: our state keeps none. Raises
    UsageProblem where nothing is known about an earlier state, KeyProblem where its secret is not given.
    """
    if state.current.taken:
        return _own(state.current.taken, options, ask)
    previous, edited = state.previous, state.current.foreign
    url = previous.pin.get(BASE_URL)
    if previous.preset and previous.pin and edited.get(BASE_URL, url) == url:
        return _pin_before(previous, edited, options)
    if previous.pin or edited:
        # Their own, or a pin that was edited to go elsewhere: then no key of ours goes with it.
        own = {**previous.pin, **(_tuning(previous) if previous.preset else {}), **edited}
        keyless = bool(previous.preset and not previous.key)
        if own.get(BASE_URL) and not own.get(HELPER):
            own[AUTH_TOKEN] = KEYLESS_TOKEN if keyless else _secret(AUTH_TOKEN, own, options, ask)
        return Request(OWN, options, {}).but(members=own, secret=bool(own.get(AUTH_TOKEN)) and not keyless)
    if not state.current.preset and not previous.preset:
        raise UsageProblem("There is no earlier state of this worktree to go back to.", hint="See `llmswitch list`.")
    return Request(previous.preset or "claude", options, {})


def first(state: State, options: Mapping[str, Any], ask: Asker) -> Request:
    """Return the request that puts back what stood here before the first switch of ours; raises as `back` does."""
    if state.first is None and not state.current.preset:
        raise UsageProblem("No switch of this worktree is known, and so no state before it.")
    if state.first is None:
        raise UsageProblem(
            "What stood here before the first switch is not known: an older llmswitch made it, or its state is lost.",
            hint="To take the pin away: llmswitch claude",
        )
    return _own(state.first, options, ask) if state.first else Request("claude", options, {})


def _own(found: Mapping[str, Any], options: Mapping[str, Any], ask: Asker) -> Request:
    """Return the request that puts the user's own entries back in their place."""
    try:
        own = taken.values(found)
        names = [name for name in found["secrets"] if name in own]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise LlmswitchError("What the state says of your own entries cannot be read: somebody changed it.") from None
    given = {name: _secret(name, own, options, ask) for name in names}
    raws = {name: as_json(text) for name, text in given.items()}

    def put_back(made: Change) -> Change:
        try:
            return Change(made.before, taken.put_back(made.after, found, raws), made.record)
        except (ValueError, TypeError, KeyError, AttributeError):
            raise LlmswitchError("Your own entries do not fit into the file as it is now.") from None

    request = Request(OWN, options, {})
    return request.but(members={**own, **given}, put_back=put_back, secret=bool(given))


def _secret(name: str, own: Mapping[str, str], options: Mapping[str, Any], ask: Asker) -> str:
    """Return what stood in a member; a dry run does without. KeyProblem where it is not given."""
    if options.get("dry_run"):
        return "not read"
    if secret := ask(name):
        return secret.reveal()
    where = f" for {host_of(own[BASE_URL])}" if own.get(BASE_URL) else ""
    raise KeyProblem(
        f"That state held a secret in {name}{where}, which llmswitch did not keep.",
        hint="Give it with --key-stdin, or take the pin away: llmswitch claude",
    )


def sent_now(root: str, environ: Mapping[str, str], state_folder: str) -> list[str]:
    """Return what a worktree with the user's own entries sends where, as a session there reads its settings."""
    values = effective(Checkouts(environ, state_folder).at(root).layers)
    texts = credential.texts(values)
    name = next((name for name in CREDENTIAL_PLACES if texts.get(name)), "")
    if clouds.on(texts) or not (name or texts.get(BASE_URL)):
        return []
    host = host_of(texts.get(BASE_URL, "")) or ANTHROPIC_HOST
    if name:
        return [f"Sent to {host}: {name} of {values[name].layer.path or 'the shell'}."]
    return [f"{problem.level}: {problem.message}" for problem in credential.findings(values, "", root)]


def _pin_before(previous: Record, edited: Mapping[str, str], options: Mapping[str, Any]) -> Request:
    """Return the switch to the pin before, with what somebody changed in it by hand."""
    kept = (*SLOTS, "start", "base_url", "also")
    overrides = {name: text for name, text in previous.overrides.items() if name in kept}
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


def _tuning(record: Record) -> dict[str, Any]:
    """Return the tuning members that a switch wrote: texts and a list of models."""
    read = {name: loads(raw) for name, raw in record.wrote.items() if is_json(raw)}
    return {name: value if isinstance(value, list) else str(value) for name, value in read.items()}
