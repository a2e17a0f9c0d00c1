"""Ids, ratings and windows that a person should know about before the first request, and none where all is well."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from conftest import Cli

from llmswitch.base.errors import UsageProblem
from llmswitch.presets.advice import advice
from llmswitch.presets.catalog import Catalog
from llmswitch.presets.doubts import doubt
from llmswitch.presets.files import shipped_folder
from llmswitch.presets.listing import names
from llmswitch.presets.models import VARIANTS
from llmswitch.presets.pin import pin
from llmswitch.presets.prices import prices_of

CATALOG = Catalog(shipped_folder(), "/nowhere")


def warned(name: str, overrides: Mapping[str, str], catalog: Catalog = CATALOG) -> list[str]:
    """Return the warnings of a switch."""
    preset = catalog.load(name)
    found = advice(preset, pin(preset, overrides, catalog), overrides, catalog)
    return [line.removeprefix("warning: ") for line in found if line.startswith("warning: ")]


@pytest.mark.parametrize("name", names(CATALOG))
def test_no_id_of_a_shipped_preset_is_warned_about(name: str) -> None:
    """Nor with each of them named as an override; only models that are weak with tools are, and where both are."""
    preset = CATALOG.load(name)
    ids = sorted({*preset.slots.values(), preset.default_model or ""} - {"", "auto"})
    try:
        lines = warned(name, {})
    except UsageProblem:
        assert not preset.slots  # a server whose models only the user knows
        return
    lines += [line for model in ids if not preset.slot_named(model) for line in warned(name, {"haiku": model})]
    assert [line for line in lines if "whose tool use is rated" not in line] == []


def test_a_preset_is_not_warned_about_for_one_weak_slot_of_its_own_choice() -> None:
    """`openrouter` has a strong opus; `deepseek` has no slot that is better; and a choice of the user's is told."""
    assert warned("openrouter", {}) == []
    assert [line.partition(" are ")[0] for line in warned("deepseek", {})] == ["sonnet and opus"]
    assert "rated fair" in warned("openrouter", {"opus": "deepseek/deepseek-v3.2"})[0]


@pytest.mark.parametrize(
    ("preset", "typed", "meant"),
    [
        ("openrouter", "devstral-2512", "mistralai/devstral-2512"),
        ("openrouter", "gemini-2.5-pro", "google/gemini-2.5-pro"),
        ("openrouter", "claude-sonnet-4-5", "anthropic/claude-sonnet-4.5"),
        ("openrouter", "anthropic/claude-opus-5-5", "anthropic/claude-opus-5.5"),
        ("openrouter", "Z-AI/GLM-5.3", "z-ai/glm-5.3"),
        ("openrouter", "qwen/qwen3-codr", "qwen/qwen3-coder"),
        ("openrouter", "kimi-k3", "moonshotai/kimi-k3"),
        ("glm", "z-ai/glm-5.3", "glm-5.3"),
        ("glm", "GLM-5.3", "glm-5.3"),
        ("moonshot", "moonshotai/kimi-k3", "kimi-k3"),
        ("minimax", "minimax/minimax-m3", "MiniMax-M3"),
        ("deepseek-direct", "deepseek/deepseek-flsh", "deepseek-flash"),
        ("anthropic", "claude-opus-5.5", "claude-opus-5-5"),
        ("glm", "glm-5.3:nitro", "glm-5.3"),
    ],
)
def test_an_id_that_is_not_the_providers_gets_the_nearest_that_is(preset: str, typed: str, meant: str) -> None:
    """A vendor's prefix too few or too many, another spelling, a variant that the provider does not have."""
    assert f"did you mean {meant}?" in warned(preset, {"haiku": typed})[0]


@pytest.mark.parametrize("variant", VARIANTS)
def test_variants_of_openrouter_are_ids_of_its_models(variant: str) -> None:
    """With the window of the model, and a price only where it is that of the model, or none at all."""
    model = f"qwen/qwen3-coder{variant}"
    assert warned("openrouter", {"haiku": model}) == []
    base, price = (prices_of(CATALOG).find("openrouter", each) for each in ("qwen/qwen3-coder", model))
    assert base
    rates = price.rates() if price else None
    assert rates in (dict.fromkeys(rates or (), 0.0) if variant == ":free" else base.rates(), None)
    assert (rates is None) == (variant in (":nitro", ":floor", ":online"))


def test_an_id_of_another_provider_and_an_unknown_one_are_told_apart() -> None:
    """Neither has a near one; what is unknown may be new."""
    assert "is an id of" in doubt("accounts/fireworks/models/glm-5p3", "mistral", CATALOG.models)
    assert "is not known to serve brand-new/thing; what it serves now" in doubt(
        "brand-new/thing", "openrouter", CATALOG.models
    )
    assert doubt("anything", "nobody-known", CATALOG.models) == ""
    assert "its successor is" in doubt("anthropic/claude-opus-4", "openrouter", CATALOG.models)


def test_an_unknown_window_is_said_with_the_field_that_states_it(tmp_path: Path) -> None:
    """At the switch, in a preset of the user's own, and behind the gateway; and no more once it is stated."""
    said = 'A preset of your own states it: windows: { "mine:7b": TOKENS }.'
    assert said in "".join(warned("ollama", {"model": "mine:7b", "haiku": "mine:7b"}))
    (tmp_path / "own.json5").write_text("{base_url: 'http://localhost:1', default_model: 'mine:7b'}")
    (tmp_path / "two.json5").write_text(
        "{slots: {haiku: {model: 'mine:7b', base_url: 'http://localhost:1'}, sonnet: {model: 'mine:7b', preset: 'own'},"
        " opus: {model: 'z-ai/glm-5.3', preset: 'openrouter'}}}"
    )
    (tmp_path / "good.json5").write_text("{extends: 'own', windows: {'mine:7b': 32768}}")
    mine = Catalog(shipped_folder(), str(tmp_path))
    for name in ("own", "two"):
        assert said in "".join(warned(name, {}, mine)), name
    assert warned("good", {}, mine) == []
    assert warned("openrouter", {"haiku": "x/y[1m]"}) == [
        "openrouter is not known to serve x/y[1m]; what it serves now: llmswitch models --live."
    ]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["openrouter", "--haiku", "deepseek/deepseek-v3.2[1m]"], True),
        (["deepseek", "--model", "deepseek/deepseek-v3.2[1M]"], True),
        (["openrouter", "--opus", "anthropic/claude-opus-5.5[1m]"], False),
        (["openrouter", "--haiku", "deepseek/deepseek-v3.2"], False),
        (["openrouter", "--haiku", "nobody/knows[1m]"], False),  # then it is the user's own word
    ],
)
def test_a_switch_says_of_a_window_what_doctor_would(
    cli: Cli, repo: Path, key: str, words: list[str], told: bool
) -> None:
    """[1m] behind a model that does not have it; the same words as doctor's."""
    said = cli(*words, cwd=repo).err
    assert ("counts on 1,000,000 tokens then" in said) is told
    found = [line for line in cli("doctor", cwd=repo).out.splitlines() if "counts on 1,000,000" in line]
    assert bool(found) is told
    assert all(line.partition(" → ")[0] in said for line in found)
