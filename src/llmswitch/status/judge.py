"""Builds the report of a worktree, once: its effective values, its preset, and all that is wrong with them."""

from __future__ import annotations

from llmswitch.base.errors import LlmswitchError, Problem
from llmswitch.base.secret import redacted
from llmswitch.base.urls import host_of, id_in
from llmswitch.claude.effective import effective, first_text
from llmswitch.claude.roots import LOCAL
from llmswitch.claude.variables import ANTHROPIC_HOST, BASE_URL, CREDENTIAL_PLACES, OURS, VARIABLES
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
        *([_broken(checkout, own)] if own and own.problem else ()),
        *match.problems,
        *of_shadows(shadows, described),
        *of_credentials(values),
        *of_slots(values),
        *of_shell(values, layers[-1]),
        *of_layers(layers, path),
        *([_below(described, below)] if differ(values, below) else ()),
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
    from llmswitch.settings.repair import salvaged  # only for a file that Claude Code ignores

    try:
        checkout.file.settings()
        message = own.problem
    except LlmswitchError as error:
        message = error.args[0]
    return Problem("settings-ignored", "error", message + _held(salvaged(checkout.file)), "Mend it in an editor.")


def _held(values: Mapping[str, str]) -> str:
    """Return what a file that Claude Code ignores would set, as a sentence, or ""."""
    names = {BASE_URL: "base URL", **{variable: slot for slot, variable in VARIABLES.items()}}
    found = [f"{word} {redacted(values[name])}" for name, word in names.items() if values.get(name)]
    return f" It holds, not in force: {', '.join(found)}." if found else ""


def _below(described: str, below: Sequence[Layer]) -> Problem:
    uses = f"main's pin{described}" if any(layer.origin == "main" for layer in below) else "none of this"
    message = f"A session started below this folder would use {uses}: it does not read this worktree's file."
    return Problem("below", "note", message, "llmswitch run")


def shadowed(own: Layer | None, values: Mapping[str, Value]) -> dict[str, Layer]:
    """Return {name: the layer that wins} for the identity members of the own file that do not take effect."""
    mine = own.values if own else {}
    losing = {name: values[name] for name in OURS if name in mine and values[name].layer is not own}
    return {name: value.layer for name, value in losing.items() if value.text != mine[name]}


def of_shadows(shadows: Mapping[str, Layer], described: str) -> list[Problem]:
    """Return the problem of a pin that a stronger file overrides; `described` names main's pin."""
    layers = {layer.path: layer for layer in shadows.values()}.values()
    return [
        Problem(
            "shadowed",
            "warning",
            f"SHADOWED by {layer.origin}{described if layer.origin == 'main' else ''}: {layer.path} wins over "
            f"{', '.join(name for name, winner in shadows.items() if winner is layer)} here.",
            "llmswitch run" if layer.origin == "main" else "",
        )
        for layer in layers
    ]


def of_shell(values: Mapping[str, Value], shell: Layer) -> list[Problem]:
    """Return what the exported identity variables do here."""
    found = []
    for name in OURS:
        if not shell.values.get(name):
            continue
        value = values[name]
        if value.layer is shell:
            message = f"The exported {name} is in effect here; no settings file sets it."
            found.append(Problem("exported", "warning", message, f"unset {name}"))
        elif value.text == "":
            found.append(Problem("cancelled", "note", f"The exported {name} is cancelled here."))
    return found


def of_credentials(values: Mapping[str, Value]) -> list[Problem]:
    """Return the problem of credentials that do not belong to the base URL, or that are sent together."""
    url = values.get(BASE_URL)
    set_here = [name for name in CREDENTIAL_PLACES if name in values and values[name].text]
    strangers = [name for name in set_here if url and url.text and values[name].layer is not url.layer]
    found = [
        Problem(
            "mixed",
            "warning",
            f"{name} of {_place(values[name])} is sent to the base URL of {_place(url)}.",
            f"Take it out of {_place(values[name])}.",
        )
        for name in strangers
        if url
    ]
    if len(set_here) > 1:
        message, fix = (
            f"Sent together: {' and '.join(set_here)}.",
            "llmswitch PRESET --adopt-key NAME, or --discard-key",
        )
        found.append(Problem("two-credentials", "warning", message, fix))
    return found


def _place(value: Value) -> str:
    return value.layer.path or "the shell"


def of_slots(values: Mapping[str, Value]) -> list[Problem]:
    """Return the problem of slots that a foreign host would be asked for under Claude Code's own names."""
    url = _text(values, BASE_URL)
    if not host_of(url) or host_of(url) == ANTHROPIC_HOST:
        return []
    slots = [slot for slot, name in VARIABLES.items() if slot != "subagent" and not _text(values, name)]
    if not slots:
        return []
    message = f"Not mapped: {', '.join(slots)}. Claude Code would send {host_of(url)} its own model names."
    return [Problem("unmapped", "warning", message, "llmswitch list")]


def of_layers(layers: Sequence[Layer], own_path: str) -> list[Problem]:
    """Return the settings files, other than the own one, that Claude Code ignores."""
    broken = [layer for layer in layers if layer.problem and layer.path != own_path]
    return [Problem("settings-ignored", "warning", layer.problem, "Mend it in an editor.") for layer in broken]


def differ(values: Mapping[str, Value], other: Sequence[Layer]) -> bool:
    """Say whether fewer layers would call another backend, with another credential or other models."""
    missing = [name for name in OURS if name in values and values[name].layer not in other]
    return any(values[name].text != first_text(other, name) for name in missing)


def _text(values: Mapping[str, Value], name: str) -> str:
    return values[name].text if name in values else ""
