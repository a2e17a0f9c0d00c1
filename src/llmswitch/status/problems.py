"""What can be wrong where a pin is not by itself: other files, the shell, credentials and slots that do not fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from llmswitch.base.errors import LlmswitchError
from llmswitch.base.problem import Problem
from llmswitch.base.secret import Secret, redacted
from llmswitch.base.typed import switching
from llmswitch.base.urls import host_of
from llmswitch.claude import clouds
from llmswitch.claude.effective import Layer, Value, effective
from llmswitch.claude.variables import (
    ALLOWED,
    ANTHROPIC_HOST,
    BASE_URL,
    CLOUD_SWITCHES,
    CREDENTIAL_PLACES,
    CREDENTIALS,
    KEYLESS_TOKEN,
    LOCAL,
    OURS,
    VARIABLES,
    counts,
)  # fmt: skip
from llmswitch.claude.ways import host_apps, open_here
from llmswitch.presets.catalog import Catalog
from llmswitch.settings.checkout import Checkout
from llmswitch.settings.neighbours import decided
from llmswitch.status import credential, key_forms, lists
from llmswitch.status.compare import Match, differ
from llmswitch.status.mends import again, keep_delivery
from llmswitch.worktrees.ask import copies


def judged(
    checkout: Checkout,
    own: Layer | None,
    values: dict[str, Value],
    shadows: Mapping[str, Layer],
    match: Match,
    catalog: Catalog,
) -> tuple[list[Problem], dict[str, Value]]:
    """Return the problems of a worktree's layers, and its values with the models that will really be sent."""
    layers = checkout.layers
    described = f" ({preset})" if checkout.main and (preset := checkout.main.state.current.preset) else ""
    found = [broken(checkout, own)] if own and own.problem else []
    found += match.problems
    if ALLOWED in values:
        values, narrowed = lists.judged(checkout, values, catalog)
        found += narrowed
    found += of_own_slots(values) if match.preset == "claude" and match.pin else []
    cloud = clouds.on({name: value.text for name, value in values.items()})
    bare = "claude" if own and own.values.get(BASE_URL) else ""
    name = match.preset if match.preset and match.preset != "claude" else bare
    mend = switching(name) if name else ""
    if BASE_URL in values and values[BASE_URL].origin == "managed":  # which beats whatever a switch puts here
        mend = "llmswitch claude" if bare else "Ask who administers this machine."
    switch = again(checkout.state.current, own.values) if own else ""
    found += [
        *of_shadows(shadows, described, own is not None and is_carried(checkout, own)),
        *(() if cloud else of_credentials(values, switch)),
        *(() if cloud else credential.findings(values, mend, checkout.folder)),
        *(key_forms.findings(values, catalog, mend) if _may_be_others(values, match) else ()),
        *(() if cloud else of_slots(values)),
        *of_shell(values, layers[-1]),
        *of_layers(layers, own),
        *of_ways(values, layers[-1]),
    ]
    found += [_below(checkout, own, values)] if differ(values, checkout.below) else []
    found += _at_the_root(checkout, values) if own is None and checkout.folder != checkout.root else []
    has_key = any(values[name].text for name in CREDENTIAL_PLACES if name in values)
    if has_key and checkout.may_be_copied and copies(checkout.worktree, LOCAL):
        message = ".worktreeinclude copies the settings file, key included, into each worktree Claude Code makes."
        found.append(Problem("copied", "warning", message, "Take it out of .worktreeinclude."))
    keep_delivery(found, own.values if own else {}, checkout.state.current, catalog)
    return found, values


def _may_be_others(values: Mapping[str, Value], match: Match) -> bool:
    """Say whether a credential may be another provider's: none that a switch of ours put beside its base URL is."""
    url = values.get(BASE_URL)
    found = [values[name] for name in CREDENTIALS.values() if name in values and values[name].text]
    as_put = match.preset is not None and not match.alike and not {*match.drift} & {*CREDENTIALS.values()}
    return any(value.layer is not (url and url.layer) or not as_put for value in found)


def _below(checkout: Checkout, own: Layer | None, values: Mapping[str, Value]) -> Problem:
    """Return the note of what a session below this folder misses, with the way that carries it there."""
    below = checkout.below
    missed = {values[name].layer.path: values[name].layer for name in OURS if name in values}
    paths = [path for path, layer in missed.items() if layer not in below]
    file = "this worktree's file" if own and paths == [own.path] else " and ".join(paths)
    here, there = decided(values)[0], decided(effective(below))[0]
    where = f"{there} too, with other models or another key" if there == here else there or "Anthropic"
    message = f"A session started in a folder below this one does not read {file}, and sends to {where}."
    fix = "llmswitch run" if own and is_carried(checkout, own) else f"Start Claude Code in {checkout.folder} itself."
    return Problem("below", "note", message, fix)


def _at_the_root(checkout: Checkout, values: Mapping[str, Value]) -> list[Problem]:
    """Return the note of a pin at the root that a session which starts in a folder below it does not read."""
    there = type(checkout)(checkout.worktree, checkout.checkouts)  # no layer of a folder below has the root's file
    file = next((layer for layer in there.layers if layer.path == f"{checkout.root}/{LOCAL}"), None)
    if file is None or all(text == _text(values, name) for name, text in there.pin.items()):
        return []
    record = checkout.state.current
    preset = record.preset if record.pin.get(BASE_URL) == there.pin.get(BASE_URL) else None
    message = f"{checkout.root} has {preset or 'a pin'}, which a session that starts in this folder does not read."
    fix = f"Start it in {checkout.root}" + (", or: llmswitch run" if is_carried(checkout, file) else ".")
    return [Problem("not-read-here", "note", message, fix)]


def is_carried(checkout: Checkout, own: Layer) -> bool:
    """Say whether `llmswitch run` brings what the own file says: a backend, without a key that only the file knows."""
    if not any(counts(name, own.values.get(name, "")) for name in (BASE_URL, *CLOUD_SWITCHES)):
        return False
    texts = [own.values.get(name, "") for name in CREDENTIALS.values()]
    secrets = [Secret(text) for text in texts if text not in ("", KEYLESS_TOKEN)]
    main = checkout.main
    records = [record for record in (checkout.state.current, main.state.current if main else None) if record]
    return not secrets or any(all(map(record.has_key, secrets)) for record in records)


def of_shadows(shadows: Mapping[str, Layer], described: str, carried: bool) -> list[Problem]:
    """Return the problem of a pin that a stronger file overrides; `described` names main's pin.

    `carried`: `llmswitch run` brings what the own file says.
    """
    layers = {layer.path: layer for layer in shadows.values()}.values()
    return [
        Problem(
            "shadowed",
            "error" if layer.origin == "managed" and shadows.get(BASE_URL) is layer else "warning",
            f"SHADOWED by {layer.origin}{described if layer.origin == 'main' else ''}: {layer.path} wins over "
            f"{', '.join(name for name, winner in shadows.items() if winner is layer)} here.",
            "llmswitch run" if layer.origin == "main" and carried else "",
        )
        for layer in layers
    ]


def of_own_slots(values: Mapping[str, Value]) -> list[Problem]:
    """Return the problem of slots of one's own login that other settings send to another host."""
    url = values.get(BASE_URL)
    if url is None or host_of(url.text) in ("", ANTHROPIC_HOST):
        return []
    message = f"The slots here are for your own login, and {_place(url)} sends them to {host_of(url.text)}."
    fix = f"Take {BASE_URL} out of {url.layer.path}." if url.layer.path else f"unset {BASE_URL}"
    return [Problem("slots-elsewhere", "error", message, fix)]


def of_shell(values: Mapping[str, Value], shell: Layer) -> list[Problem]:
    """Return what the exported identity variables do here."""
    found = []
    for name in OURS:
        if not counts(name, shell.values.get(name, "")):
            continue
        value = values[name]
        if value.layer is shell:
            message = f"The exported {name} is in effect here; no settings file sets it."
            found.append(Problem("exported", "warning", message, f"unset {name}"))
        elif value.text == "":
            found.append(Problem("cancelled", "note", f"The exported {name} is cancelled here."))
    return found


def of_credentials(values: Mapping[str, Value], switch: str = "") -> list[Problem]:
    """Return the problem of credentials that do not belong to the base URL, or that are sent together.

    `switch` is the command that puts the last pin here again.
    """
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
        fix = switch or "llmswitch PRESET --adopt-key NAME"
        fix += ", or --discard-key" if fix.endswith(" --adopt-key NAME") else ""
        message = f"Sent together: {' and '.join(set_here)}."
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


def of_layers(layers: Sequence[Layer], own: Layer | None) -> list[Problem]:
    """Return the settings files, other than the own one, that Claude Code ignores, and those that it may ignore."""
    mend = "Mend it in an editor."
    broken = [layer for layer in layers if layer.problem and layer is not own]
    found = [Problem("settings-ignored", "warning", layer.problem, mend) for layer in broken]
    doubtful = [f"{layer.path}: {layer.doubt}" for layer in layers if layer.doubt]
    return found + [Problem("settings-doubtful", "warning", message, mend) for message in doubtful]


def of_ways(values: Mapping[str, Value], shell: Layer) -> list[Problem]:
    """Return the ways past a pin that other files and the shell open."""
    url = _text(values, BASE_URL)
    if host_of(url) not in ("", ANTHROPIC_HOST):
        found = open_here(url, values, shell)
    else:
        is_set = any(_text(values, name) and values[name].layer is not shell for name in OURS)
        found = host_apps(shell, "error" if is_set else "warning")
    return [Problem(way.code, way.level, way.message, way.fix) for way in found]


def _text(values: Mapping[str, Value], name: str) -> str:
    return values[name].text if name in values else ""


def broken(checkout: Checkout, own: Layer) -> Problem:
    """Return the problem of a file that Claude Code ignores, with what it would set."""
    from llmswitch.settings.repair import salvaged  # imports json5

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
