"""Price lists of others, read into rows of ours: genai-prices (MIT) and OpenRouter's public list of models."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    Rows = dict[str, dict[str, dict[str, Any]]]

BEFORE = "before"  # in a row: those that a refresh replaced, for what was used in their time
OPENROUTER = "openrouter.ai"
OPENROUTER_URL = f"https://{OPENROUTER}/api/v1/models"
GENAI_URL = "https://raw.githubusercontent.com/pydantic/genai-prices/refs/heads/main/prices/new_data/v2/data_slim.json"
# Our names of providers → those of genai-prices.
GENAI_NAMES = {"moonshot": "moonshotai", "xai": "x-ai", "vertex": "google"}
_RATES = {
    "input": "input_mtok",
    "output": "output_mtok",
    "cache_read": "cache_read_mtok",
    "cache_write": "cache_write_mtok",
}
_OPENROUTER = {
    "input": "prompt",
    "output": "completion",
    "cache_read": "input_cache_read",
    "cache_write": "input_cache_write",
}


def updated(providers: Rows, fresh: Rows) -> Rows:
    """Return our rows with what is new in `fresh`; what a list does not say (weekdays of a peak) is kept."""
    return {
        provider: {model: _merged(row, fresh.get(provider, {}).get(model)) for model, row in models.items()}
        for provider, models in providers.items()
    }


def _merged(old: dict[str, Any], new: dict[str, Any] | None) -> dict[str, Any]:
    if new is None or new["as_of"] < old["as_of"]:
        return old
    if "peak" in new and "peak" in old:
        new = {**new, "peak": {**old["peak"], **new["peak"]}}
    # OpenRouter's list may leave out tiers and caches: they stay as long as the base rates do.
    same = old["input"] == new["input"] and old["output"] == new["output"]
    return {**old, **new} if same and new["source"] == OPENROUTER else new


def from_openrouter(answer: Mapping[str, Any], as_of: str) -> Rows:
    """Return {"openrouter": {model: row}} from the answer of OPENROUTER_URL, whose prices are USD per token."""
    rows = {}
    for model in answer["data"]:
        pricing = model["pricing"]
        rates = {name: round(float(pricing[key]) * 1e6, 6) for name, key in _OPENROUTER.items() if pricing.get(key)}
        if rates.get("input", -1) >= 0 and rates.get("output", -1) >= 0:  # a router's own price is -1: it varies
            rows[model["id"]] = {**rates, "as_of": as_of, "source": OPENROUTER}
    return {"openrouter": rows}


def from_genai(providers: list[dict[str, Any]], providers_of_ours: Mapping[str, Any], as_of: str, source: str) -> Rows:
    """Return rows for our models from genai-prices' JSON (format v2), valid on the day `as_of`."""
    theirs = {provider["id"]: provider["models"] for provider in providers}
    rows: Rows = {}
    for provider, models in providers_of_ours.items():
        found = theirs.get(GENAI_NAMES.get(provider, provider), [])
        for model in models:
            row = next((row for entry in found if _is(entry, model) and (row := _genai_row(entry, as_of))), None)
            if row and not model.startswith("~"):  # its entries for OpenRouter's aliases lag behind
                rows.setdefault(provider, {})[model] = {**row, "as_of": as_of, "source": source}
    return rows


def _is(entry: Mapping[str, Any], model: str) -> bool:
    return model.lower() in {name.lower() for name in (entry["id"], *_equals(entry.get("match", {})))}


def _equals(clause: Mapping[str, Any]) -> Iterator[str]:
    """Yield the ids that a match clause names outright."""
    if "equals" in clause:
        yield clause["equals"]
    for inner in clause.get("or", []):
        yield from _equals(inner)


def _genai_row(entry: Mapping[str, Any], as_of: str) -> dict[str, Any] | None:
    """Return the row of one entry: the last price that has begun, and those of certain hours as its peak."""
    prices = entry["prices"]
    conditional = [{"prices": prices}] if isinstance(prices, dict) else prices
    row: dict[str, Any] = {}
    for each in conditional:
        constraint = each.get("constraint") or {}
        if "start_time" in constraint:
            peak = row.setdefault("peak", {"utc": [], **_flat(each["prices"])})
            peak["utc"].append([constraint["start_time"][:5], constraint["end_time"][:5]])
        elif constraint.get("start_date", "") <= as_of:
            row = {**_flat(each["prices"]), **_tiers(each["prices"])}
    return row if "input" in row and "output" in row else None


def _flat(prices: Mapping[str, Any]) -> dict[str, float]:
    found = {name: prices[key] for name, key in _RATES.items() if prices.get(key)}
    return {name: value["base"] if isinstance(value, dict) else value for name, value in found.items()}


def _tiers(prices: Mapping[str, Any]) -> dict[str, list[dict[str, float]]]:
    tiers: dict[int, dict[str, float]] = {}
    for name, key in _RATES.items():
        value = prices.get(key)
        for tier in value["tiers"] if isinstance(value, dict) else ():
            tiers.setdefault(tier["start"], {})[name] = tier["price"]
    return {"tiers": [{"above": start, **rates} for start, rates in sorted(tiers.items())]} if tiers else {}
