"""Keys as lines of text."""

from __future__ import annotations

from collections.abc import Sequence

from llmswitch.claude.variables import NONE
from llmswitch.commands.keys import KeyRow
from llmswitch.keys.copies import Holder
from llmswitch.views.everywhere import day
from llmswitch.views.narrow import table
from llmswitch.views.text import short_path


def keys(rows: Sequence[KeyRow], width: int | None = None) -> list[str]:
    """Return `llmswitch keys` as columns."""
    cells = [(row.name, row.source or row.problem or "missing", _some(row.presets) or NONE) for row in rows]
    return table(("KEY", "WHERE", "USED BY"), cells, width)


def holders(found: Sequence[Holder], home: str, width: int | None = None) -> list[str]:
    """Return the pins of this machine as columns: which key stands in each, and since when."""
    if not found:
        return []
    cells = [
        (short_path(each.path, home), each.preset or NONE, _key(each), day(each.switched), each.why or "there")
        for each in found
    ]
    return ["", *table(("PIN", "PRESET", "KEY IN ITS FILE", "SWITCHED", "STATE"), cells, width)]


def _key(holder: Holder) -> str:
    if holder.key is None:
        return holder.source or NONE
    state = "as noted" if holder.why else {"current": ""}.get(holder.state or "", holder.state or "unknown")
    return f"{holder.key}{f', {state}' if state else ''}"


def still_standing(name: str, found: Sequence[Holder], page: str | None, home: str) -> list[str]:
    """Return where a deleted key still stands, and what deleting it did not do."""
    lines = [
        f"It still stands in {short_path(each.path, home)}{f' ({each.why})' if each.why else ''}." for each in found
    ]
    lines.append("Copies elsewhere (other machines, backups, a shell's variables) are not known here.")
    where = f" at {page}" if page else ""
    lines.append(f"The provider takes the {name} key until it is revoked there{where}.")
    return lines


def without_key(asking: Sequence[str], home: str) -> list[str]:
    """Return the pins that asked for a key each time and get none from now on."""
    if not asking:
        return []
    where = _some([short_path(each, home) for each in asking])
    return [f"No key from now on, until one is saved, for the pins of: {where}."]


def _some(names: Sequence[str], most: int = 4) -> str:
    """Return names as a list, or so many of them and the number of the others."""
    return ", ".join(names if len(names) <= most else [*names[:most], f"{len(names) - most} more"])
