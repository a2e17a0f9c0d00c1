"""`llmswitch ladder`, and the slots that `--ladder` takes from it."""

from __future__ import annotations

import json

from llmswitch.base.errors import LlmswitchError, UsageProblem
from llmswitch.claude.variables import SLOTS
from llmswitch.commands.request import Request
from llmswitch.presets import ladder
from llmswitch.presets.advice import slot_models
from llmswitch.presets.slots import resolve, start_slot
from llmswitch.presets.user_files import NoLadder, read_ladder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from llmswitch.presets.catalog import Catalog
    from llmswitch.settings.checkout import Target


class Ladder:
    """A worktree's ladder: `models` (None where the default map holds), bands, the session's model, remarks."""

    def __init__(self, target: Target, catalog: Catalog) -> None:
        record = target.journal.current
        defaults = _defaults(record.preset or "claude", record.overrides, catalog)
        self.path = f"{target.worktree.root}/{ladder.FILE}"
        self.preset = record.preset or "claude"
        self.remarks: list[str] = []
        self.models: list[str] | None = None
        try:
            self.models = read_ladder(target.worktree.root)
        except NoLadder as none:
            self.remarks = [f"warning: {none}."] if str(none) else []
        if self.models and target.worktree.in_repository and target.worktree.tracks(ladder.FILE):
            self.remarks.append(f"note: git tracks {ladder.FILE}; a ladder belongs to one environment only.")
        self.bands = ladder.bands(self.models) if self.models else {
            band: defaults.get(slot, "") for band, (slot, _) in ladder.BANDS.items()
        }  # fmt: skip
        self.session = defaults.get(_start(record.overrides, self.preset, catalog), "")
        self.starter = list(dict.fromkeys(model for model in self.bands.values() if model))

    def data(self) -> dict[str, object]:
        """Return what was found as JSON data."""
        return {"file": self.path, "preset": self.preset, "ladder": self.models, "bands": self.bands,
                "session_model": self.session or None, "remarks": self.remarks}  # fmt: skip

    def lines(self) -> list[str]:
        """Return what was found as text; one line where the ladder has one model."""
        if self.models and len(self.models) == 1:
            return [f"Every band means {self.models[0]}, the only model on the ladder."]
        source = f"the ladder in {self.path}" if self.models else f"the preset {self.preset}; there is no ladder"
        lines = [f"Bands, from {source}:"]
        lines += [f"  {band:6}  {ladder.BANDS[band][0]:6}  {model or '—'}" for band, model in self.bands.items()]
        lines.append(f"Session model: {self.session or '—'}")
        if self.models:
            return [*lines, "Ladder, cheapest first:", *(f"  {model}" for model in self.models)]
        return [*lines, f"To make one, put the models to be had here, cheapest first, into {self.path}:",
                f"  {json.dumps(self.starter, ensure_ascii=False)}"]  # fmt: skip


def _defaults(name: str, overrides: Mapping[str, str], catalog: Catalog) -> dict[str, str]:
    """Return {slot: model} of a preset with overrides, {} where it cannot be used."""
    chosen = {slot: model for slot, model in overrides.items() if slot in SLOTS}
    try:
        preset = catalog.load(name)
        if preset.is_claude:
            return slot_models(preset, {}, catalog)
        models = resolve(name, preset.slots, preset.default_model, chosen, preset.custom, preset.speaks_claude)
        return slot_models(preset, models, catalog)
    except LlmswitchError:
        return {}


def _start(overrides: Mapping[str, str], name: str, catalog: Catalog) -> str:
    try:
        preset = catalog.load(name)
        return start_slot(overrides.get("start", preset.default_slot), preset.custom)
    except LlmswitchError:
        return "sonnet"


def with_ladder(request: Request, targets: Sequence[Target], catalog: Catalog) -> tuple[Request, list[str]]:
    """Return the request with the slots of the targets' ladder, and what to say; without one, the request as it is.

    Raises UsageProblem where the targets' ladders differ, or for a preset without slots.
    """
    if catalog.load(request.preset).is_claude:
        raise UsageProblem(f"Preset {request.preset} takes no --ladder.")
    found: list[tuple[str, list[str] | None]] = []
    remarks: list[str] = []
    for target in targets:
        try:
            found.append((target.worktree.root, read_ladder(target.worktree.root)))
        except NoLadder as none:
            found.append((target.worktree.root, None))
            why = str(none) or f"There is no {target.worktree.root}/{ladder.FILE}"
            remarks.append(f"warning: {why}: the preset's own map is used.")
    ladders = [each for _, each in found]
    if any(each != ladders[0] for each in ladders):
        raise UsageProblem("The worktrees have different ladders.", hint="Switch them one by one: -w PATH.")
    if not ladders or not ladders[0]:
        return request, remarks
    asked = {slot: model for slot, model in request.overrides.items() if slot in ladder.slots(ladders[0])}
    start = _start(request.overrides, request.preset, catalog)
    slots, lacking = ladder.climbed(ladders[0], asked, start)
    return request.but(overrides={**request.overrides, **slots}), remarks + lacking
