"""The shipped presets, each as a case of its own, and the data about models and prices beside them."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import pytest

from llmswitch.base.secret import looks_like_key
from llmswitch.base.urls import is_loopback
from llmswitch.claude.variables import SLOTS, VARIABLES
from llmswitch.cli.app import App
from llmswitch.commands.list_show import show
from llmswitch.presets.catalog import Catalog
from llmswitch.presets.doubts import doubt
from llmswitch.presets.files import shipped_folder
from llmswitch.presets.listing import names
from llmswitch.presets.models import base_id
from llmswitch.presets.pin import pin
from llmswitch.presets.preset import AUTO, Preset

SHIPPED = Catalog(shipped_folder(), "/nowhere")
PRESETS = {name: SHIPPED.load(name) for name in names(SHIPPED)}
PRICES = json.loads(Path(shipped_folder(), "prices.json").read_text())["providers"]
# The vendors' pages bill these by subscription, or name a model without a price by the token.
UNPRICED = {
    "anthropic", "atlascloud", "byteplus", "claude", "direct", "foundry", "litellm", "llamacpp", "lmstudio",
    "longcat", "mimo-plan-ams", "mimo-plan-cn", "mimo-plan-sgp", "modelscope", "ollama", "ollama-cloud",
    "ollama-coder", "opencode-go", "opencode-zen", "qianfan", "sambanova", "sglang", "siliconflow",
    "siliconflow-cn", "stepfun", "stepfun-cn", "vercel", "vllm", "volcengine", "volcengine-agent"
}  # fmt: skip

NOT_LISTED = {"claude-sonnet-5", "qwen3.6-flash"}  # at Vertex and at Qwen Cloud: in no price list


def models_of(preset: Preset) -> set[str]:
    """Return the ids in a preset's slots."""
    return {*preset.slots.values(), preset.default_model or ""} - {"", AUTO}


@pytest.mark.parametrize("name", PRESETS)
def test_a_shipped_preset_is_whole(name: str) -> None:
    """Strict JSON, no unknown field, https or loopback, no /v1, every slot a model of known window, a past date."""
    preset = PRESETS[name]
    json.loads(Path(preset.source).read_text())
    missing = [field for field in ("title", "group", "docs", "verified") if not preset.fields.get(field)]
    assert not missing or preset.fields.get("extends"), f"presets/{name}.json5 needs {missing}"
    assert datetime.date.fromisoformat(preset.verified) <= datetime.date.today()
    assert preset.docs.startswith("https://")
    assert preset.title != name
    assert preset.group
    assert preset.confidence in ("high", "medium") or preset.notes[0].startswith(
        "Not confirmed by the vendor's own page"
    )
    assert preset.warnings == []
    if preset.is_claude:
        return
    own = {"base_url": "http://localhost:1"} if preset.protocol == "openai" else {}
    members = pin(preset, own, SHIPPED).members
    assert members["ANTHROPIC_BASE_URL"].startswith(("https://", "http://localhost:")) or preset.cloud
    assert not members["ANTHROPIC_BASE_URL"].endswith("/v1")
    assert AUTO not in members.values()
    windows = {**SHIPPED.models.windows(), **preset.windows}
    unknown = {base_id(members[variable]) for variable in VARIABLES.values()} - {""} - windows.keys()
    assert not unknown, f"presets/models.json needs rows with a context_window in models: {sorted(unknown)}"
    assert preset.speaks_claude or all(members[VARIABLES[slot]] for slot in SLOTS[:4])


@pytest.mark.parametrize("name", PRESETS)
def test_a_shipped_preset_passes_the_check_of_a_users_own(name: str) -> None:
    """A run does not check the fields of the shipped files again, so a wrong one must be seen here."""
    as_users = Catalog("/nowhere", shipped_folder())  # those of the second folder are checked, with what they extend
    assert as_users.as_it_stands(name)


@pytest.mark.parametrize("name", PRESETS)
def test_the_ids_of_a_shipped_preset_fit_its_provider(name: str) -> None:
    """Each is one that the provider is known to serve today, in its spelling."""
    preset = PRESETS[name]
    assert [text for model in models_of(preset) if (text := doubt(model, preset.prices or "", SHIPPED.models))] == []
    if preset.prices and not preset.is_claude:
        served = {model: SHIPPED.models.entry(model).get("providers", ()) for model in models_of(preset)}
        unknown = [model for model, providers in served.items() if preset.prices not in providers]
        assert not unknown or preset.cloud or preset.name == "volcengine-payg", (
            f'presets/models.json needs "{preset.prices}" in the providers of {unknown}'
        )


@pytest.mark.parametrize("name", sorted(set(PRESETS) - UNPRICED))
def test_a_shipped_preset_has_a_price_for_each_model(name: str) -> None:
    """Of its own provider, with a date and a source; where none is published, UNPRICED names the preset."""
    preset = PRESETS[name]
    assert preset.prices, f'presets/{name}.json5 needs "prices": the name of its provider in presets/prices.json'
    rows = PRICES.get(preset.prices, {})
    missing = {base_id(model) for model in models_of(preset) - NOT_LISTED} - rows.keys()
    assert not missing, f'presets/prices.json needs rows in providers["{preset.prices}"]: {sorted(missing)}'
    for model in models_of(preset) - NOT_LISTED:
        row = rows[base_id(model)]
        assert datetime.date.fromisoformat(row["as_of"]) <= datetime.date.today()
        assert row["source"]


@pytest.mark.parametrize("name", PRESETS)
def test_a_mixed_preset_finds_the_provider_of_a_shipped_one(name: str) -> None:
    """A slot that does not say where it lives is looked up by its model's providers."""
    preset = PRESETS[name]
    wanted = preset.prices is not None and preset.base_url is not None
    assert not wanted or preset.prices in SHIPPED.models.homes, (
        f'presets/models.json needs a row in homes: "{preset.prices}": "{name}"'
    )


def test_presets_that_share_a_key_share_its_host() -> None:
    """A key is bound to its host: a region or a plan of its own has a key of its own."""
    hosts: dict[str, set[str]] = {}
    for preset in PRESETS.values():
        if preset.key:
            hosts.setdefault(preset.key, set()).add(preset.host)
    assert {key: found for key, found in hosts.items() if len(found) > 1} == {}


def test_a_key_named_like_a_preset_is_that_presets() -> None:
    """`llmswitch save-key NAME` takes either: they must not mean two things."""
    keys = {preset.key for preset in PRESETS.values()} & set(PRESETS)
    assert [key for key in keys if key and PRESETS[key].key != key] == []


@pytest.mark.parametrize("name", [name for name, preset in PRESETS.items() if preset.key_check])
def test_a_key_is_checked_at_its_own_provider(name: str) -> None:
    """At the preset's host, or at another of the same company's."""
    preset = PRESETS[name]
    assert preset.key_check
    assert preset.base_url
    company = ".".join(preset.host.split(".")[-2:])
    assert f"{company}/" in preset.key_check["url"]


@pytest.mark.parametrize("name", [name for name, preset in PRESETS.items() if preset.auth == "api-key"])
def test_show_says_that_claude_code_asks_before_it_uses_an_api_key(name: str) -> None:
    """Its answer by default is No, and then the key is ignored."""
    notes = show(name, SHIPPED, App({}).gateway)["notes"]
    assert "asks once whether to use an API key" in str(notes)


def test_keyless_presets_stay_on_this_machine() -> None:
    """And a third party on the network always has a key."""
    for preset in PRESETS.values():
        if preset.base_url and not preset.key:
            assert is_loopback(preset.base_url)


def test_every_price_belongs_to_a_known_model() -> None:
    """So that no row is left behind when a model goes."""
    known = {model for preset in PRESETS.values() for model in models_of(preset)}
    data = json.loads(Path(shipped_folder(), "models.json").read_text())["models"]
    assert [model for rows in PRICES.values() for model in rows if model not in {*known, *data}] == []


def test_every_prefix_of_a_key_is_one_that_is_masked() -> None:
    """What the output's masks look for, and what tells a switch whether a key may be another provider's."""
    prefixes = {preset.key_prefix for preset in PRESETS.values()} - {""}
    assert [prefix for prefix in prefixes if not looks_like_key(f"{prefix}0123456789abcdef")] == []
