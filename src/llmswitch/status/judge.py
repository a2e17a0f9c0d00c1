"""Builds the report of a worktree, once: its effective values, its preset, and all that is wrong with them."""

from __future__ import annotations

from llmswitch.base.fastjson import loads
from llmswitch.base.problem import Problem
from llmswitch.base.urls import host_of, id_in
from llmswitch.claude.effective import RULING, effective
from llmswitch.claude.variables import ALLOWED, BASE_URL, LOCAL, OURS, START_MODEL
from llmswitch.status.compare import compare, differ
from llmswitch.status.report import Report

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from llmswitch.claude.effective import Layer, Value
    from llmswitch.claude.sessions import Session
    from llmswitch.gateway.client import LocalGateway
    from llmswitch.gateway.through import Through
    from llmswitch.presets.catalog import Catalog
    from llmswitch.settings.checkout import Checkout
    from llmswitch.settings.state import Record
    from llmswitch.status.compare import Match


def judge(
    checkout: Checkout,
    branch: str | None,
    catalog: Catalog,
    gateway: Callable[[], LocalGateway],
    sessions: Callable[[str], Sequence[Session] | None] | None = None,
) -> Report:
    """Return the report of one worktree; a broken file is a problem in it, not an exception.

    `sessions` finds the sessions that are open in a worktree; None: they are not looked for.
    """
    path = f"{checkout.root}/{LOCAL}"
    values = effective(checkout.layers)
    own = next((layer for layer in checkout.layers if layer.path == path), None)
    shadows, match = shadowed(own, values), compare(checkout, own, values, catalog)
    found = match.problems
    if not _is_by_itself(checkout, match, own) or differ(values, checkout.below) or checkout.may_be_copied:
        from llmswitch.status import problems  # a pin by itself has none

        found, values = problems.judged(checkout, own, values, shadows, match, catalog)
    through = _through({name: value.text for name, value in values.items()}, gateway)
    found = [*found, *(through.problems if through else ()), *(_open_sessions(checkout, sessions) if sessions else ())]
    return Report(checkout, branch, path, own, values, shadows, match, through, found)


def _is_by_itself(checkout: Checkout, match: Match, own: Layer | None) -> bool:
    """Say whether nothing but this worktree's own file decides about the backend, and that as its preset wants it."""
    others = [layer for layer in checkout.layers if layer is not own]
    if any(layer.problem or layer.doubt or any(name in RULING for name in layer.values) for layer in others):
        return False
    if own is None:
        return checkout.folder == checkout.root
    if own.problem or own.doubt or (ALLOWED in own.values and ALLOWED not in checkout.state.current.wrote):
        return False
    # A pin that is gone may have left its list.
    return ALLOWED not in own.values if match.preset == "claude" else bool(match.pin and not match.drift)


def _open_sessions(checkout: Checkout, sessions: Callable[[str], Sequence[Session] | None]) -> Iterable[Problem]:
    """Return what the sessions that are open here still hold; they are looked for only where one could."""
    state = checkout.state
    if state.switched is None or not held(state.current, state.previous):
        return ()
    return of_sessions(sessions(checkout.root), state.switched, state.current, state.previous)


def _through(texts: Mapping[str, str], gateway: Callable[[], LocalGateway]) -> Through | None:
    """Return what stands behind a base URL that is the local gateway's, None for any other; no keyring is asked."""
    routes = id_in(texts.get(BASE_URL, ""))
    if routes is None:
        return None
    from llmswitch.gateway.through import through  # few pins point at the gateway

    return through(routes, texts, gateway())


def shadowed(own: Layer | None, values: Mapping[str, Value]) -> dict[str, Layer]:
    """Return {name: the layer that wins} for the identity members of the own file that do not take effect."""
    mine = own.values if own else {}
    losing = {name: values[name] for name in OURS if name in mine and values[name].layer is not own}
    return {name: value.layer for name, value in losing.items() if value.text != mine[name]}


# What a session that was open during a switch still holds (measured on 2.1.329): it takes what is changed or added,
# never drops what is removed, and keeps its start model. One that was started with --settings follows no file.


def before(sessions: Iterable[Session], switched: float | None) -> list[Session]:
    """Return the sessions that were open when the settings file was switched, and follow it."""
    return [each for each in sessions if switched is not None and each.started < switched and not each.overlay]


def held(current: Record, previous: Record) -> list[str]:
    """Return what a session keeps that was started on the pin `previous` and is now on `current`, in words."""
    old, new = _set(previous), {*current.pin, *current.wrote}
    if old.get(BASE_URL) and BASE_URL not in current.pin:
        return [f"the backend {host_of(old[BASE_URL])}, with its key and models"]
    removed = [name for name, text in old.items() if text and name not in new]
    start, now = old.get(START_MODEL) or "opus, Claude Code's default,", current.pin.get(START_MODEL, "")
    moved = [f"the start model {start}"] if now and now != start else []
    return [*moved, *removed]


def _set(record: Record) -> dict[str, str]:
    wrote = {name: loads(raw) for name, raw in record.wrote.items() if name not in record.displaced}
    return {**record.pin, **{name: text for name, text in wrote.items() if isinstance(text, str)}}


def of_sessions(
    open_sessions: Iterable[Session] | None, switched: float | None, current: Record, previous: Record
) -> Iterator[Problem]:
    """Yield a note for each session that was open during the last switch and still holds something."""
    kept = held(current, previous)
    for session in before(open_sessions or (), switched) if kept else ():
        message = f"A session that is open here (process {session.pid}) was started before the last switch and keeps "
        yield Problem("old-session", "note", f"{message}{', '.join(kept)}.", "Restart it.")
