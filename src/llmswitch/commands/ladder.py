"""`llmswitch ladder`, and the slots that `--ladder` takes from it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from llmswitch.base.errors import LlmswitchError, UsageProblem
from llmswitch.base.typed import switching
from llmswitch.claude.effective import Value, effective
from llmswitch.claude.variables import LOCAL, SAVED_MODEL, START_MODEL, VARIABLES, plain
from llmswitch.commands.request import Request
from llmswitch.presets import ladder
from llmswitch.presets.advice import slot_models
from llmswitch.presets.catalog import Catalog
from llmswitch.presets.preset import slot_named
from llmswitch.settings.checkout import Checkout
from llmswitch.settings.neighbours import pinned
from llmswitch.worktrees import git


@dataclass(frozen=True)
class Ladder:
    """A worktree's ladder: `models` (None where the default map holds), {band: model}, the session's model, remarks.

    `chosen_by` says what chooses the session's model, `pin` how the pin here stands to the ladder ("" without one).
    """

    path: str
    preset: str
    models: list[str] | None
    bands: Mapping[str, str]
    session: str
    chosen_by: str
    pin: str
    remarks: list[str]

    def data(self) -> dict[str, object]:
        """Return what was found as JSON data."""
        return {"file": self.path, "preset": self.preset, "ladder": self.models, "bands": self.bands,
                "session_model": self.session or None, "session_model_from": self.chosen_by, "pin": self.pin or None,
                "remarks": self.remarks}  # fmt: skip

    def lines(self) -> list[str]:
        """Return what was found as text; one line where the ladder has one model."""
        if self.models and len(self.models) == 1:
            return [f"Every band means {self.models[0]}, the only model on the ladder."]
        source = f"the ladder in {self.path}" if self.models else f"the preset {self.preset}; there is no ladder"
        lines = [f"Bands, from {source}:"]
        lines += [f"  {band:6}  {ladder.BANDS[band][0]:6}  {model or '—'}" for band, model in self.bands.items()]
        lines.append(f"Session model: {self.session or '—'} ({self.chosen_by})")
        lines += [self.pin] if self.pin else []
        if self.models:
            return [*lines, "Ladder, cheapest first:", *(f"  {model}" for model in self.models)]
        starter = list(dict.fromkeys(model for model in self.bands.values() if model))
        return [*lines, f"To make one, put the models to be had here, cheapest first, into {self.path}:",
                f"  {json.dumps(starter, ensure_ascii=False)}"]  # fmt: skip


def find(checkout: Checkout, catalog: Catalog) -> Ladder:
    """Return the ladder of a worktree, or the default map of its preset."""
    counts = pinned(checkout) or checkout
    name, overrides = counts.state.current.preset or "claude", counts.state.current.overrides
    defaults = _defaults(name, overrides, catalog)
    models, remarks = None, []
    try:
        models = ladder.read(checkout.root)
    except ladder.NoLadder as none:
        remarks = [f"warning: {none}."] if str(none) else []
    if models and checkout.worktree.in_repository and git.tracks(checkout.worktree, ladder.FILE):
        remarks.append(f"note: git tracks {ladder.FILE}; a ladder belongs to one environment only.")
    bands = {band: defaults.get(slot, "") for band, (slot, _) in ladder.BANDS.items()}
    path = f"{checkout.root}/{ladder.FILE}"
    session, by = _session(effective(checkout.layers), defaults, checkout)
    pin = _pin(name, overrides, models) if counts is checkout and (models or ladder.MARK in overrides) else ""
    return Ladder(path, name, models, ladder.bands(models) if models else bands, session, by, pin, remarks)


def _session(values: Mapping[str, Value], defaults: Mapping[str, str], checkout: Checkout) -> tuple[str, str]:
    """Return the model that a new session starts on, and what chooses it (Claude Code 2.1.332)."""
    said = next((values[name] for name in (START_MODEL, SAVED_MODEL) if name in values and values[name].text), None)
    word = plain(said.text) if said else "opus"
    if said is None:
        by = "Claude Code's default, the opus slot"
    else:
        by = f"{word}, as {said.layer.path or 'the shell'} says"
        if said.layer.path == f"{checkout.root}/{LOCAL}":
            by = f"the start slot, {word}"
    slot = slot_named({"opusplan": "sonnet", "default": "opus"}.get(word, word))
    if slot is None:
        return word, by.removeprefix(f"{word}, ")
    mapped = values.get(VARIABLES[slot])
    return (mapped.text if mapped and mapped.text else defaults.get(slot, "")), by


def _pin(name: str, overrides: Mapping[str, str], models: Sequence[str] | None) -> str:
    """Return how a pin stands to the ladder that is here now."""
    again = f"{switching(name)} --ladder"
    if ladder.MARK not in overrides:
        return f"The slots here are not from the ladder. → {again}"
    same = ladder.marked(overrides) == models
    return "The slots here are from this ladder." if same else f"The slots here are from an older ladder. → {again}"


def _defaults(name: str, overrides: Mapping[str, str], catalog: Catalog) -> dict[str, str]:
    """Return {slot: model} of a preset with overrides, {} where it cannot be used."""
    try:
        preset = catalog.load(name)
        return slot_models(preset, {} if preset.is_claude else preset.models(overrides), catalog)
    except LlmswitchError:
        return {}


def _start(name: str, overrides: Mapping[str, str], catalog: Catalog) -> str:
    try:
        return catalog.load(name).start(overrides)
    except LlmswitchError:
        return "sonnet"


def with_ladder(request: Request, checkouts: Sequence[Checkout], catalog: Catalog) -> tuple[Request, list[str]]:
    """Return the request with the slots of the worktrees' ladder, and what to say; without one, the request as it is.

    Raises UsageProblem where their ladders differ.
    """
    ladders: list[list[str] | None] = []
    remarks: list[str] = []
    for checkout in checkouts:
        try:
            ladders.append(ladder.read(checkout.root))
        except ladder.NoLadder as none:
            ladders.append(None)
            why = str(none) or f"There is no {checkout.root}/{ladder.FILE}"
            remarks.append(f"warning: {why}: the preset's own map is used.")
    if any(each != ladders[0] for each in ladders):
        raise UsageProblem("The worktrees have different ladders.", hint="Switch them one by one: -w PATH.")
    if not ladders or not ladders[0]:
        return request, remarks
    asked = {slot: model for slot, model in request.overrides.items() if slot in ladder.slots(ladders[0])}
    slots, lacking = ladder.climbed(ladders[0], asked, _start(request.preset, request.overrides, catalog))
    given = {name: slots[name] for name in slots if name not in asked or slots[name] != asked[name]}
    marked = {ladder.MARK: ladder.mark(ladders[0], given)}
    return request.but(overrides={**request.overrides, **slots, **marked}), remarks + lacking
