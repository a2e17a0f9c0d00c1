"""`llmswitch PRESET`: put a preset's pin into a worktree's settings file, or take it out with `claude`."""

from __future__ import annotations

from llmswitch import change, ignore_rule, journal, pin, slots
from llmswitch.errors import LlmswitchError, Refused, UsageProblem
from llmswitch.identity import API_KEY, AUTH_TOKEN, BASE_URL, KEYLESS_TOKEN
from llmswitch.preset import Preset, host_of, is_loopback, url_problem
from llmswitch.secret import Secret
from llmswitch.settings import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from llmswitch.catalog import Catalog
    from llmswitch.journal import Journal
    from llmswitch.keys import Key
    from llmswitch.settings_file import SettingsFile
    from llmswitch.worktrees import Worktree

# Stands for the key in a dry run, which asks no keyring; too short to show an end when it is masked.
UNSEEN = "not read"


class Target:
    """What a switch works on: one worktree, its settings file and its journal."""

    def __init__(self, worktree: Worktree, file: SettingsFile, journal: Journal) -> None:
        self.worktree, self.file, self.journal = worktree, file, journal


class Request:
    """What the user asked for: a preset, what to override in it, and how far to go.

    `overrides` has models by slot, and `start` and `base_url`; `exported` names the variables some came from.
    `members` are written in the place of a preset's.
    """

    def __init__(self, preset: str, options: Mapping[str, Any], environ: Mapping[str, str]) -> None:
        """Read the command line's options; UsageProblem for a value that cannot be."""
        self.preset = preset
        self.dry_run, self.anyway = bool(options.get("dry_run")), bool(options.get("anyway"))
        self.discard, self.live = bool(options.get("discard_key")), bool(options.get("live"))
        self.settled: list[Secret] = []
        self.members: Mapping[str, str] | None = None
        self.passing = False
        asked = dict.fromkeys(slots.SLOTS, options["model"]) if options.get("model") else {}
        asked |= {slot: options[slot] for slot in slots.SLOTS if options.get(slot) is not None}
        if options.get("start"):
            asked["start"] = slots.start_slot(options["start"])
        if options.get("base_url"):
            asked["base_url"] = _checked_base_url(options["base_url"])
        exported = slots.from_environment(environ)
        self.exported = {slot: variable for slot, (_, variable) in exported.items() if slot not in asked}
        self.overrides: dict[str, str] = {slot: exported[slot][0] for slot in self.exported} | asked

    def but(self, **changes: object) -> Request:
        """Return the same request with some attributes changed."""
        import copy

        request = copy.copy(self)
        vars(request).update(changes)
        return request

    def chosen(self, catalog: Catalog) -> tuple[Preset, dict[str, str], dict[str, str]]:
        """Return the preset, the overrides that apply to it, and the members to write without a credential."""
        if self.members is not None:
            return Preset(self.preset, {}, ""), {}, dict(self.members)
        preset = catalog.load(self.preset)
        if self.live and preset.base_url:
            raise UsageProblem("--live goes with `llmswitch claude`: a pin reaches open sessions by itself.")
        overrides = self.overrides if preset.base_url else self._none_for(preset)
        return preset, overrides, wished(preset, overrides, catalog.windows)

    def _none_for(self, preset: Preset) -> dict[str, str]:
        """Return no overrides, for a preset that takes none; UsageProblem where the command line has one."""
        asked = [name for name in self.overrides if name not in self.exported]
        if asked:
            raise UsageProblem(f"Preset {preset.name} takes no --{asked[0].replace('_', '-')}.")
        return {}


class Switched:
    """What a switch did, or in a dry run would do: values by name before and after, None where absent."""

    def __init__(self, target: Target, preset: Preset, overrides: Mapping[str, str], follows: bool = False) -> None:
        self.root, self.path, self.preset = target.worktree.root, target.file.path, preset
        self.follows = follows  # main gives it this pin already
        self.overrides = dict(overrides)
        self.record = self.previous = change.Record()
        self.before: Mapping[str, str] = {}
        self.after: Mapping[str, str] = {}
        self.written = self.file_left = self.live = False
        self.lower_host = ""  # the host that the user's or the project's shared settings name
        self.ignored_in: str | None = None
        self.notices: list[str] = []

    @property
    def host(self) -> str:
        """The host that requests go to after the switch."""
        url = self.after.get(BASE_URL)
        return host_of(url) if url else self.preset.host


def switch(request: Request, target: Target, *, catalog: Catalog, obtain_key: Callable[[Preset], Key]) -> Switched:
    """Switch one worktree and return what changed; with `dry_run` nothing is written and no key is read.

    Raises LlmswitchError, and then the settings file is as it was.
    """
    preset, overrides, members = request.chosen(catalog)
    if not request.anyway:
        _check_host(preset, overrides.get("base_url"))
    else:
        target.file.follow_links()
    target.file.check()
    needs_key = bool(members and preset.key)
    if needs_key:
        ignore_rule.ensure(target.worktree, dry_run=True)  # before anyone is asked for a key
    key = obtain_key(preset) if needs_key and not request.dry_run else None
    done = Switched(target, preset, overrides)
    if preset.base_url:
        credential = key.secret.reveal() if key else UNSEEN if needs_key else KEYLESS_TOKEN
        members = pin.with_credential(members, preset.auth if needs_key else "bearer", credential)
    if needs_key:
        done.ignored_in = ignore_rule.ensure(target.worktree, request.dry_run)
    try:
        _apply(request, target, members, key, done)
    except LlmswitchError as error:
        if done.ignored_in and not request.dry_run:
            error.changed = f"Only {done.ignored_in} got a rule, so that git ignores it."
        raise
    return done


def wished(preset: Preset, overrides: Mapping[str, str], windows: Callable[[], Mapping[str, int]]) -> dict[str, str]:
    """Return the pin of a preset and the user's overrides, without a credential; {} for Claude Code's own."""
    if preset.base_url is None:
        return {}
    chosen = {slot: model for slot, model in overrides.items() if slot in slots.SLOTS}
    models = slots.resolve(preset.name, preset.slots, preset.default_model, chosen)
    start = slots.start_slot(overrides.get("start", preset.default_slot))
    return pin.build(preset, models, start, overrides.get("base_url", preset.base_url), windows())


def _check_host(preset: Preset, url: str | None) -> None:
    """Refuse to send a preset's key to a host that is not the preset's, unless that is this machine."""
    if url and preset.key and host_of(url) != preset.host and not is_loopback(url):
        raise Refused(
            f"The {preset.key} key belongs to {preset.host}, and --base-url would send it to {host_of(url)}.",
            hint="If that is what you want, add --anyway.",
        )


def _checked_base_url(url: str) -> str:
    """Return the base URL as it is written to the file; UsageProblem where Claude Code could not use it."""
    if problem := url_problem(url):
        raise UsageProblem(f"--base-url {problem}.")
    return url.rstrip("/")


def _apply(request: Request, target: Target, members: Mapping[str, str], key: Key | None, done: Switched) -> None:
    kept = [*request.settled, *([key.secret] if key else [])]
    held: list[Settings] = []

    def edit(settings: Settings | None) -> Settings | None:
        if not held:
            target.journal.load()  # another switch may have ended while we waited for the lock
        if not request.discard:
            _refuse_foreign(target, settings, kept)
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
    done.written = target.file.change(edit, bool(members), lambda: target.journal.save(done.record, held[0]))
    if done.written and not done.file_left and "folder" in done.record.created:
        target.file.remove_folder()


def _record(target: Target, done: Switched, key: Key | None) -> change.Record:
    made = "folder" in done.previous.created or not target.file.has_folder()
    record = change.Record({"preset": done.preset.name if done.preset.source else None, "overrides": done.overrides})
    record.created = ["folder"] if made else []
    if key:
        known = done.previous.key
        entry = known if journal.is_fingerprint(known, key.secret) else journal.fingerprint(key.secret)
        record.key = {**entry, "source": key.source}
    return record


def _refuse_foreign(target: Target, settings: Settings | None, kept: list[Secret]) -> None:
    for name, secret in foreign_credentials(target, settings).items():
        if secret not in kept:
            raise Refused(
                f"{target.file.path} holds a credential in {name} that llmswitch did not write.",
                hint="To keep it in the keyring add --adopt-key NAME; to let it go, --discard-key.",
            )


def foreign_credentials(target: Target, settings: Settings | None) -> dict[str, Secret]:
    """Return {variable: credential} of those in the file that no llmswitch of this repository wrote."""
    values = settings.values() if settings else {}
    found = {name: Secret(values[name]) for name in (AUTH_TOKEN, API_KEY) if values.get(name)}
    ours = [name for name, secret in found.items() if secret == Secret(KEYLESS_TOKEN) or target.journal.knows(secret)]
    return {name: secret for name, secret in found.items() if name not in ours}
