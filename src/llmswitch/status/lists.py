"""What lists of models do to a session here: which id goes out for each slot, and what they let past the pin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from shlex import quote

from llmswitch.base.fastjson import loads
from llmswitch.base.problem import Problem
from llmswitch.base.secret import redacted
from llmswitch.base.urls import host_of
from llmswitch.claude.effective import Layer, Value
from llmswitch.claude.fence import allows, counted, sent
from llmswitch.claude.variables import ALLOWED, ANTHROPIC_HOST, BASE_URL, CLOUD_SWITCHES, LOCAL, VARIABLES, counts
from llmswitch.presets.catalog import Catalog
from llmswitch.presets.fences import is_a_pins
from llmswitch.settings.checkout import Checkout
from llmswitch.settings.state import Record
from llmswitch.status.mends import again


def judged(checkout: Checkout, values: dict[str, Value], catalog: Catalog) -> tuple[dict[str, Value], list[Problem]]:
    """Return the values as the lists of models leave them, and what is wrong with those."""
    layers, main = checkout.layers, checkout.main
    records = [checkout.state.current, checkout.state.previous, *([main.state.current] if main else [])]
    texts = {name: value.text for name, value in values.items()}
    listed = [layer for layer in layers if ALLOWED in layer.values and layer.origin != "shell"]
    elsewhere = any(counts(name, texts.get(name, "")) for name in CLOUD_SWITCHES)
    if elsewhere:
        return values, []
    own = host_of(texts.get(BASE_URL, "")) in ("", ANTHROPIC_HOST)
    entries, models = loads(texts[ALLOWED]), {slot: texts.get(name, "") for slot, name in VARIABLES.items()}
    changed = sent(models, entries)
    found = [_changed(values[ALLOWED], models, changed, own)] if changed else []
    if found and {layer.path for layer in listed} == {f"{checkout.root}/{LOCAL}"} and ALLOWED in records[0].wrote:
        shadowed = BASE_URL in values and values[BASE_URL].origin == "main"  # a switch to the same would be refused
        found[0].fix = "llmswitch claude" if shadowed else again(records[0], listed[0].values) or found[0].fix
    after = {VARIABLES[slot]: Value(model, values[ALLOWED].layer) for slot, model in changed.items()}
    if own:
        return {**values, **after}, _alone(checkout, listed, records, catalog) or found
    return {**values, **after}, found + opened(checkout, listed, models, values)


def _changed(value: Value, models: Mapping[str, str], changed: Mapping[str, str], own: bool) -> Problem:
    """Return what a list makes of the slots; `own`: for one's own login, for which it may be meant to."""
    words = [f"{slot} is sent as {redacted(model) or 'the model it inherits'}" for slot, model in changed.items()]
    lacking = [redacted(models[slot]) for slot in changed if models[slot]]
    losers = () if value.origin == "managed" else value.losers  # it replaces all the others
    lists = " and ".join(layer.path for layer in [value.layer, *losers])
    lacks = f", which does not have {', '.join(dict.fromkeys(lacking))}" if lacking else ""
    message = f"Not as the slots say: {', '.join(words)}. The cause is {ALLOWED} in {lists}{lacks}."
    fix = "Ask who administers this machine." if value.origin == "managed" else f"Take {ALLOWED} out of {lists}."
    level = "error" if not own else "warning" if lacking else "note"
    return Problem("slots-narrowed", level, message, fix if level != "note" else "")


def _alone(checkout: Checkout, listed: Sequence[Layer], records: Sequence[Record], catalog: Catalog) -> list[Problem]:
    """Return the problem of a list of ours that a pin left behind: the client takes one Claude model for everything."""
    ours = [
        layer
        for layer in listed
        if any(loads(record.wrote.get(ALLOWED, "[]")) == loads(layer.values[ALLOWED]) for record in records)
        or is_a_pins(layer.values, catalog)
    ]
    found = []
    for layer in ours:
        if loads(layer.values[ALLOWED]):
            message = f"{ALLOWED} in {layer.path} is a pin's, and the pin is gone: every request goes to one model."
            found.append(Problem("list-alone", "error", message, _away(checkout, layer)))
    return found


def _away(checkout: Checkout, layer: Layer) -> str:
    """Return what takes a list out of its file: a switch does so for a local one, here or in main."""
    if layer.path == f"{checkout.root}/{LOCAL}":
        return "llmswitch claude"
    if checkout.main and layer.path == f"{checkout.main.root}/{LOCAL}":
        return f"llmswitch claude -w {quote(checkout.main.root)}"
    return f"Take {ALLOWED} out of {layer.path}."


def opened(
    checkout: Checkout, listed: Sequence[Layer], models: Mapping[str, str], values: Mapping[str, Value]
) -> list[Problem]:
    """Return what the lists of other files let a session ask for besides the pin's models."""
    if len(listed) < 2 or values[ALLOWED].origin == "managed":
        return []
    mapped = [model for model in models.values() if model]
    pins = [layer for layer in listed if all(allows(loads(layer.values[ALLOWED]), model) for model in mapped)][:1]
    found = []
    for layer in listed:
        if layer not in pins and (more := _more(layer, pins[0] if pins else None, models, values)):
            ids = ", ".join(map(redacted, more))
            message = f"{layer.path} also allows {ids}: an agent or a skill that asks for that gets it from this host."
            shadowed = layer.path == f"{checkout.root}/{LOCAL}" and ALLOWED in checkout.state.current.wrote
            fix = "llmswitch claude" if shadowed else f"Take it out of {ALLOWED} there."
            found.append(Problem("list-opened", "note", message, fix))
    return found


def _more(layer: Layer, pin: Layer | None, models: Mapping[str, str], values: Mapping[str, Value]) -> list[str]:
    """Return the entries of a list that count, and are neither in the pin's nor one of its models."""
    known = [*(loads(pin.values[ALLOWED]) if pin else ()), *filter(None, models.values())]
    count = counted(loads(values[ALLOWED].text))
    return [entry for entry in loads(layer.values[ALLOWED]) if entry not in known and {*counted([entry])} & {*count}]
