"""`llmswitch PRESET`: put a preset's pin into a worktree's settings file, or take it out with `claude`."""

from __future__ import annotations

from llmswitch.base.errors import KeyProblem, LlmswitchError, Refused
from llmswitch.base.urls import host_of, id_in, is_loopback
from llmswitch.claude.variables import BASE_URL, KEYLESS_TOKEN, VARIABLES
from llmswitch.keys.sources import UNSAVED
from llmswitch.presets import pin
from llmswitch.presets.advice import advice
from llmswitch.presets.pin import routes_of
from llmswitch.presets.preset import Preset
from llmswitch.settings import change, foreign, ignore_rule
from llmswitch.settings import state as journal
from llmswitch.settings.settings import Settings
from llmswitch.settings.state import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Protocol

    from llmswitch.base.secret import Secret
    from llmswitch.claude.sessions import Session
    from llmswitch.commands.request import Request
    from llmswitch.keys.sources import Key
    from llmswitch.presets.catalog import Catalog
    from llmswitch.presets.routes import Routes
    from llmswitch.settings.checkout import Target

    class KeySource(Protocol):
        """Where a preset's key comes from, and the command that prints it."""

        def obtain(self, preset: Preset) -> Key: ...  # noqa: D102
        def save_adopted(self, dry_run: bool) -> str: ...  # noqa: D102
        def helper(self, preset: Preset) -> str: ...  # noqa: D102


# Stands for the key in a dry run, which asks no keyring; too short to show an end when it is masked.
UNSEEN = "not read"


class Switched:
    """What a switch did, or in a dry run would do: values by name before and after, None where absent."""

    def __init__(self, target: Target, preset: Preset, overrides: Mapping[str, str], follows: bool = False) -> None:
        self.root, self.path, self.preset = target.worktree.root, target.file.path, preset
        self.follows = follows  # main gives it this pin already
        self.overrides = dict(overrides)
        self.record = self.previous = Record()
        self.before: Mapping[str, str] = {}
        self.after: Mapping[str, str] = {}
        self.written = self.file_left = self.live = False
        self.keeps_key = False  # open sessions could not be made to forget the old key
        self.lower_host = ""  # the host that the user's or the project's shared settings name
        self.ignored_in: str | None = None
        self.notices: list[str] = []
        self.open: list[Session] | None = None  # the sessions that were open here, None where nobody can know

    @property
    def host(self) -> str:
        """The host that requests go to after the switch."""
        url = self.after.get(BASE_URL)
        if url and id_in(url):
            return "the local gateway"
        return host_of(url) if url else self.preset.host


def switch(request: Request, target: Target, *, catalog: Catalog, key_source: KeySource) -> Switched:
    """Switch one worktree and return what changed; with `dry_run` nothing is written and no key is read.

    Raises LlmswitchError, and then the settings file is as it was.
    """
    preset, overrides, members = request.chosen(catalog)
    _check_place(request, target, preset, overrides.get("base_url"))
    routes = routes_of(preset, overrides, catalog) if request.members is None else None
    if routes:
        done = _through_gateway(request, target, routes, catalog, key_source)
    else:
        done = _direct(request, target, preset, overrides, members, key_source)
    done.notices += _advice(request, members, done, catalog)
    return done


def _direct(
    request: Request,
    target: Target,
    preset: Preset,
    overrides: Mapping[str, str],
    members: Mapping[str, str],
    key_source: KeySource,
) -> Switched:
    needs_key = bool(members and preset.key)
    private = needs_key and not request.key_helper
    # Before anyone, or anything, is asked for a key; and again after that, which may take a while.
    rule = ignore_rule.ensure(target.worktree, dry_run=True) if private else None
    key = key_source.obtain(preset) if needs_key and not request.dry_run else None
    done = Switched(target, preset, overrides)
    if request.members is None and members.get(BASE_URL):
        members = _delivered(request, preset, members, key, key_source)
    if not request.discard:  # before anything is written; once more under the lock
        foreign.refuse(target, target.file.settings(), _kept(request, key))
    if private and (rule or not (key and key.exported)):
        done.ignored_in = ignore_rule.ensure(target.worktree, request.dry_run)
    if not private and key and key.exported:
        done.notices.append(f"Claude Code can ask for the key only where {key.source} is exported.")
    try:
        _apply(request, target, members, key, done, private)
    except LlmswitchError as error:
        if done.ignored_in and not request.dry_run:
            error.changed = f"Only {done.ignored_in} got a rule, so that git ignores it."
        raise
    return done


def _through_gateway(
    request: Request, target: Target, routes: Routes, catalog: Catalog, key_source: KeySource
) -> Switched:
    from llmswitch.gateway import delivery as gateway_pin

    preset, overrides, members = request.chosen(catalog)
    done = Switched(target, preset, overrides)
    source = None if request.dry_run else key_source
    members, done.notices = gateway_pin.deliver(routes, members, target.gateway(), catalog, source)
    _apply(request, target, members, None, done, private=False)
    return done


def _advice(request: Request, members: Mapping[str, str], done: Switched, catalog: Catalog) -> list[str]:
    """Return what to know about the models of a switch that changes something."""
    if request.members is not None or not (done.written or request.dry_run):
        return []
    models = {slot: members.get(name, "") for slot, name in VARIABLES.items()}
    try:
        return advice(done.preset, models, done.overrides, catalog)
    except LlmswitchError as error:  # the switch is made: what cannot be told about it takes nothing back
        return [f"warning: {error.args[0]}"]


def _delivered(
    request: Request, preset: Preset, members: Mapping[str, str], key: Key | None, key_source: KeySource
) -> dict[str, str]:
    """Return the pin with its credential, or with the helper that prints it; KeyProblem for a key nobody can read."""
    if preset.key is None:
        return pin.with_credential(members, "bearer", KEYLESS_TOKEN)
    if not request.key_helper:
        return pin.with_credential(members, preset.auth, key.secret.reveal() if key else UNSEEN)
    if key and key.source in UNSAVED:
        raise KeyProblem(
            f"A helper cannot print a key that is saved nowhere; this one came from {key.source}.",
            hint=f"Save it: llmswitch save-key {preset.key}",
        )
    return pin.with_helper(members, key_source.helper(preset))


def _check_place(request: Request, target: Target, preset: Preset, url: str | None) -> None:
    """Refuse a host that is not the key's, and a file that must not be replaced."""
    if request.anyway:
        target.file.follow_links()
    else:
        _check_host(preset, url)
    target.file.check()


def _check_host(preset: Preset, url: str | None) -> None:
    """Refuse to send a preset's key to a host that is not the preset's, unless that is this machine."""
    if url and preset.key and host_of(url) != preset.host and not is_loopback(url):
        raise Refused(
            f"The {preset.key} key belongs to {preset.host}, and --base-url would send it to {host_of(url)}.",
            hint="If that is what you want, add --anyway.",
        )


def _kept(request: Request, key: Key | None) -> list[Secret]:
    return [*request.settled, *([key.secret] if key else [])]


def _apply(
    request: Request, target: Target, members: Mapping[str, str], key: Key | None, done: Switched, private: bool
) -> None:
    held: list[Settings] = []

    def edit(settings: Settings | None) -> Settings | None:
        if not held:
            target.journal.load()  # another switch may have ended while we waited for the lock
        if not request.discard:
            foreign.refuse(target, settings, _kept(request, key))
        held[:] = [settings or Settings("")]
        done.previous = target.journal.current
        done.record = _record(target, done, key)
        done.record.passing = request.passing
        after = change.next_settings(settings, [done.previous, target.journal.previous], members, done.record)
        done.before, done.after = held[0].values(), after.values() if after else {}
        done.file_left = after is not None
        return after

    if request.dry_run:
        edit(target.file.settings())
        return
    done.written = target.file.change(edit, private, lambda: target.journal.save(done.record, held[0]))
    if done.written and not done.file_left and "folder" in done.record.created:
        target.file.remove_folder()


def _record(target: Target, done: Switched, key: Key | None) -> Record:
    made = "folder" in done.previous.created or not target.file.has_folder()
    record = Record({"preset": done.preset.name if done.preset.source else None, "overrides": done.overrides})
    record.created = ["folder"] if made else []
    if key:
        known = done.previous.key
        entry = known if journal.is_fingerprint(known, key.secret) else journal.fingerprint(key.secret)
        record.key = {**entry, "source": key.source}
    return record
