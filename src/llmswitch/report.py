"""Results as lines of text. Nothing here decides anything, and no key gets in unmasked."""

from __future__ import annotations

from llmswitch.identity import BASE_URL, SECRET_BEARING, START_MODEL, may_be_secret
from llmswitch.secret import STARS, mask, redacted
from llmswitch.slots import VARIABLES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmswitch.commands.keys import KeyRow

NONE = "—"
LABELS = {BASE_URL: "base URL", START_MODEL: "start", **{name: slot for slot, name in VARIABLES.items()}}


def shown(name: str, value: str | None) -> str:
    """Return a member's value as a person may see it: secrets masked, "" and absent told apart."""
    if value is None:
        return NONE
    if value == "" or name in SECRET_BEARING:
        return mask(value) if value else '""'
    text = redacted(value)
    return STARS if text == value and may_be_secret(name, value) else text


def short_path(path: str, home: str) -> str:
    """Return a path with `~` for the home folder."""
    return "~" + path[len(home) :] if home and (path == home or path.startswith(home + "/")) else path


def columns(rows: Sequence[Sequence[str]], indent: str = "  ") -> list[str]:
    """Return rows of cells as lines with the cells below each other."""
    widths = [max(len(row[index]) for row in rows) for index in range(len(rows[0]))] if rows else []
    return [
        (indent + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))).rstrip()
        for row in rows
    ]


def keys(rows: Sequence[KeyRow]) -> list[str]:
    """Return `llmswitch keys` as columns."""
    cells = [(row.name, row.source or row.problem or "missing", _some(row.presets) or NONE) for row in rows]
    return columns([("KEY", "WHERE", "USED BY"), *cells], indent="")


def _some(names: Sequence[str], most: int = 4) -> str:
    """Return names as a list, or so many of them and the number of the others."""
    return ", ".join(names if len(names) <= most else [*names[:most], f"{len(names) - most} more"])
