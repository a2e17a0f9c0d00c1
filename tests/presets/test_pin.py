"""What a preset becomes: every identity key, the slots' models, the window."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from llmswitch.base.errors import UsageProblem
from llmswitch.claude.variables import (
    ALLOWED,
    API_KEY,
    AUTH_TOKEN,
    IDENTITY,
    OFFERED,
    SLOTS,
    TOP_IDENTITY,
    smallest_window,
)
from llmswitch.presets.catalog import Catalog
from llmswitch.presets.files import shipped_folder
from llmswitch.presets.pin import pin
from llmswitch.presets.preset import Preset, slot_named

WINDOWS = {
    "small/one": 64_000,
    "big/one": 256_000,
    "anthropic/claude-opus-5.5": 1_000_000,
    "a/claude-opus-latest": 9,
}


def preset(slots: dict[str, str], default_model: str | None = None) -> Preset:
    """Return a preset of those slots at an endpoint of its own."""
    fields = {"base_url": "https://x.example", "slots": slots, "default_model": default_model}
    return Preset("mine", fields, "file")


def test_every_identity_key_is_in_a_pin_and_one_place_has_the_credential() -> None:
    """A value or "", so that nothing else mixes in."""
    bare = pin(preset({}, "m"), {"start": "opus"}, Catalog(shipped_folder(), os.devnull))
    assert set(bare.members) >= set(IDENTITY) | set(TOP_IDENTITY)
    for auth, name, other in (("bearer", AUTH_TOKEN, API_KEY), ("api-key", API_KEY, AUTH_TOKEN)):
        full = bare.with_key(auth, "K").members
        assert (full[name], full[other]) == ("K", "")


@pytest.mark.parametrize(
    ("models", "window"),
    [
        (["small/one", "big/one"], 64_000),
        (["small/one:exacto", "unknown"], 64_000),
        (["small/one[1m]", "big/one"], 256_000),
        (["anthropic/claude-opus-5.5", "big/one"], 256_000),
        (["anthropic/claude-opus-5.5"], None),
        (["a/claude-opus-latest", "big/one"], 9),
        (["unknown", ""], None),
    ],
)
def test_the_window_is_the_smallest_that_the_client_honours(models: list[str], window: int | None) -> None:
    """It judges by the id: a Claude name with its version, or [1m], and the variable is ignored."""
    assert smallest_window(models, WINDOWS) == window


def test_overrides_beat_the_preset_and_the_preset_its_default_model() -> None:
    """Slot by slot; a name as a value means that slot's model, whatever the order of the options."""
    full = {"haiku": "h", "sonnet": "s", "opus": "o", "fable": "f", "subagent": ""}
    assert preset(full).models({}) == full
    assert preset({"haiku": "h"}, "d").models({}) == dict.fromkeys(SLOTS, "d") | {"haiku": "h"}
    assert preset(full, "d").models({"opus": "x", "haiku": "large"})["haiku"] == "x"
    assert preset(full).models({"sonnet": "opus", "opus": "sonnet"})["sonnet"] == "o"
    assert preset({"haiku": "h", "sonnet": "s", "opus": "o"}).models({})["fable"] == "o"


@pytest.mark.parametrize("slot", SLOTS[:3])
def test_a_slot_without_a_model_is_an_error_that_names_preset_and_slot(slot: str) -> None:
    """Nothing is ever sent under the client's own model name."""
    slots = {name: "m" for name in SLOTS if name != slot}
    with pytest.raises(UsageProblem, match=f"mine names no model for {slot}"):
        preset(slots).models({})


def test_names_of_slots_are_understood_in_any_case() -> None:
    """Slots, tiers, and the 1m aliases."""
    words = {"small": "haiku", "Medium": "sonnet", "LARGE": "opus", "sonnet_1m": "sonnet", "opus_1m": "opus"}
    assert {word: slot_named(word) for word in words} == words
    assert slot_named("huge") is None
    assert preset({}).start({"start": "Small"}) == "haiku"
    for word in ("subagent", "huge", ""):
        with pytest.raises(UsageProblem):
            preset({}).start({"start": word})


def test_a_further_model_is_allowed_and_the_first_one_has_a_row_of_its_own(tmp_path: Path) -> None:
    """What is typed comes before the preset's own; with `any` there is no list, and so no row."""
    (tmp_path / "mine.json5").write_text("{base_url: 'https://x.example', default_model: 'm', also: ['b', 'c']}")
    catalog = Catalog(shipped_folder(), str(tmp_path))
    mine = catalog.load("mine")
    for also, listed, row in (("", ["m", "b", "c"], "b"), ("z", ["m", "z", "b", "c"], "z"), ("any", None, None)):
        members = pin(mine, {"also": also} if also else {}, catalog).members
        assert (members.get(ALLOWED), members.get(OFFERED)) == (listed, row)
    assert OFFERED not in pin(catalog.load("openrouter"), {}, catalog).members
