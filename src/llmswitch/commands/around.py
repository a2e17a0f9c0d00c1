"""What a switch of one worktree means for those that share settings with it: main, or the worktrees that main rules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from shlex import quote

from llmswitch.base.errors import Refused
from llmswitch.base.passable import Passable
from llmswitch.base.shell import spelled
from llmswitch.claude.variables import CREDENTIAL_PLACES, HELPER, OURS
from llmswitch.commands.request import Request
from llmswitch.presets.pin import Pin
from llmswitch.settings.checkout import Checkout
from llmswitch.settings.neighbours import main_of_link

MOST = 3  # worktrees that are named one by one


def checked(
    checkouts: Sequence[Checkout], pin: Pin, planned: set[str], request: Request, main_rules: Callable[[], bool]
) -> Sequence[Checkout]:
    """Return the worktrees to switch: with `anyway` main in the place of one whose settings file is main's by a link.

    Refuses a pin that would not take effect, or would mix with another; taking one away is never refused.
    """
    if request.anyway:
        return list(dict.fromkeys(main_of_link(checkout) or checkout for checkout in checkouts))
    for checkout in checkouts:
        if main := main_of_link(checkout):
            raise _one_file(checkout, main, request)
    for checkout in checkouts if pin.members else ():
        main = checkout.main
        if main and main.pin and main.root not in planned and not _has(main, pin) and main_rules():
            raise _shadowed(checkout, main, request)
        strangers = [each for each in checkout.linked if each.pin and each.root not in planned and not _has(each, pin)]
        if strangers and main_rules():
            raise _overriding(checkout, strangers, request)
    return checkouts


def follows(request: Request, checkout: Checkout, pin: Pin, planned: set[str]) -> bool:
    """Say whether a linked worktree, with no pin and no key of its own, gets just this pin from main already."""
    main = checkout.main
    if request.anyway or not pin.members or main is None or main.root in planned or not _has(main, pin):
        return False
    by_helper = request.key_helper or pin.routes is not None
    same_way = bool(main.pin.get(HELPER)) == by_helper
    return same_way and not request.key_given and not _is_pinned(checkout)


def neighbours(checkout: Checkout, pin: Pin, planned: set[str]) -> list[str]:
    """Return what a switch means in the worktrees around, or they for it."""
    if pin.members:
        followers = [each.root for each in checkout.linked if not each.pin and each.root not in planned]
        if len(followers) > MOST:
            count, some = len(followers), ", ".join(followers[:MOST])
            return [f"{count} linked worktrees have no pin of their own and follow this one now: {some}, …"]
        return [f"{root} has no pin of its own and follows this one now." for root in followers]
    main = checkout.main
    if main and main.pin and main.root not in planned:
        return [f"{main.described} still decides here: sessions follow it."]
    return []


def _has(checkout: Checkout, pin: Pin) -> bool:
    """Say whether a worktree has the same backend with the same models; credentials are not compared."""
    return all(checkout.pin.get(name) == pin.members.get(name) for name in OURS if name not in CREDENTIAL_PLACES)


def _is_pinned(checkout: Checkout) -> bool:
    settings = checkout.file.settings()
    return settings is not None and any(name in OURS for name in settings.values())


def _one_file(checkout: Checkout, main: Checkout, request: Request) -> Refused:
    """Return the refusal of a switch of a worktree whose settings file is main's."""
    same = (
        f"Switch main: {_command(request)} -w {quote(main.root)}; or replace" if request.members is None else "Replace"
    )
    return Refused(
        f"{checkout.file.path} leads to {main.file.path}: these worktrees have one settings file, main's.",
        hint=f"{same} the link by a file or folder of its own. (--anyway switches main.)",
    )


def _shadowed(checkout: Checkout, main: Checkout, request: Request) -> Refused:
    """Return the refusal of a pin that would not take effect, since main's wins."""
    same = f"the same for main: {_command(request)} -w {quote(main.root)}; or " if request.members is None else ""
    return Passable(
        f"{checkout.root} would not follow: in a linked worktree Claude Code reads the main checkout's "
        f"settings too, and {main.described} wins.",
        hint=f"Either {same}free it: llmswitch claude -w {quote(main.root)}{_or_run(request)}.",
    )


def _overriding(checkout: Checkout, strangers: Sequence[Checkout], request: Request) -> Refused:
    """Return the refusal of a pin in main that would win over those of linked worktrees."""
    names = ", ".join(each.described for each in strangers)
    same = f"switch them all: {_command(request)} --all; or " if request.members is None else ""
    free = " && ".join(f"llmswitch claude -w {quote(each.root)}" for each in strangers)
    return Passable(
        f"{checkout.root} is the main checkout: its pin would also win in {names}.",
        hint=f"Either {same}take theirs away: {free}{_or_run(request)}.",
    )


def _command(request: Request) -> str:
    """Return the command line that asks for the same."""
    return spelled(request.preset, request.overrides, request.key_helper)


def _or_run(request: Request) -> str:
    return f"; or start Claude Code here with: llmswitch run {request.preset}" if request.members is None else ""
