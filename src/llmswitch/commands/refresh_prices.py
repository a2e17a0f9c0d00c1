"""`llmswitch cost --refresh`: today's prices, into the user's own copy."""

from __future__ import annotations

from llmswitch import price_sources

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from llmswitch.catalog import Catalog


def refresh(catalog: Catalog, download: Callable[[str], Any], today: str) -> tuple[price_sources.Rows, list[str]]:
    """Return all prices, with what is new in the public lists, and the names of those whose price is another now.

    `download` returns the JSON behind a URL and raises LlmswitchError; then nothing is changed.
    """
    old = catalog.prices.rows()
    listed = price_sources.from_openrouter(download(price_sources.OPENROUTER_URL), today)
    genai = price_sources.from_genai(download(price_sources.GENAI_URL), old, today, "genai-prices")
    fresh = {**genai, **listed}
    rows = price_sources.updated(old, fresh)
    names = [f"{provider}: {model}" for provider in rows for model in rows[provider]
             if _rates(rows[provider][model]) != _rates(old[provider][model])]  # fmt: skip
    return rows, names


def _rates(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in ("as_of", "source")}
