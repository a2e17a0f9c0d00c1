"""Builds the report of a worktree, once: its effective values, its preset, and all that is wrong with them."""

from __future__ import annotations

from llmswitch.base.errors import LlmswitchError
from llmswitch.base.problem import Problem
from llmswitch.base.secret import redacted
from llmswitch.base.urls import id_in
from llmswitch.claude.effective import effective
from llmswitch.claude.layers import LOCAL
from llmswitch.claude.variables import BASE_URL, CREDENTIAL_PLACES, VARIABLES
from llmswitch.status import problems
from llmswitch.status.compare import compare
from llmswitch.status.open_sessions import held, of_sessions
from llmswitch.status.report import Report

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from llmswitch.claude.effective import Layer
    from llmswitch.claude.sessions import Session
    from llmswitch.gateway.client import LocalGateway
    from llmswitch.gateway.through import Through
    from llmswitch.presets.catalog import Catalog
    from llmswitch.settings.checkout import Checkout


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
    below, shadows = checkout.below, problems.shadowed(own, values)
    match = compare(checkout, own, values, catalog)
    described = f" ({preset})" if (preset := _main_preset(checkout)) else ""
    texts = {name: value.text for name, value in values.items()}
    through = _through(texts, gateway)
    found = [
        *([_broken(checkout, own)] if own and own.problem else ()),
        *match.problems,
        *problems.of_shadows(shadows, described),
        *problems.of_credentials(values),
        *problems.of_slots(values),
        *problems.of_shell(values, layers[-1]),
        *problems.of_layers(layers, path),
        *([_below(described, below)] if problems.differ(values, below) else ()),
        *(through.problems if through else ()),
        *(_copied(checkout) if any(texts.get(name) for name in CREDENTIAL_PLACES) else ()),
        *(_open_sessions(checkout, sessions) if sessions else ()),
    ]
    return Report(checkout, branch, path, own, values, shadows, match, through, found)


def _copied(checkout: Checkout) -> list[Problem]:
    if not checkout.is_copied:
        return []
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


def _broken(checkout: Checkout, own: Layer) -> Problem:
    try:
        checkout.file.settings()
        message = own.problem
    except LlmswitchError as error:
        message = error.args[0]
    return Problem("settings-ignored", "error", message + _held(checkout.file.salvaged()), "Mend it in an editor.")


def _held(values: Mapping[str, str]) -> str:
    """Return what a file that Claude Code ignores would set, as a sentence, or ""."""
    names = {BASE_URL: "base URL", **{variable: slot for slot, variable in VARIABLES.items()}}
    found = [f"{word} {redacted(values[name])}" for name, word in names.items() if values.get(name)]
    return f" It holds, not in force: {', '.join(found)}." if found else ""


def _below(described: str, below: Sequence[Layer]) -> Problem:
    uses = f"main's pin{described}" if any(layer.origin == "main" for layer in below) else "none of this"
    message = f"A session started below this folder would use {uses}: it does not read this worktree's file."
    return Problem("below", "note", message, "llmswitch run")
