"""`llmswitch print-key`, for the front door and for click."""

from __future__ import annotations

import os
import sys

from llmswitch.claude.variables import UNDER_RUN
from llmswitch.cli import console
from llmswitch.commands import keys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from llmswitch.cli.app import App


def print_key(app: App, name: str | None, preset: str | None) -> None:
    """Print one key and nothing else."""
    # As a helper: not where a person types it, nor under `run`, whose settings say where the key goes.
    if preset and not (sys.stdout.isatty() or app.environ.get(UNDER_RUN)):
        from llmswitch.commands.helper_call import check  # reads the settings files

        check(app.checkouts.at(".", os.getcwd()), app.catalog.load(preset))
    console.answer([keys.print_key(name, preset, app.catalog, app.environ, app.keyring).reveal()])
