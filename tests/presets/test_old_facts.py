"""What `scripts/prices` says of facts that were checked too long ago."""

from __future__ import annotations

import datetime
import importlib.util
import json
from pathlib import Path

import pytest
from support.tree import ROOT

from llmswitch.presets.files import shipped_folder

ROWS = json.loads(Path(shipped_folder(), "prices.json").read_text())["providers"]


@pytest.mark.parametrize("days", [0, 400])
def test_presets_models_and_prices_grow_old(days: int) -> None:
    """Each with its date; after a year that is all of them."""
    spec = importlib.util.spec_from_file_location("old_facts", ROOT / "scripts/old_facts.py")
    assert spec
    assert spec.loader
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    newest = max(row["as_of"] for models in ROWS.values() for row in models.values())
    lines = script.old_facts(ROWS, datetime.date.fromisoformat(newest) + datetime.timedelta(days=days))
    heads = [line for line in lines if not line.startswith(" ")]
    assert [head.split()[1] for head in heads] == ["presets", "models", "prices"]
    if days:
        assert all(int(head.split()[0]) > 30 for head in heads)
        assert "  2026-08-21  novita" in lines
    else:
        assert heads[2] == "0 prices older than 60 days."
