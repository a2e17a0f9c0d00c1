"""What is wrong, or worth knowing, about the settings a session will use; each with the command that mends it."""

from __future__ import annotations

from llmswitch.base.problem import Problem
from llmswitch.base.urls import host_of
from llmswitch.claude.effective import first_text
from llmswitch.claude.variables import ANTHROPIC_HOST, BASE_URL, CREDENTIAL_PLACES, OURS, VARIABLES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from llmswitch.claude.effective import Layer, Value


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
