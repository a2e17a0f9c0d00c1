"""Results as lines of text. Nothing here decides anything, and no key gets in unmasked."""

from __future__ import annotations

from llmswitch.claude.variables import BASE_URL, START_MODEL, VARIABLES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

LABELS = {BASE_URL: "base URL", START_MODEL: "start", **{name: slot for slot, name in VARIABLES.items()}}


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
