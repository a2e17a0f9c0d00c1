"""Where copies of a saved key stand: in the settings files of the worktrees of a repository, or of this machine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from llmswitch.base.errors import LlmswitchError
from llmswitch.base.secret import Secret
from llmswitch.claude.variables import CREDENTIALS, HELPER, KEYLESS_TOKEN
from llmswitch.keys.hashes import KeyHashes, saved_name
from llmswitch.presets.catalog import Catalog
from llmswitch.settings.checkout import Checkout, Checkouts
from llmswitch.settings.neighbours import everywhere
from llmswitch.settings.pins import Noted, Pins


@dataclass(frozen=True)
class Place:
    """A worktree to look at: its path, what was noted of its pin, and why it cannot be looked at ("" where it can)."""

    path: str
    checkout: Checkout | None
    noted: Noted | None = None
    why: str = ""


@dataclass(frozen=True)
class Copy:
    """A key in a settings file: the member that holds it, and its name and state among the saved keys.

    `name` is that of the key that the last switch took out of the keyring (None: it took none), or, where no switch
    of ours is recorded, that of the saved key it is. `state` is None for a key that was never saved under that name.
    `source` is where the last switch took it from, None where that was not this key; `uses` is the name of the key
    that its preset uses.
    """

    place: Place
    member: str
    name: str | None
    state: str | None
    recorded: bool
    source: str | None
    uses: str | None


def places(checkouts: Checkouts, state_folder: str, machine: bool) -> list[Place]:
    """Return the worktrees of this repository, or those that were pinned on this machine and all that lie beside them.

    LlmswitchError where the current folder cannot be used; for the whole machine that is no matter.
    """
    try:
        found = {each.path: each for each in _of_repository(checkouts, ".")}
    except LlmswitchError:
        if not machine:
            raise
        found = {}
    for noted in Pins(state_folder).all():
        known = found.get(noted.path)
        if known is None and machine:
            found |= {each.path: each for each in _around(checkouts, noted) if each.path not in found}
        elif known:
            found[noted.path] = Place(known.path, known.checkout, noted, known.why)
    return list(found.values())


def _of_repository(checkouts: Checkouts, path: str) -> Iterator[Place]:
    here = checkouts.at(path)
    if not here.worktree.in_repository:
        yield Place(here.root, here)
        return
    for entry, checkout in everywhere(checkouts, path):
        if checkout or entry.state != "bare":
            yield Place(entry.path if checkout is None else checkout.root, checkout, None, entry.state)


def _around(checkouts: Checkouts, noted: Noted) -> Iterator[Place]:
    """Yield a worktree that was pinned, and those that git lists beside it."""
    why = "" if noted.is_there else "not there"
    try:
        beside = [] if why else list(_of_repository(checkouts, noted.path))
    except LlmswitchError as error:
        beside, why = [], str(error.args[0]).rstrip(".")
    yield from (
        Place(each.path, each.checkout, noted if each.path == noted.path else None, each.why) for each in beside
    )
    if noted.path not in [each.path for each in beside]:
        yield Place(noted.path, None, noted, why or "another repository is there now")


def copies(found: Iterable[Place], hashes: KeyHashes, catalog: Catalog) -> list[Copy]:
    """Return the credentials in these worktrees' files that a switch of ours wrote, or that were saved keys."""
    return [copy for place in found if place.checkout for copy in _in_file(place, place.checkout, hashes, catalog)]


def _in_file(place: Place, checkout: Checkout, hashes: KeyHashes, catalog: Catalog) -> Iterator[Copy]:
    try:
        settings = checkout.file.settings()
    except LlmswitchError:
        return
    values, record = settings.values() if settings else {}, checkout.state.current
    uses = _key_of(record.preset, catalog)
    name = saved_name(record.key, uses)
    for member in CREDENTIALS.values():
        text = values.get(member)
        if not text or text == KEYLESS_TOKEN:
            continue
        ours = record.has_key(Secret(text))
        if name and (state := hashes.state(name, text)):
            yield Copy(place, member, name, state, True, record.key.get("source"), uses)
        elif known := next(((each, state) for each in hashes.names() if (state := hashes.state(each, text))), None):
            yield Copy(place, member, *known, False, record.key.get("source") if ours else None, uses)
        elif ours:
            yield Copy(place, member, name, None, bool(name), record.key.get("source"), uses)


def _key_of(preset: str | None, catalog: Catalog) -> str | None:
    try:
        return catalog.load(preset).key if preset else None
    except LlmswitchError:
        return None


def helped(found: Sequence[Place], name: str, catalog: Catalog) -> list[Place]:
    """Return the worktrees whose pin asks for that key each time: it stands in no file."""
    return [
        place
        for place in found
        if place.checkout
        and place.checkout.state.current.pin.get(HELPER)
        and _key_of(place.checkout.state.current.preset, catalog) == name
    ]


@dataclass(frozen=True)
class Holder:
    """A pinned worktree, or one with a saved key in its file: preset, key, its source, when, and whether seen.

    `key` is the name of a saved key, None for a key that is saved nowhere or for none; `state` is current, older or
    deleted, None where that is not known; `why` says why it was not looked at, "" where it was.
    """

    path: str
    preset: str | None
    key: str | None
    state: str | None
    source: str | None
    switched: float | None
    why: str

    def data(self) -> dict[str, object]:
        """Return it as JSON data."""
        return {
            "worktree": self.path, "preset": self.preset, "key": self.key, "state": self.state, "source": self.source,
            "switched": self.switched, "there": not self.why,
        }  # fmt: skip


def holders(found: Sequence[Place], hashes: KeyHashes, catalog: Catalog) -> list[Holder]:
    """Return the worktrees among these that were pinned, or whose file holds a saved key."""
    return [holder for place in found for holder in _of_place(place, hashes, catalog)]


def _of_place(place: Place, hashes: KeyHashes, catalog: Catalog) -> list[Holder]:
    noted, when = place.noted, place.noted.switched if place.noted else None
    if place.checkout is None:
        return [Holder(place.path, noted.preset, noted.key, None, None, when, place.why)] if noted else []
    state = place.checkout.state
    preset, switched = state.current.preset, state.switched if when is None else when
    held = list(_in_file(place, place.checkout, hashes, catalog))
    found = [Holder(place.path, preset, each.name, each.state, each.source, switched, "") for each in held]
    if found or not noted:
        return found
    source = state.current.key.get("source") if state.current.pin.get(HELPER) else None
    return [Holder(place.path, preset, None, None, source and f"a helper, from {source}", switched, "")]
