"""How a ledger stays bounded."""

from __future__ import annotations

from llmswitch.base import files


def shorten(path: str, size: int) -> None:
    """Keep the newest lines of a ledger, at most `size` bytes; call it with the lock held. Raises OSError."""
    with open(path, "rb") as file:
        kept = file.read()[-size:]
    files.replace(path, kept[kept.find(b"\n") :], 0o600)
