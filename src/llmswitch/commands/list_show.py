"""`llmswitch list` and `llmswitch show`: the presets, and one of them in full."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from llmswitch.base.errors import LlmswitchError, PresetProblem, UsageProblem
from llmswitch.base.secret import STARS
from llmswitch.base.urls import is_loopback
from llmswitch.claude.variables import HELPER, KEYLESS_TOKEN, SLOTS
from llmswitch.claude.ways import excepted
from llmswitch.gateway.client import LocalGateway
from llmswitch.gateway.delivery import token_helper
from llmswitch.keys.sources import variable
from llmswitch.presets import features
from llmswitch.presets.advice import slot_models
from llmswitch.presets.catalog import Catalog
from llmswitch.presets.headers import WORDS, two_headers
from llmswitch.presets.hosts import strange_hosts
from llmswitch.presets.listing import known_models, load_all, price_of
from llmswitch.presets.models import base_id
from llmswitch.presets.pin import Pin, pin
from llmswitch.presets.preset import Preset
from llmswitch.presets.prices import Price
from llmswitch.presets.sessions import hours, short
from llmswitch.presets.words import aliases, by_preset
from llmswitch.settings.checkout import Checkouts
from llmswitch.settings.neighbours import pinned

GROUPS = ("Yours", "Claude", "OpenRouter", "Providers", "Aggregators", "Local", "Clouds", "OpenAI format")
_FOLLOWS = "If the host redirects elsewhere, Claude Code sends the key along; to look: llmswitch doctor --probe"
_ASKS = (
    "Interactive Claude Code asks once whether to use an API key from its settings, and its default answer is No; "
    "`claude -p` and `llmswitch run` do not ask."
)
_IN_THE_FILE = (
    "The key stands in the settings file, and every command that Claude Code runs can read it; `llmswitch run` "
    "keeps it out of files."
)


def list_presets(
    catalog: Catalog, current: str | None, environ: Mapping[str, str], saved: Collection[str]
) -> tuple[list[dict[str, object]], list[PresetProblem]]:
    """Return a row for each preset by group, as JSON data, and what is wrong with those that cannot be used.

    `saved` are the names of the keys that `save-key` recorded, since a keyring cannot list its entries.
    """
    presets, problems = load_all(catalog)
    others = by_preset(catalog)
    rows = [
        {
            **_row(preset, catalog, current),
            "aliases": others.get(preset.name, []),
            "key_state": key_state(preset, environ, saved),
        }
        for preset in sorted(presets, key=lambda one: _place(one, catalog))
    ]
    return rows, problems


def _place(preset: Preset, catalog: Catalog) -> tuple[int, str]:
    group = _group(preset, catalog)
    return GROUPS.index(group) if group in GROUPS else len(GROUPS), preset.name


def _group(preset: Preset, catalog: Catalog) -> str:
    return preset.group if catalog.is_shipped(preset.source) else "Yours"


def key_state(preset: Preset, environ: Mapping[str, str], saved: Collection[str]) -> str | None:
    """Return where a key is known to be, without asking a keyring: `saved`, `unknown`, None for keyless."""
    if preset.key is None:
        return None
    reference = preset.key_from or {}
    named = [variable(preset.key), *([str(reference["env"])] if "env" in reference else [])]
    found = preset.key in saved or any(environ.get(name) for name in named) or "command" in reference
    return "saved" if found else "unknown"


def _row(preset: Preset, catalog: Catalog, current: str | None) -> dict[str, object]:
    models = slot_models(preset, known_models(preset), catalog)
    start = models.get(preset.default_slot)
    return {
        "name": preset.name,
        "title": preset.title,
        "group": _group(preset, catalog),
        "host": preset.host,
        "key": preset.key,
        "protocol": preset.protocol,
        "origin": "shipped" if catalog.is_shipped(preset.source) else "yours",
        "file": preset.source,
        "current": preset.name == current,
        "verified": preset.verified or None,
        "price": _price(price_of(preset, preset.default_slot, start, catalog)) if start else None,
    }


def _price(price: Price | None) -> dict[str, object] | None:
    if price is None:
        return None
    parts = {"short": short(price), "as_of": price.as_of, "source": price.source, "hours": hours(price)}
    return {**price.rates(), **parts}


def show(
    name: str, catalog: Catalog, gateway: Callable[[], LocalGateway], key_helper: Callable[[Preset], str] | None = None
) -> dict[str, object]:
    """Return one preset in full as JSON data: its slots and exactly what it would write, the key masked.

    `key_helper` makes the command that prints a key, where the user prefers that to a key in the file.
    """
    preset = catalog.load(name)
    wanted, incomplete = Pin({}), ""
    try:
        wanted = pin(preset, {}, catalog)
    except UsageProblem as error:
        incomplete = f"{error.args[0]} {error.hint}"
    if wanted.routes:
        wanted = wanted.with_helper(token_helper(wanted.routes.id))
    elif wanted.base_url and preset.key:
        wanted = wanted.with_helper(key_helper(preset)) if key_helper else wanted.with_key(preset.auth, STARS)
    elif wanted.base_url:
        wanted = wanted.with_key("bearer", KEYLESS_TOKEN)
    if is_loopback(wanted.base_url):  # a switch puts them behind what the shell or weaker settings except already
        wanted = wanted.with_members(excepted({}))
    models = {**known_models(preset), **slot_models(preset, known_models(preset), catalog)}
    return {
        **_row(preset, catalog, None),
        "aliases": aliases(preset.name, catalog),
        "base_url": preset.base_url,
        "cloud": preset.cloud,
        "protocol": preset.protocol if preset.base_url else None,
        "key_url": preset.key_url or None,
        "auth": preset.auth if preset.key else None,
        "two_headers": WORDS[two_headers(preset)] if preset.key and preset.base_url else None,
        "start_slot": None if preset.is_claude else preset.default_slot,
        "slots": {slot: models.get(slot) or None for slot in SLOTS},
        "elsewhere": {slot: f"at {place.preset or place.base_url}" for slot, place in preset.elsewhere.items()},
        "models": {model: _known(preset, slot, model, catalog) for slot, model in _distinct(models).items()},
        "writes": dict(wanted.members),
        "incomplete": incomplete or None,
        "features": features.features(preset),
        "notes": [*preset.notes, *_remarks(preset, catalog, in_file=not wanted.members.get(HELPER))],
        "docs": preset.docs,
        "confidence": preset.confidence or None,
    }


def _distinct(models: Mapping[str, str]) -> dict[str, str]:
    """Return {slot: model} with each model once, at its first slot."""
    found: dict[str, str] = {}
    for slot, model in models.items():
        if model and base_id(model) not in map(base_id, found.values()):
            found[slot] = model
    return found


def _known(preset: Preset, slot: str, model: str, catalog: Catalog) -> dict[str, object]:
    entry = catalog.models.entry(model)
    return {
        "window": preset.windows.get(model) or entry.get("context_window"),
        "price": _price(price_of(preset, slot, model, catalog)),
        "tool_use": entry.get("tool_use"),
        "strength": entry.get("strength"),
        "weakness": entry.get("weakness"),
    }


def _remarks(preset: Preset, catalog: Catalog, in_file: bool) -> list[str]:
    lines = [*preset.warnings, *strange_hosts(preset, catalog), *features.notes(preset)]
    if preset.is_claude:
        version = catalog.models.own.get("version")
        return [*lines, f"The slots are Claude Code's own defaults, as of {version}; nothing of this is written."]
    if preset.key and preset.auth == "api-key":
        lines += [_ASKS, _FOLLOWS]
    return [*lines, _IN_THE_FILE] if preset.key and in_file else lines


def pin_here(checkouts: Checkouts) -> tuple[str, Mapping[str, str]] | None:
    """Return the preset in use in the current folder with its overrides; `claude` where there is no pin.

    None where the folder cannot be used, or its pin was not put there by a switch of ours.
    """
    try:
        counts = pinned(checkouts.at())
    except LlmswitchError:
        return None
    if counts is None:
        return "claude", {}
    record = counts.state.current
    return (record.preset, record.overrides) if record.preset else None


def preset_here(checkouts: Checkouts) -> str | None:
    """Return the preset in use in the current folder, None where no switch here tells."""
    try:
        here = checkouts.at()
        counts = pinned(here)
    except LlmswitchError:
        return None
    name = (counts or here).state.current.preset
    return name if counts or name == "claude" else None
