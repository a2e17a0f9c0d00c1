"""`llmswitch print-key`, for the front door and for click."""

from __future__ import annotations

import os
import sys

from llmswitch.cli import console
from llmswitch.cli.app import App
from llmswitch.commands import keys


def print_key(app: App, name: str | None, preset: str | None, overlay: str | None = None) -> None:
    """Print one key and nothing else."""
    if preset and not sys.stdout.isatty():  # as a helper: not where a person types it
        from llmswitch.commands.helper_call import check  # reads the settings files

        path = overlay and f"{app.state}/overlays/{os.path.basename(overlay)}.json"
        check(app.checkouts.at(".", os.getcwd()), app.catalog.load(preset), path)
    console.answer([keys.print_key(name, preset, app.catalog, app.environ, app.keyring).reveal()])
