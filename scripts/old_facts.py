"""What was checked too long ago: presets, what is known of models, and prices; printed by scripts/prices."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

from llmswitch.presets.catalog import Catalog
from llmswitch.presets.files import shipped_folder
from llmswitch.presets.listing import load_all
from llmswitch.presets.models import base_id

DAYS = 60  # after which a fact shall be looked at again


def old_facts(rows: dict[str, dict[str, Any]], today: datetime.date) -> list[str]:
    """Return what was checked too long ago: prices that presets need, presets, and what is known of models."""
    limit = (today - datetime.timedelta(days=DAYS)).isoformat()
    presets = {each.name: each.verified for each in load_all(Catalog(shipped_folder(), "/nowhere"))[0]}
    models = json.loads(Path(shipped_folder(), "models.json").read_text())["models"]
    needed = {(name, model): rows.get(name, {}).get(model) for name, found in wished().items() for model in found}
    dated = {
        "presets": presets,
        "models": {name: entry.get("as_of", "") for name, entry in models.items() if "gone" not in entry},
        "prices": {f"{name}: {model}": row["as_of"] for (name, model), row in needed.items() if row},
    }
    lines = []
    for kind, days in dated.items():
        old = sorted((day or "no date", name) for name, day in days.items() if day < limit)
        lines += [f"{len(old)} {kind} older than {DAYS} days.", *(f"  {day}  {name}" for day, name in old)]
    return lines


def wished() -> dict[str, dict[str, None]]:
    """Return the models that the shipped presets put into slots, and those of models.json, by provider."""
    catalog = Catalog(shipped_folder(), "/nowhere")
    found: dict[str, dict[str, None]] = {}
    for preset in load_all(catalog)[0]:
        for model in {*preset.slots.values(), preset.default_model} - {"", "auto", None}:
            if preset.prices:
                found.setdefault(preset.prices, {})[base_id(str(model))] = None
    for model, entry in json.loads(Path(shipped_folder(), "models.json").read_text())["models"].items():
        for provider in entry["providers"] if "gone" not in entry else ():
            found.setdefault(provider, {})[model] = None
    return found
