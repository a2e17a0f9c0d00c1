"""The switches of a worktree, as lines of text."""

from __future__ import annotations

import datetime
import shlex

from llmswitch.commands.log import Log
from llmswitch.settings.entries import Entry
from llmswitch.views.text import columns, short_path


def log(found: Log, home: str, width: int | None) -> list[str]:
    """Return a line for each switch: when, to what, and by which command; the last is what stood there first.

    Where that is wider than `width` letters (None: never), the command stands on a line of its own.
    """
    if not found.switches and found.first is None:
        return [f"No switch of {short_path(found.worktree, home)} is known."]
    rows = [_row(entry) for entry in found.switches]
    if found.first is not None:
        what = "own entries" if found.first["members"] or found.first["secrets"] else "claude"
        rows.append(("before", f"{what} ({found.first['host']})", "→ llmswitch - --to first"))
    lines = columns(rows)
    if width is not None and max(map(len, lines)) > width:
        lines = [line for when, what, command in rows for line in (f"  {when}: {what}", f"    {command}")]
    return [f"{short_path(found.worktree, home)}:", *lines]


def _row(entry: Entry) -> tuple[str, str, str]:
    when = datetime.datetime.fromtimestamp(entry.time).astimezone().strftime("%Y-%m-%d %H:%M")
    return when, f"{entry.preset or 'own entries'} ({entry.host})", shlex.join(("llmswitch", *entry.typed))
