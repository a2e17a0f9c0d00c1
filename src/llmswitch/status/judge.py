"""Builds the report of a worktree, once: its effective values, its preset, and all that is wrong with them."""

from __future__ import annotations

from llmswitch.base.fastjson import loads
from llmswitch.base.problem import Problem
from llmswitch.base.urls import host_of, id_in
from llmswitch.claude.effective import effective, first_text
from llmswitch.claude.variables import BASE_URL, CREDENTIAL_PLACES, LOCAL, OURS, START_MODEL
from llmswitch.status.compare import compare
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
    layers, values = checkout.layers, effective(checkout.layers)
    own = next((layer for layer in layers if layer.path == path), None)
    below, shadows = checkout.below, shadowed(own, values)
    match = compare(checkout, own, values, catalog)
    described = f" ({preset})" if (preset := _main_preset(checkout)) else ""
    texts = {name: value.text for name, value in values.items()}
    through = _through(texts, gateway)
    found = [
        *(_broken(checkout, own) if own and own.problem else ()),
        *match.problems,
        *(() if _is_by_itself(match, layers, own) else _around(layers, own, values, shadows, described)),
        *([_below(described, below)] if differ(values, below) else ()),
        *(through.problems if through else ()),
        *(_copied() if checkout.is_copied and any(texts.get(name) for name in CREDENTIAL_PLACES) else ()),
        *(_open_sessions(checkout, sessions) if sessions else ()),
    ]
    return Report(checkout, branch, path, own, values, shadows, match, through, found)


def _is_by_itself(match: Match, layers: Sequence[Layer], own: Layer | None) -> bool:
    """Say whether nothing but this worktree's own file decides about the backend, and that as its preset wants it."""
    others = [layer for layer in layers if layer is not own]
    if any(layer.problem or any(name in OURS for name in layer.values) for layer in others):
        return False
    return own is None or (not own.problem and (match.preset == "claude" or bool(match.pin and not match.drift)))


def _broken(checkout: Checkout, own: Layer) -> list[Problem]:
    from llmswitch.status import problems  # only for a file that Claude Code ignores

    return [problems.broken(checkout, own)]


def _around(
    layers: Sequence[Layer],
    own: Layer | None,
    values: Mapping[str, Value],
    shadows: Mapping[str, Layer],
    described: str,
) -> list[Problem]:
    from llmswitch.status import problems  # a pin by itself has none of them

    return problems.around(layers, own, values, shadows, described)


def _copied() -> list[Problem]:
    message = ".worktreeinclude copies the settings file, key included, into each worktree Claude Code makes."
    return [Problem("copied", "warning", message, "Take it out of .worktreeinclude.")]


def _open_sessions(checkout: Checkout, sessions: Callable[[str], Sequence[Session] | None]) -> Iterable[Problem]:
    """Return what the sessions that are open here still hold; they are looked for only where one could."""
    state = checkout.state
    if state.switched is None or not held(state.current, state.previous):
        return ()
    return of_sessions(sessions(checkout.root), state.switched, state.current, state.previous)


def _main_preset(checkout: Checkout) -> str | None:
    return checkout.main.state.current.preset if checkout.main else None


def _through(texts: Mapping[str, str], gateway: Callable[[], LocalGateway]) -> Through | None:
    """Return what stands behind a base URL that is the local gateway's, None for any other; no keyring is asked."""
    routes = id_in(texts.get(BASE_URL, ""))
    if routes is None:
        return None
    from llmswitch.gateway.through import through  # few pins point at the gateway

    return through(routes, texts, gateway())


def _below(described: str, below: Sequence[Layer]) -> Problem:
    uses = f"main's pin{described}" if any(layer.origin == "main" for layer in below) else "none of this"
    message = f"A session started below this folder would use {uses}: it does not read this worktree's file."
    return Problem("below", "note", message, "llmswitch run")


def shadowed(own: Layer | None, values: Mapping[str, Value]) -> dict[str, Layer]:
    """Return {name: the layer that wins} for the identity members of the own file that do not take effect."""
    mine = own.values if own else {}
    losing = {name: values[name] for name in OURS if name in mine and values[name].layer is not own}
    return {name: value.layer for name, value in losing.items() if value.text != mine[name]}


def differ(values: Mapping[str, Value], other: Sequence[Layer]) -> bool:
    """Say whether fewer layers would call another backend, with another credential or other models."""
    missing = [name for name in OURS if name in values and values[name].layer not in other]
    return any(values[name].text != first_text(other, name) for name in missing)


# What a Claude Code session that was open during a switch still holds (measured on 2.1.329). It takes changed and
# added variables within seconds, never drops one that was removed, and its start model is fixed. One that was started
# with --settings follows no settings file.


def before(sessions: Iterable[Session], switched: float | None) -> list[Session]:
    """Return the sessions that were open when the settings file was switched, and follow it."""
    return [each for each in sessions if switched is not None and each.started < switched and not each.overlay]


def held(current: Record, previous: Record) -> list[str]:
    """Return what a session keeps that was started on the pin `previous` and is now on `current`, in words."""
    old, new = _set(previous), {*current.pin, *current.wrote}
    if old.get(BASE_URL) and not current.pin:
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
