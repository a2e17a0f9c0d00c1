"""Open sessions taken back: every member blank for a moment, which they take, and then gone."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from llmswitch.base.errors import Refused
from llmswitch.claude.variables import EXCEPTIONS, OURS, TOP_MEMBERS
from llmswitch.commands.request import Request
from llmswitch.commands.switch import Done, Tools, switch
from llmswitch.presets.pin import Pin
from llmswitch.settings.checkout import Checkout
from llmswitch.settings.neighbours import lower_host

LIVE_SECONDS = 2.0


def switched(
    request: Request, checkout: Checkout, pin: Pin, removed: Sequence[str], tools: Tools
) -> tuple[Done, Mapping[str, str] | None, bool, bool]:
    """Switch to a pin without the credentials that are `removed`; return what the switch did and what sessions do.

    That is: the members before it where they were blank for a moment, whether open sessions were taken back, and
    whether they could not be made to forget the old key.
    """
    kept = _keeps_key(checkout, pin, removed)
    if not (request.live or (kept and not checkout.ruled)):
        return switch(request, checkout, tools), None, False, kept
    if request.dry_run:
        return switch(request, checkout, tools), None, True, False
    before, done = _blanked_first(request, checkout, tools)
    return done, before, True, False


def _keeps_key(checkout: Checkout, pin: Pin, removed: Sequence[str]) -> bool:
    """Say whether open sessions would send the old credential, one of those `removed`, to another host.

    They keep what is removed, and take the base URL that is left: the new one, or that of weaker settings.
    """
    if not (pin.base_url or lower_host(checkout)):
        return False
    settings = checkout.file.settings()
    before = settings.values() if settings else {}
    return any(before.get(name) for name in removed)


def check(request: Request, checkouts: Sequence[Checkout]) -> None:
    """Refuse blanks in a main checkout whose linked worktrees have pins: they would fall through to the login."""
    for checkout in checkouts if request.live else ():
        if cut := ", ".join(checkout.ruled):
            raise Refused(
                f"--live would cut {cut} off for a moment: blanks in the main checkout win there.",
                hint="Leave --live out, and restart the open sessions.",
            )


def _blanked_first(request: Request, checkout: Checkout, tools: Tools) -> tuple[Mapping[str, str], Done]:
    """Switch after a moment of blanks; return the members before it all, and what the switch did."""
    blanked = _blank(request, checkout, tools)
    try:
        if blanked.written:
            time.sleep(LIVE_SECONDS)
    finally:  # interrupted or not: the blanks must not stay
        done = switch(request, checkout, tools)
    return blanked.change.before.values() if blanked.change.before else {}, done


def _blank(request: Request, checkout: Checkout, tools: Tools) -> Done:
    """Set every member of the pin to "", which open sessions take within 2 seconds (measured: 1.5 s)."""
    # A blank exception would put a proxy before this machine's own hosts; the old one harms nobody.
    wrote = [name for name in checkout.state.current.wrote if name not in (*TOP_MEMBERS, *EXCEPTIONS)]
    blanks = dict.fromkeys([*OURS, *wrote], "")
    return switch(request.but(members=blanks, passing=True, put_back=None, secret=False), checkout, tools)
