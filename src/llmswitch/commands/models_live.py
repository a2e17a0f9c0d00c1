"""`llmswitch models --live`: what a provider, or a server on this machine, serves now."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from llmswitch.base.errors import LlmswitchError, UsageProblem
from llmswitch.base.secret import Secret
from llmswitch.base.urls import host_of
from llmswitch.claude.variables import CREDENTIALS
from llmswitch.commands.models import About, Model, has
from llmswitch.doctor import probe, probe_request, replies
from llmswitch.presets.catalog import Catalog
from llmswitch.presets.preset import Preset
from llmswitch.presets.prices import Price, prices_of

_WINDOWS = ("context_length", "max_model_len", "context_window", "max_context_length")  # what servers call it
_PER_TOKEN = {"input": "prompt", "output": "completion"}  # OpenRouter's names


def live(
    preset: Preset | None, catalog: Catalog, key: Callable[[Preset], Secret], today: str, word: str = ""
) -> list[Model]:
    """Return the models that a preset's provider lists now, with what it says of their windows and prices.

    `key` finds the preset's key, which goes to the preset's own address only. Raises UsageProblem where there is no
    list to ask for, LlmswitchError where the provider does not answer with one.
    """
    if preset is None or not preset.models_url:
        who = f"{preset.name} has no list of models" if preset else "No preset is in use here"
        raise UsageProblem(f"{who} that could be asked for.", hint="Without --live: llmswitch models")
    headers = {}
    if preset.key:
        headers = probe_request.credentials({CREDENTIALS[preset.auth]: key(preset).reveal()})
    [reply] = probe.send_all([probe_request.plain(preset.models_url, "GET", headers)])
    rows = replies.rows(reply)
    if not rows:
        why = f"it answered {reply.status}" if reply.status else replies.FAILURES.get(reply.failure, "no answer")
        hint = f"llmswitch doctor --probe tells more; what is known without it: llmswitch models {preset.name}"
        raise LlmswitchError(f"{host_of(preset.models_url)} gave no list of models: {why}.", hint=hint)
    about = About(catalog)
    found = [_listed(row, preset, about, catalog, today) for row in rows]
    return sorted((model for model in found if has(model, word)), key=lambda model: model.id.lower())


def _listed(row: Mapping[str, Any], preset: Preset, about: About, catalog: Catalog, today: str) -> Model:
    name = replies.id_of(row)
    before = about.model(name)
    said = next((row[field] for field in _WINDOWS if type(row.get(field)) is int and row[field] > 0), None)
    price = _said_price(row.get("pricing"), host_of(preset.models_url or ""), today)
    own = prices_of(catalog).find(preset.prices, name)
    provider = preset.prices or preset.name
    return Model(name, before.entry, price or own, provider, said or before.window, before.used_by)


def _said_price(pricing: object, host: str, today: str) -> Price | None:
    """Return the price in an entry of OpenRouter's form, in USD per token as text; None for another form."""
    if not isinstance(pricing, dict):
        return None
    try:
        rates = {name: round(float(pricing[key]) * 1e6, 6) for name, key in _PER_TOKEN.items()}
    except (KeyError, TypeError, ValueError):
        return None
    return Price({**rates, "as_of": today, "source": host}) if min(rates.values()) >= 0 else None
