"""What a switch from a folder below the root does not reach: sessions that start in one with settings of its own."""

from __future__ import annotations

from llmswitch.claude.variables import LOCAL
from llmswitch.settings.checkout import Checkout


def unread(checkout: Checkout) -> list[str]:
    """Return a word where a session that starts in this folder does not read the worktree's local file."""
    if any(layer.path == f"{checkout.root}/{LOCAL}" for layer in checkout.layers):
        return []
    hint = f"Start it in {checkout.root}, or: llmswitch run"
    return [f"warning: A session that starts in this folder does not read {checkout.root}/{LOCAL}. {hint}"]
