"""A switch of one or several worktrees: every check on the planned end state first, then every write."""

from __future__ import annotations

import time

from llmswitch.base.errors import LlmswitchError, Refused
from llmswitch.base.urls import id_in
from llmswitch.claude.variables import BASE_URL, HELPER, OURS, TOP_MEMBERS
from llmswitch.commands.request import Request
from llmswitch.commands.switch import Switched, switch
from llmswitch.status.recognise import PLACES

LIVE_SECONDS = 2.0

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from llmswitch.commands.switch import KeySource
    from llmswitch.presets.catalog import Catalog
    from llmswitch.settings.checkout import Target


class Place:
    """Another worktree whose local file matters: its root, what that file sets, and the preset noted there."""

    def __init__(self, root: str, values: Mapping[str, str], preset: str | None) -> None:
        self.root, self.preset = root, preset
        self.pin = {name: text for name, text in values.items() if name in OURS}

    @property
    def described(self) -> str:
        """The place with its preset, for a message."""
        return f"{self.root} ({self.preset})" if self.preset and self.preset != "claude" else self.root

    def has(self, members: Mapping[str, str]) -> bool:
        """Say whether this is the same backend with the same models; credentials are not compared."""
        return all(self.pin.get(name) == members.get(name) for name in OURS if name not in PLACES)


class Site:
    """A target with what surrounds it: `main` where a main checkout rules it, else the worktrees it rules.

    `lower_host` is the host that weaker settings files name, here or in a worktree that follows, "" for none.
    """

    def __init__(self, target: Target, main: Place | None, linked: Sequence[Place], lower_host: str = "") -> None:
        self.target, self.main, self.linked, self.lower_host = target, main, linked, lower_host

    @property
    def reached(self) -> list[str]:
        """The worktrees whose sessions a switch of the target reaches: its own, and those that follow it."""
        return [self.target.worktree.root, *(place.root for place in self.linked if not place.pin)]

    @property
    def pinned(self) -> list[str]:
        """The worktrees with a pin of their own that this one rules."""
        return [place.described for place in self.linked if place.pin]


def switch_all(
    request: Request,
    sites: Sequence[Site],
    *,
    catalog: Catalog,
    key_source: KeySource,
    main_rules: Callable[[], bool],
) -> Iterator[Switched]:
    """Switch the targets in turn and return what changed in each.

    Raises LlmswitchError before the first write where any of them cannot be switched; if a write fails later on,
    the message names those that were switched.
    """
    members = request.chosen(catalog)[2]
    planned = {site.target.worktree.root for site in sites}
    if request.live:
        _check_live(sites)
    if not request.anyway:
        _check(sites, members, planned, request, main_rules)
    if len(sites) > 1 or request.settled:
        rehearsal = request.but(dry_run=True)
        for site in sites:
            switch(rehearsal, site.target, catalog=catalog, key_source=key_source)
    saved = key_source.save_adopted(request.dry_run)
    done: list[str] = []
    for site in sites:
        try:
            if not request.anyway and _follows(request, site, members, planned) and main_rules():
                yield Switched(site.target, catalog.load(request.preset), {}, follows=True)
                continue
            yield _switch_one(request, site, members, planned, catalog, key_source)
        except LlmswitchError as error:
            before = f"Switched before it: {', '.join(done)}." if done else ""
            error.changed = " ".join(filter(None, (saved, before))) or error.changed
            raise
        done.append(site.target.worktree.root)


def _switch_one(
    request: Request,
    site: Site,
    members: Mapping[str, str],
    planned: set[str],
    catalog: Catalog,
    key_source: KeySource,
) -> Switched:
    keeps_key = _keeps_key(request, site, members)
    live = request.live or (keeps_key and not site.pinned)
    blanked = _blank(request, site.target, catalog, key_source) if live and not request.dry_run else None
    try:
        if blanked and blanked.written:
            time.sleep(LIVE_SECONDS)
    finally:  # interrupted or not: the blanks must not stay
        done = switch(request, site.target, catalog=catalog, key_source=key_source)
    done.live, done.lower_host, done.keeps_key = live, site.lower_host, keeps_key and not live
    if blanked:
        done.before = blanked.before
    if not members and site.main and site.main.pin and site.main.root not in planned:
        done.notices.append(f"{site.main.described} still decides here: sessions follow it.")
    if members:
        followers = [place.root for place in site.linked if not place.pin and place.root not in planned]
        done.notices += [f"{root} has no pin of its own and follows this one now." for root in followers]
    return done


def _keeps_key(request: Request, site: Site, members: Mapping[str, str]) -> bool:
    """Say whether open sessions would send the old credential to another host.

    They keep what is removed, and take the base URL that is left: the new one, or that of weaker settings.
    A pin of ours removes nothing, it blanks.
    """
    removed = [name for name in PLACES if name not in members]
    if not removed or not (members.get(BASE_URL) or site.lower_host):
        return False
    settings = site.target.file.settings()
    before = settings.values() if settings else {}
    return any(before.get(name) for name in removed)


def _blank(request: Request, target: Target, catalog: Catalog, key_source: KeySource) -> Switched:
    """Set every member of the pin to "", which open sessions take within 2 seconds (measured: 1.5 s)."""
    wrote = [name for name in target.journal.current.wrote if name not in TOP_MEMBERS]
    blanks = dict.fromkeys([*OURS, *wrote], "")
    return switch(request.but(members=blanks, passing=True), target, catalog=catalog, key_source=key_source)


def _is_pinned(target: Target) -> bool:
    settings = target.file.settings()
    return settings is not None and any(name in OURS for name in settings.values())


def _check_live(sites: Sequence[Site]) -> None:
    """Refuse blanks in a main checkout whose linked worktrees have pins: they would fall through to the login."""
    for site in sites:
        if site.pinned:
            raise Refused(
                f"--live would cut {', '.join(site.pinned)} off for a moment: blanks in the main checkout win there.",
                hint="Leave --live out, and restart the open sessions.",
            )


def _follows(request: Request, site: Site, members: Mapping[str, str], planned: set[str]) -> bool:
    """Say whether a linked worktree, with no pin and no key of its own, gets just this pin from main already."""
    main = site.main
    if not members or main is None or main.root in planned or not main.has(members):
        return False
    by_helper = request.key_helper or id_in(members.get(BASE_URL, "")) is not None
    same_way = bool(main.pin.get(HELPER)) == by_helper
    return same_way and not request.key_given and not _is_pinned(site.target)


def _check(
    sites: Sequence[Site],
    members: Mapping[str, str],
    planned: set[str],
    request: Request,
    main_rules: Callable[[], bool],
) -> None:
    """Refuse a pin that would not take effect, or would mix with another; taking one away is never refused."""
    if not members:
        return
    for site in sites:
        main = site.main
        if main and main.pin and main.root not in planned and not main.has(members) and main_rules():
            raise _shadowed(site, main, request)
        others = [place for place in site.linked if place.pin and place.root not in planned]
        strangers = [place for place in others if not place.has(members)]
        if strangers and main_rules():
            raise _overriding(site, strangers, request)


def _shadowed(site: Site, main: Place, request: Request) -> Refused:
    same = f"the same for main: {request.command} -w {quote(main.root)}; or " if request.members is None else ""
    return Refused(
        f"{site.target.worktree.root} would not follow: in a linked worktree Claude Code reads the main checkout's "
        f"settings too, and {main.described} wins.",
        hint=f"Either {same}free it: llmswitch claude -w {quote(main.root)}{_or_run(request)}. (--anyway goes on.)",
    )


def _overriding(site: Site, strangers: Sequence[Place], request: Request) -> Refused:
    names = ", ".join(place.described for place in strangers)
    same = f"switch them all: {request.command} --all; or " if request.members is None else ""
    return Refused(
        f"{site.target.worktree.root} is the main checkout: its pin would also win in {names}.",
        hint=f"Either {same}take theirs away: llmswitch claude -w {quote(strangers[0].root)}{_or_run(request)}. "
        "(--anyway goes on.)",
    )


def _or_run(request: Request) -> str:
    return f"; or start Claude Code here with: llmswitch run {request.preset}" if request.members is None else ""


def quote(path: str) -> str:
    """Return a path as a shell takes it."""
    import shlex

    return shlex.quote(path)
