"""`llmswitch PRESET`: put a preset's pin into a worktree's settings file, or take it out with `claude`."""

from __future__ import annotations

from llmswitch.base.errors import LlmswitchError
from llmswitch.base.secret import Secret, looks_like_key
from llmswitch.base.urls import host_of, is_loopback
from llmswitch.claude.variables import ALLOWED, CREDENTIALS, KEYLESS_TOKEN, OURS
from llmswitch.presets.advice import advice
from llmswitch.settings import change, ignore_rule, keep, ledger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from llmswitch.commands.request import Chosen, Request
    from llmswitch.gateway.client import LocalGateway
    from llmswitch.keys.sources import Key, KeySource
    from llmswitch.presets.catalog import Catalog
    from llmswitch.presets.pin import Pin
    from llmswitch.presets.preset import Preset
    from llmswitch.settings.change import Change
    from llmswitch.settings.checkout import Checkout
    from llmswitch.settings.settings import Settings
    from llmswitch.settings.state import Record

    Made = tuple[Change, bool, str | None, list[str]]
FOLDER_ONLY = "There is no git repository here: this holds for sessions that start in this very folder."
NO_RULE = " With no ignore rule, git would take the key after a `git init`."


class Tools:
    """What a switch works with: presets, keys, the gateway, the command that prints a key, and what was typed."""

    __slots__ = ("catalog", "gateway", "helper", "keys", "typed")

    def __init__(
        self, catalog: Catalog, keys: KeySource, gateway: Callable[[], LocalGateway], helper: Callable[[Preset], str],
        typed: Sequence[str] = (),
    ) -> None:  # fmt: skip
        self.catalog, self.keys, self.gateway, self.helper, self.typed = catalog, keys, gateway, helper, typed


class Done:
    """What a switch of one file did, or in a dry run would do."""

    __slots__ = ("change", "chosen", "ignored_in", "notices", "written")

    def __init__(
        self, chosen: Chosen, change: Change, written: bool, ignored_in: str | None, notices: list[str]
    ) -> None:
        self.chosen, self.change, self.written, self.notices = chosen, change, written, notices
        self.ignored_in = ignored_in  # the ignore file that got a rule


def switch(request: Request, checkout: Checkout, tools: Tools) -> Done:
    """Switch one worktree and return what changed; with `dry_run` nothing is written and no key is read.

    Raises LlmswitchError, and then the settings file is as it was.
    """
    chosen = request.chosen(tools.catalog)
    if request.anyway:
        checkout.file.follow_links()
        checkout.file.anyway = True
    checkout.file.check()
    before: list[str] = []
    if not _is_plain(request, checkout, chosen):
        from llmswitch.commands.guard import looked_around  # few pins

        chosen, before = looked_around(request, checkout, chosen)
    made, written, ignored_in, notices = _direct(request, checkout, chosen, tools)
    notices = before + checkout.file.notices + notices
    if request.members is None and (written or request.dry_run):
        notices += _advice(chosen)
    if written and not request.passing:
        name = chosen.preset.name if chosen.preset.source else None
        host = host_of(chosen.pin.base_url) or chosen.preset.host
        about = {"kind": "switch", "preset": name, "host": host, "session": None}
        notices += filter(None, [ledger.note(checkout, about, chosen.pin.members, tools.typed)])
    return Done(chosen, made, written, ignored_in, notices)


def _is_plain(request: Request, checkout: Checkout, chosen: Chosen) -> bool:
    """Say whether a pin needs no look at what is around it: its key goes into the file, and its host is its own."""
    pin, preset = chosen.pin, chosen.preset
    if request.members is not None or not pin.members:
        return True
    if preset.is_claude or not preset.key or pin.routes or request.key_helper or "base_url" in chosen.overrides:
        return False
    return not (pin.base_url and (checkout.has_rules or is_loopback(pin.base_url)))


def _direct(request: Request, checkout: Checkout, chosen: Chosen, tools: Tools) -> Made:
    """Return the change, whether it was written, the ignore file that got a rule, and notices."""
    pin, notices = chosen.pin, list[str]()
    if pin.routes:
        from llmswitch.gateway.delivery import deliver  # only for slots at several providers

        pin, notices = deliver(pin, tools.gateway(), tools.catalog, None if request.dry_run else tools.keys)
    needs_key = bool(pin.members and chosen.preset.key and not pin.routes)
    private = (needs_key or request.secret) and not request.key_helper
    checkout.file.check_private(private)
    # Before anyone, or anything, is asked for a key; and again after that, which may take a while.
    rule = ignore_rule.ensure(checkout.worktree, dry_run=True) if private else None
    key = tools.keys.obtain(chosen.preset, checkout) if needs_key and not request.dry_run else None
    if request.members is None and pin.base_url and not pin.routes:
        pin = _delivered(request, checkout, chosen, key, tools)
    if not request.discard:  # before anything is written; once more under the lock
        _refuse_foreign(request, checkout, checkout.file.settings(), key)
    ignored_in = None
    if private and (rule or not (key and key.exported)):
        ignored_in = ignore_rule.ensure(checkout.worktree, request.dry_run)
    if key and key.exported and not (private and _is_usual(key, chosen.preset.key_prefix)):
        notices += _rare_keys().exported(key, bool(private), pin.base_url, tools.catalog)
    try:
        changed, written = _apply(request, checkout, chosen, pin, key, private)
    except LlmswitchError as error:
        if ignored_in and not request.dry_run:
            error.changed = f"Only {ignored_in} got a rule, so that git ignores it."
        raise
    told = written and pin.members and not checkout.worktree.in_repository
    notices += [FOLDER_ONLY + NO_RULE * bool(private)] if told else []
    return changed, written, ignored_in, notices


def _advice(chosen: Chosen) -> list[str]:
    """Return what to know about the models of a switch that changes something."""
    try:
        return advice(chosen.preset, chosen.pin, chosen.overrides, chosen.catalog)
    except LlmswitchError as error:  # the switch is made: what cannot be told about it takes nothing back
        return [f"warning: {error.args[0]}"]


def _is_ours(settings: Settings, record: Record) -> bool:
    """Say whether all that a file says of the backend is what the last switch wrote."""
    values = settings.values()
    found = [name for name in OURS if values.get(name) and values[name] != record.pin.get(name)]
    return all(name in CREDENTIALS.values() and record.has_key(Secret(values[name])) for name in found)


def _delivered(request: Request, checkout: Checkout, chosen: Chosen, key: Key | None, tools: Tools) -> Pin:
    """Return the pin with its credential, or with the helper that prints it; KeyProblem for a key nobody can read."""
    preset = chosen.preset
    if preset.key is None:
        return chosen.pin.with_key("bearer", KEYLESS_TOKEN)
    if not request.key_helper:
        if key:
            return chosen.pin.with_key(preset.auth, key.secret.reveal())
        return chosen.pin.with_key(preset.auth, _rare_keys().unseen(preset, checkout, tools.catalog))
    if key:
        _rare_keys().check_saved(key, preset)
    return chosen.pin.with_helper(tools.helper(preset))


def _refuse_foreign(request: Request, checkout: Checkout, settings: Settings | None, key: Key | None) -> None:
    """Refuse to go on where a secret in the file would be lost."""
    if settings and not _is_ours(settings, checkout.state.current):
        _leftover().refuse(request, checkout, settings, key)


def _is_usual(key: Key, prefix: str) -> bool:
    text = key.secret.reveal()
    return (len(prefix) > len("sk-") and text.startswith(prefix)) or not looks_like_key(text)


def _rare_keys() -> Any:
    from llmswitch.commands import rare_keys  # only for a dry run, a helper, and an exported key that is odd

    return rare_keys


def _leftover() -> Any:
    from llmswitch.commands import leftover  # only for a file that is not as our last switch wrote it

    return leftover


def _apply(
    request: Request, checkout: Checkout, chosen: Chosen, pin: Pin, key: Key | None, private: bool
) -> tuple[Change, bool]:
    """Put the pin into the file and return the change, and whether the file is another now."""
    state = checkout.state
    if request.dry_run:
        return _changed(request, checkout, chosen, pin, key, checkout.file.settings()), False
    loaded = False

    def edit(settings: Settings | None) -> Change:
        nonlocal loaded
        if not loaded:
            state.load()  # another switch may have ended while we waited for the lock
            loaded = True
        return _changed(request, checkout, chosen, pin, key, settings)

    def commit(made: Change) -> None:
        keep.save(state, made.record, made.before)

    return checkout.file.change(edit, private, commit)


def _changed(
    request: Request, checkout: Checkout, chosen: Chosen, pin: Pin, key: Key | None, settings: Settings | None
) -> Change:
    """Return the change that puts the pin into these settings; Refused where it would lose a secret."""
    if not request.discard:
        _refuse_foreign(request, checkout, settings, key)
    current = checkout.state.current
    if settings and not (
        change.in_force(current, settings) and change.holds(settings, ALLOWED, current.wrote.get(ALLOWED))
    ):
        current = _leftover().noted(checkout.state, settings, chosen.catalog, request.dry_run)
    about: Mapping[str, object] = {
        "preset": chosen.preset.name if chosen.preset.source else None,
        "overrides": dict(chosen.overrides),
        "passing": request.passing,
        "key": _noted(key, current, chosen.preset.key),
    }
    records = [current, checkout.state.previous]
    done = change.switched(settings, records, {} if request.put_back else pin.members, about)
    return request.put_back(done) if request.put_back else done


def _noted(key: Key | None, current: Record, name: str | None) -> dict[str, str]:
    """Return what the record says of a key: a salted hash (the one it has, where it is the same key), and its source.

    One that came from the OS keyring is there under `name`.
    """
    if key is None:
        return {}
    same = current.has_key(key.secret) and "older" not in current.key
    kept = current.key if same else keep.fingerprint(key.secret)
    saved = {"saved": name or ""} if key.saved else {}
    return {"salt": kept["salt"], "hash": kept["hash"], "source": key.source, **saved}
