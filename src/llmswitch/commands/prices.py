"""`llmswitch cost --refresh`: today's prices, into the user's own copy."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPException
from typing import Any

from llmswitch.base import files
from llmswitch.base.errors import LlmswitchError
from llmswitch.presets import price_lists
from llmswitch.presets.catalog import Catalog
from llmswitch.presets.price_lists import BEFORE
from llmswitch.presets.prices import Prices, prices_of

CHUNK, SECONDS, LARGEST = 65_536, 20.0, 50_000_000


def refresh(catalog: Catalog, download: Callable[[str], Any], today: str) -> tuple[price_lists.Rows, list[str]]:
    """Return all prices, with what is new in the public lists, and the names of those whose price is another now.

    `download` returns the JSON behind a URL and raises LlmswitchError; then nothing is changed.
    """
    old = rows_of(prices_of(catalog))
    listed = price_lists.from_openrouter(download(price_lists.OPENROUTER_URL), today)
    genai = price_lists.from_genai(download(price_lists.GENAI_URL), old, today, "genai-prices")
    fresh = {**genai, **listed}
    rows = price_lists.updated(old, fresh)
    names = [f"{provider}: {model}" for provider in rows for model in rows[provider]
             if _rates(rows[provider][model]) != _rates(old[provider][model])]  # fmt: skip
    for provider, models in rows.items():
        for model in models:
            models[model] = _with_past(models[model], old[provider][model])
    return rows, names


def _rates(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in ("as_of", "source", BEFORE)}


def _with_past(new: dict[str, Any], old: dict[str, Any]) -> dict[str, Any]:
    """Return a row with the prices that it replaces, for what was used in their time; of one day the last counts."""
    past = [row for row in old.get(BEFORE, ()) if isinstance(row, dict)]
    if _rates(new) != _rates(old) and new["as_of"] != old["as_of"]:
        past = [{name: value for name, value in old.items() if name != BEFORE}, *past]
    return {**new, BEFORE: past} if past else new


def save_prices(path: str, rows: object) -> None:
    """Write the user's copy of the prices; LlmswitchError where that fails."""
    text = json.dumps({"unit": "USD per million tokens", "providers": rows}, indent=1) + "\n"
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        files.replace(os.path.realpath(path), text.encode(), 0o644)
    except OSError as error:
        raise LlmswitchError(f"{path}: cannot write it ({error.strerror}).") from None


def download(url: str, tell: Callable[[int, int], None]) -> Any:
    """Return the JSON behind a public https URL; `tell` is given the bytes so far, and of all (0 where unsaid).

    No key is sent. Raises LlmswitchError where the network, the host or the answer fails.
    """
    parts, got = [], 0
    try:
        with urllib.request.urlopen(url, timeout=SECONDS) as answer:  # noqa: S310  # https constants of ours
            total = int(answer.headers.get("Content-Length") or 0)
            while got < LARGEST and (part := answer.read(CHUNK)):
                parts.append(part)
                got += len(part)
                tell(got, total)
        return json.loads(b"".join(parts))
    except (OSError, HTTPException) as error:
        why = getattr(error, "reason", None) or error
    except ValueError:
        why = ValueError("the answer is not JSON")
    host = url.split("/")[2]
    raise LlmswitchError(f"{host} gave no prices: {why}.", hint="The prices you have stay in use: llmswitch cost")


def rows_of(prices: Prices) -> price_lists.Rows:
    """Return {provider: {model: row}} of all lists, the newest row of each."""
    names = sorted({(provider, model) for each in prices.lists for provider in each for model in each[provider]})
    found: price_lists.Rows = {provider: {} for provider, _ in names}
    for provider, model in names:
        found[provider][model] = prices.newest(provider, model) or {}
    return found
