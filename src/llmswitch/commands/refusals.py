"""Why a switch of one worktree is refused for the sake of another, with the ways on."""

from __future__ import annotations

from collections.abc import Sequence
from shlex import quote

from llmswitch.base.errors import Refused
from llmswitch.commands.request import Request
from llmswitch.settings.checkout import Checkout


def shadowed(checkout: Checkout, main: Checkout, request: Request) -> Refused:
    """Return the refusal of a pin that would not take effect, since main's wins."""
    same = f"the same for main: {request.command} -w {quote(main.root)}; or " if request.members is None else ""
    return Refused(
        f"{checkout.root} would not follow: in a linked worktree Claude Code reads the main checkout's "
        f"settings too, and {main.described} wins.",
        hint=f"Either {same}free it: llmswitch claude -w {quote(main.root)}{_or_run(request)}. (--anyway goes on.)",
    )


def overriding(checkout: Checkout, strangers: Sequence[Checkout], request: Request) -> Refused:
    """Return the refusal of a pin in main that would win over those of linked worktrees."""
    names = ", ".join(each.described for each in strangers)
    same = f"switch them all: {request.command} --all; or " if request.members is None else ""
    return Refused(
        f"{checkout.root} is the main checkout: its pin would also win in {names}.",
        hint=f"Either {same}take theirs away: llmswitch claude -w {quote(strangers[0].root)}{_or_run(request)}. "
        "(--anyway goes on.)",
    )


def _or_run(request: Request) -> str:
    return f"; or start Claude Code here with: llmswitch run {request.preset}" if request.members is None else ""
