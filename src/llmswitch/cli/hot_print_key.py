"""`llmswitch print-key`, for the front door and for click."""

from __future__ import annotations

from llmswitch.cli import console
from llmswitch.commands import keys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from llmswitch.cli.app import App


def print_key(app: App, name: str | None, preset: str | None) -> None:
    """Print one key and nothing else."""
    console.answer([keys.print_key(name, preset, app.catalog, app.environ, app.keyring).reveal()])
