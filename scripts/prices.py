"""Regenerates presets/prices.json; run through scripts/prices. Rows that no source has stay as they are."""

from __future__ import annotations

import datetime
import json
import urllib.request
from importlib.metadata import version
from pathlib import Path
from typing import Any

from genai_prices import types
from genai_prices.data import providers
from old_facts import old_facts, wished

from llmswitch.presets.files import shipped_folder
from llmswitch.presets.price_lists import GENAI_NAMES, OPENROUTER_URL, from_genai, from_openrouter, updated

FILE = Path(shipped_folder(), "prices.json")


def main() -> None:
    """Read the sources, write the file, say what changed."""
    old = json.loads(FILE.read_text())["providers"]
    wanted = {name: {**models, **old.get(name, {})} for name, models in {**old, **wished()}.items()}
    fresh = from_genai(genai(wanted), wanted, newest(), f"genai-prices {version('genai-prices')}")
    rows = updated({name: {**fresh.get(name, {}), **old.get(name, {})} for name in {**fresh, **old}}, fresh)
    try:
        with urllib.request.urlopen(OPENROUTER_URL, timeout=30) as answer:  # noqa: S310  # a constant
            rows = updated(rows, from_openrouter(json.load(answer), datetime.date.today().isoformat()))
    except OSError as error:
        print(f"openrouter.ai was not asked ({error}); its prices are those of genai-prices.")
    FILE.write_text(text(rows))
    changed = [
        f"{name}: {model}"
        for name, models in rows.items()
        for model, row in models.items()
        if old.get(name, {}).get(model) != row
    ]
    print("\n".join([f"{len(changed)} prices changed.", *changed]))
    print("\n".join(old_facts(rows, datetime.date.today())))


def newest() -> str:
    """Return the day of the newest dated price of genai-prices: how old its data may be."""
    days = [day for provider in providers for model in provider.models for day in dates(conditional(model.prices))]
    return max(day for day in days if day <= datetime.date.today().isoformat())


def dates(prices: Any) -> list[str]:
    """Return the days on which prices of a model begin."""
    constraints = [each["constraint"] for each in prices] if isinstance(prices, list) else []
    return [each["start_date"] for each in constraints if "start_date" in each]


def genai(wanted: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Return genai-prices' data about our models in the form of its JSON."""
    theirs = {provider.id: provider for provider in providers}
    found: dict[str, list[dict[str, Any]]] = {}
    for name, models in wanted.items():
        if provider := theirs.get(GENAI_NAMES.get(name, name)):
            known = [(model, entry) for model in models if (entry := provider.find_model(model))]
            found.setdefault(provider.id, []).extend(
                {"id": model, "prices": conditional(entry.prices)} for model, entry in known
            )
    return [{"id": name, "models": models} for name, models in found.items()]


def conditional(prices: Any) -> Any:
    """Return prices, dated or not, as JSON data."""
    if not isinstance(prices, list):
        return rates(prices)
    return [{"constraint": constraint(each.constraint), "prices": rates(each.prices)} for each in prices]


def constraint(value: Any) -> dict[str, str]:
    """Return when a price holds."""
    return {name: str(part) for name, part in vars(value).items()} if value else {}


def rates(prices: Any) -> dict[str, Any]:
    """Return the rates that we use."""
    names = ("input_mtok", "output_mtok", "cache_read_mtok", "cache_write_mtok")
    found = {name: getattr(prices, name, None) for name in names}
    return {name: tiered(value) for name, value in found.items() if value is not None}


def tiered(value: Any) -> Any:
    """Return one rate, or its tiers."""
    if not isinstance(value, types.TieredPrices):
        return float(value)
    tiers = [{"start": tier.start, "price": float(tier.price)} for tier in value.tiers]
    return {"base": float(value.base), "tiers": tiers}


def text(rows: dict[str, dict[str, Any]]) -> str:
    """Return the file: one line a price, so that a change is one line too."""
    blocks = []
    for provider in sorted(rows):
        lines = [f"   {json.dumps(model)}: {json.dumps(row)}" for model, row in sorted(rows[provider].items())]
        blocks.append(f"  {json.dumps(provider)}: {{\n" + ",\n".join(lines) + "\n  }")
    return '{\n "unit": "USD per million tokens",\n "providers": {\n' + ",\n".join(blocks) + "\n }\n}\n"


if __name__ == "__main__":
    main()
