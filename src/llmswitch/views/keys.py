"""Keys as lines of text."""

from __future__ import annotations

from collections.abc import Sequence

from llmswitch.claude.variables import NONE
from llmswitch.commands.keys import KeyRow
from llmswitch.views.narrow import table


def keys(rows: Sequence[KeyRow], width: int | None = None) -> list[str]:
    """Return `llmswitch keys` as columns."""
    cells = [(row.name, row.source or row.problem or "missing", _some(row.presets) or NONE) for row in rows]
    return table(("KEY", "WHERE", "USED BY"), cells, width)


def _some(names: Sequence[str], most: int = 4) -> str:
    """Return names as a list, or so many of them and the number of the others."""
    return ", ".join(names if len(names) <= most else [*names[:most], f"{len(names) - most} more"])
