"""Builds the report of a worktree, once: its effective values, its preset, and all that is wrong with them."""

from __future__ import annotations

from llmswitch.base.errors import Problem
from llmswitch.base.urls import id_in
from llmswitch.claude.effective import effective, first_text
from llmswitch.claude.roots import LOCAL
from llmswitch.claude.variables import BASE_URL, CREDENTIAL_PLACES, OURS
from llmswitch.status.compare import compare
from llmswitch.status.open_sessions import held, of_sessions
from llmswitch.status.report import Report

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from llmswitch.claude.effective import Layer, Value
    from llmswitch.claude.sessions import Session
    from llmswitch.gateway.client import LocalGateway
    from llmswitch.gateway.through import Through
    from llmswitch.presets.catalog import Catalog
    from llmswitch.settings.checkout import Checkout
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
