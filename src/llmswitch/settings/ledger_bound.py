"""How a ledger stays bounded."""

from __future__ import annotations

from llmswitch.base import files
from llmswitch.base.opened import data


def shorten(path: str, size: int) -> None:
    """Keep the newest lines of a ledger, at most `size` bytes; call it with the lock held. Raises OSError."""
    kept = data(path)[-size:]
    files.replace(path, kept[kept.find(b"\n") :], 0o600)
