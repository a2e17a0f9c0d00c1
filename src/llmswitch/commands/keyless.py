"""What to know of a switch that puts no key into the file: a file that git tracks, a host that wants one header."""

from __future__ import annotations

from llmswitch.commands.request import Chosen, Request
from llmswitch.presets.headers import refusal
from llmswitch.settings.checkout import Checkout
from llmswitch.settings.ignore_making import tracked_notices


def notices(request: Request, checkout: Checkout, chosen: Chosen, without_key: bool) -> list[str]:
    """Return notices; Refused where git tracks the file. `without_key`: a helper prints none either."""
    found = tracked_notices(checkout.worktree, without_key and not chosen.pin.routes, request.anyway)
    if not without_key and (why := refusal(chosen.preset)):
        found.append(f"warning: {why}; `llmswitch doctor --probe` tries it. Without: --no-key-helper")
    return found
