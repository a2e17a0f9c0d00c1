"""Which preset a pin looks like that no switch of ours recorded: somebody's script, another tool, a provider's page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from llmswitch.base.errors import UsageProblem
from llmswitch.base.fastjson import loads
from llmswitch.base.problem import Problem
from llmswitch.base.shell import spelled
from llmswitch.base.urls import host_of
from llmswitch.claude.variables import (
    ALLOWED,
    BASE_URL,
    CLOUD_SWITCHES,
    CREDENTIALS,
    KEYLESS_TOKEN,
    OURS,
    START_MODEL,
    VARIABLES,
    counts,
)
from llmswitch.presets.catalog import Catalog
from llmswitch.presets.listing import load_all
from llmswitch.presets.models import base_id
from llmswitch.presets.pin import Pin, pin
from llmswitch.presets.preset import Preset

# Of presets that fit equally well: these before the others.
_FIRST = ("openrouter", "deepseek", "devstral")

# What chooses models, and neither a host nor a credential.
_MODELS_ONLY = {*VARIABLES.values(), START_MODEL}
# Local proxies of other tools, by their usual address: it is all that a settings file says of them.
PROXIES = {
    "127.0.0.1:3456": "claude-code-router",
    "localhost:3456": "claude-code-router",
    "127.0.0.1:8317": "ccs (its CLIProxy)",
    "localhost:8317": "ccs (its CLIProxy)",
    "127.0.0.1:15721": "cc-switch (its proxy)",
    "localhost:15721": "cc-switch (its proxy)",
}
# What only one tool writes: a variable in `env` → the tool.
MARKS = {
    "ENABLE_THINKING": "claude-multi",
    "REASONING_EFFORT": "claude-multi",
    "ENABLE_STREAMING": "claude-multi",
    "MAX_OUTPUT_TOKENS": "claude-multi",
    "CCS_PROFILE": "ccs",
}


def recognised(values: Mapping[str, str], catalog: Catalog, problems: list[Problem]) -> Preset | None:
    """Return the preset that a file's values look like, and note in `problems` how it can be taken over.

    None, with a note too, where they look like none, or like several.
    """
    if all(name in _MODELS_ONLY for name in OURS if counts(name, values.get(name, ""))):
        slots = [slot for slot, name in VARIABLES.items() if values.get(name)]
        named = f"Slots of your own login: {', '.join(slots)}" if slots else "A start model for your own login"
        problems.append(Problem("looks-like", "note", f"{named}; llmswitch did not put it here."))
        return catalog.load("claude")
    models = _today(values, catalog)
    best, sure = _closest(values, models, _pins(catalog))
    host = host_of(values.get(BASE_URL, ""))
    tool = PROXIES.get(host) or next((MARKS[name] for name in MARKS if name in values), "")
    differs = [slot for slot, model in models.items() if best and model != base_id(best[0][1].models[slot])]
    fix = _take_over(values, *best[0], models, differs) if best else "llmswitch list"
    if not sure:
        where = ", ".join(filter(None, (tool, host)))
        some = best and 0 < len(differs) < len(models)
        near = f" It has some of {' and '.join(preset.name for preset, _ in best[:2])}." if some else ""
        message = f"Not a known preset{f' ({where})' if where else ''}.{near}"
        problems.append(Problem("unknown-preset", "warning", message, fix))
        return None
    by = f"something else than llmswitch wrote it: {tool}" if tool else "llmswitch did not put it here"
    but = f", but for {', '.join(differs)}" if differs else ""
    message = f"Looks like {best[0][0].name}{but}; {by}."
    if older := _older(values, models):
        message += f" Older ids in it: {', '.join(older)}."
    problems.append(Problem("looks-like", "warning", message, fix))
    return best[0][0]


def _older(values: Mapping[str, str], models: Mapping[str, str]) -> list[str]:
    """Return the ids in the file that stand for another one today, each with that."""
    pairs = {base_id(values[VARIABLES[slot]]): model for slot, model in models.items()}
    return [f"{old} (the preset has {new})" for old, new in pairs.items() if old != new]


def _take_over(
    values: Mapping[str, str], preset: Preset, wanted: Pin, models: Mapping[str, str], differs: Iterable[str]
) -> str:
    """Return the command that puts the preset here with the file's own models, and saves the file's key."""
    chosen = {slot: models[slot] for slot in differs}
    start = values.get(START_MODEL, "")
    if start in VARIABLES and start != wanted.members.get(START_MODEL):
        chosen["start"] = start
    known = [*wanted.members.get(ALLOWED, ()), *wanted.models.values(), *models.values()]
    if also := [entry for entry in loads(values.get(ALLOWED, "[]")) if entry not in known]:
        chosen["also"] = " ".join(also)
    command = spelled(preset.name, chosen)
    credentials = [values[name] for name in CREDENTIALS.values() if values.get(name)]
    foreign = preset.key and credentials and KEYLESS_TOKEN not in credentials
    return f"{command} --adopt-key {preset.key}" if foreign else command


def _today(values: Mapping[str, str], catalog: Catalog) -> dict[str, str]:
    """Return {slot: id} of the slots that a file sets, each id as it is called today, without [1m]."""
    stood: Mapping[str, str] = catalog.models.data.get("stood_for", {})
    found = {slot: base_id(values[name]) for slot, name in VARIABLES.items() if values.get(name)}
    return {slot: stood.get(model) or str(catalog.models.entry(model).get("gone") or model)
            for slot, model in found.items()}  # fmt: skip


def _pins(catalog: Catalog) -> Iterator[tuple[Preset, Pin]]:
    """Yield the presets that have a pin, with it."""
    for preset in load_all(catalog)[0]:
        try:
            wanted = pin(preset, {}, catalog)
        except UsageProblem:  # one preset without a model must not stand in the way of the others
            continue
        if wanted.members:
            yield preset, wanted


def _closest(
    values: Mapping[str, str], models: Mapping[str, str], pins: Iterable[tuple[Preset, Pin]]
) -> tuple[list[tuple[Preset, Pin]], bool]:
    """Return the presets with these values' endpoint that share most slots, the best first, and whether that is sure.

    Of several it is sure only if they do not differ, or if they have all the slots that are set.
    """
    here = [(preset, each) for preset, each in pins if _same_endpoint(values, each)]
    scores = [sum(model == base_id(each.models[slot]) for slot, model in models.items()) for _, each in here]
    best = [pair for pair, score in zip(here, scores, strict=True) if score == max(scores)]
    best.sort(key=lambda pair: _FIRST.index(pair[0].name) if pair[0].name in _FIRST else len(_FIRST))
    maps = {tuple(each.models.values()) for _, each in best}
    return best, len(maps) == 1 or (len(maps) > 1 and bool(models) and max(scores) == len(models))


def _same_endpoint(values: Mapping[str, str], wanted: Pin) -> bool:
    if any(counts(name, values.get(name, "")) != counts(name, wanted.members.get(name, "")) for name in CLOUD_SWITCHES):
        return False
    return values.get(BASE_URL, "").strip().rstrip("/").lower() == wanted.base_url.lower()
