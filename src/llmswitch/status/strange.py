"""A key of ours beside a base URL that is not the one it was put there for."""

from __future__ import annotations

from llmswitch.base.errors import LlmswitchError
from llmswitch.base.problem import Problem
from llmswitch.base.secret import Secret, redacted
from llmswitch.base.urls import host_of
from llmswitch.claude.variables import BASE_URL, CREDENTIALS, HELPER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmswitch.presets.catalog import Catalog
    from llmswitch.settings.state import Record


def strange_host(values: Mapping[str, str], record: Record, catalog: Catalog) -> list[Problem]:
    """Return the error of a key that the last switch put here, or whose helper it did, and that now goes elsewhere."""
    url, helper = values.get(BASE_URL, ""), values.get(HELPER, "")
    by_helper = helper != "" and helper == record.pin.get(HELPER)
    as_token = any(values.get(name) and record.has_key(Secret(values[name])) for name in CREDENTIALS.values())
    if not (record.preset and (by_helper or as_token)) or host_of(url) == host_of(record.pin.get(BASE_URL, "")):
        return []
    try:
        key = catalog.load(record.preset).key or record.preset
    except LlmswitchError:  # the preset is gone; its key is not
        key = record.preset
    where = host_of(url) or redacted(url) or "Anthropic"
    message = f"The {key} key is sent to {where}: the base URL is not the one that {record.preset} was put here with."
    return [Problem("strange-host", "error", message, f"llmswitch {record.preset}")]
