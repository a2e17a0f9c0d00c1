"""`llmswitch renew`: the saved key put into every pin that holds an older one, and into nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from shlex import quote

from llmswitch.base.errors import LlmswitchError, Refused
from llmswitch.base.secret import Secret, digest
from llmswitch.base.shell import spelled
from llmswitch.claude.variables import BASE_URL, CREDENTIALS
from llmswitch.commands.request import Request
from llmswitch.commands.several import switch_all
from llmswitch.commands.switch import Tools
from llmswitch.keys import copies
from llmswitch.keys.copies import Copy, Place
from llmswitch.keys.hashes import CURRENT, OLDER, KeyHashes
from llmswitch.keys.names import KeyNames, Keyring
from llmswitch.keys.sources import Key, checked, missing
from llmswitch.presets.headers import refusal, unknown
from llmswitch.presets.preset import Preset
from llmswitch.settings import ignore_rule, keep
from llmswitch.settings.change import Change, as_json
from llmswitch.settings.checkout import Checkout
from llmswitch.settings.settings import Settings
from llmswitch.settings.state import Record


@dataclass(frozen=True)
class Left:
    """A worktree whose file was left as it was: why, and the command that puts the saved key in."""

    path: str
    key: str
    why: str
    fix: str = ""

    def data(self) -> dict[str, str]:
        """Return it as JSON data."""
        return {"worktree": self.path, "key": self.key, "why": self.why, "fix": self.fix}


@dataclass(frozen=True)
class Renewed:
    """What became of the pins that hold a key: renewed, failed (they hold an older key still), left on purpose.

    `current` hold the saved key already; `asking` hold none and ask each time; `doubts` are about helpers.
    """

    keys: Sequence[str] = ()
    renewed: list[tuple[str, str]] = field(default_factory=list)  # (path, key)
    failed: list[Left] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)
    current: list[str] = field(default_factory=list)
    asking: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)

    def data(self) -> dict[str, object]:
        """Return it as JSON data."""
        return {
            "keys": list(self.keys),
            "renewed": [{"worktree": path, "key": key} for path, key in self.renewed],
            "failed": [each.data() for each in self.failed],
            "left": [each.data() for each in self.left],
            "current": list(self.current),
            "asking": list(self.asking),
            "doubts": list(self.doubts),
        }


class Renewal:
    """Renews pins; `keyring` opens the OS keyring, `main_rules` says whether main's file counts in linked worktrees."""

    def __init__(
        self, tools: Tools, keyring: Callable[[], Keyring], names: KeyNames, main_rules: Callable[[], bool]
    ) -> None:
        self._tools, self._keyring, self._names, self._main_rules = tools, keyring, names, main_rules

    def copies(self, found: Sequence[Place]) -> list[Copy]:
        """Return the keys that stand in the files of these worktrees."""
        return copies.copies(found, self._names.hashes, self._tools.catalog)

    def renew(self, name: str | None, found: Sequence[Place], helper: bool = False) -> Renewed:
        """Put the saved key into the pins that hold an older key of that name (None: of any); `helper`: a command.

        Raises KeyProblem where the keyring has no such key; a file that cannot be changed is one that failed.
        """
        held = self.copies(found)
        wanted = [name] if name else sorted({copy.name for copy in held if copy.name and copy.recorded})
        hashes = self._names.hashes
        saved = {each: self._saved(each) for each in wanted if name or not hashes.is_deleted(each)}
        done = Renewed(wanted)
        # Looked at once more: a key that another program saved is known only now.
        for copy in self.copies(found):
            if copy.name in saved:
                self._one(copy, copy.name, saved[copy.name], done, helper)
            elif copy.name in wanted:
                done.left.append(
                    Left(copy.place.path, str(copy.name), "the key was deleted", f"llmswitch save-key {copy.name}")
                )
            elif copy.name is None and name in (None, copy.uses):
                done.left.append(Left(copy.place.path, "", f"its key came from {copy.source}", _again(copy)))
        done.asking.extend(place.path for each in wanted for place in copies.helped(found, each, self._tools.catalog))
        done.left.extend(_unseen(found, wanted))
        return done

    def _saved(self, name: str) -> Key:
        opened = self._keyring()
        secret = opened.get(name)
        if secret is None:
            raise missing(name, {})
        key = Key(checked(secret.reveal(), opened.title), opened.title, saved=True)
        self._names.hashes.add(name, key.secret)
        return key

    def _one(self, copy: Copy, name: str, key: Key, done: Renewed, helper: bool) -> None:
        """Renew one copy, and note in `done` what became of it."""
        path, again = copy.place.path, _again(copy)
        if not copy.recorded:
            done.left.append(Left(path, name, "no switch recorded here took it from the keyring", again))
        elif copy.state is None:
            done.left.append(Left(path, name, "it is not known to be an older one", again))
        elif copy.state == CURRENT and not helper:
            done.current.append(path)
        else:
            try:
                preset = self._write(copy, name, key, helper)
                done.renewed.append((path, name))
                if helper and (doubt := unknown(preset)) and doubt not in done.doubts:
                    done.doubts.append(doubt)
            except LlmswitchError as error:
                done.failed.append(Left(path, name, str(error.args[0]), error.hint or again))

    def _write(self, copy: Copy, name: str, key: Key, helper: bool) -> Preset:
        """Change one file and return its preset; Refused, or another LlmswitchError, wherever a switch would stop."""
        checkout = copy.place.checkout
        assert checkout is not None  # a copy was read there
        record = checkout.state.current
        settings = checkout.file.settings()
        preset = self._tools.catalog.load(str(record.preset))
        if helper and (why := refusal(preset)):
            raise Refused(why, hint=f"{_again(copy)} --key-helper")
        if settings is None or settings.values().get(BASE_URL) != record.pin.get(BASE_URL):
            raise Refused("its base URL is not the one of the last switch, and the key would go there")
        again = Request(str(record.preset), {}, {}).but(overrides=dict(record.overrides), key_helper=helper)
        # Every check of a switch. No key is lost by it: only the older one's characters go.
        list(switch_all(again.but(dry_run=True, discard=True), [checkout], self._tools, self._main_rules))
        if helper:
            list(switch_all(again, [checkout], self._tools, self._main_rules))
        else:
            ignore_rule.ensure(checkout.worktree)
            _replace(checkout, name, key, self._names.hashes)
        return preset


def _replace(checkout: Checkout, name: str, key: Key, hashes: KeyHashes) -> None:
    """Put a key into a file in the place of an older one of that name; every other byte stays."""
    state = checkout.state
    older: list[Secret] = []

    def edit(settings: Settings | None) -> Change:
        state.load()  # another switch may have ended while we waited for the lock
        values = settings.values() if settings else {}
        held = {name_: Secret(values[name_]) for name_ in CREDENTIALS.values() if values.get(name_)}
        older[:] = [secret for secret in held.values() if hashes.state(name, secret.reveal()) == OLDER]
        members = {each: as_json(key.secret.reveal()) for each, secret in held.items() if secret in older}
        after = settings.with_members(members) if settings else None
        return Change(settings, after, Record({**state.current.data(), "key": _noted(state.current, name, key, older)}))

    def commit(change: Change) -> None:
        if older:
            keep.write(state, change.record, state.previous, state.switched)

    change, written = checkout.file.change(edit, True, commit)
    if written and older:  # there is nothing left to recognise the older one for
        done = {each: text for each, text in change.record.key.items() if each != "older"}
        record = Record({**change.record.data(), "key": done})
        keep.write(state, record, state.previous, state.switched)
        keep.note(state, record, state.switched)


def _noted(current: Record, name: str, key: Key, older: Sequence[Secret]) -> dict[str, str]:
    """Return what the record says of the key while the file may hold either: a run can be killed in between."""
    salt = current.key.get("salt") or keep.fingerprint(key.secret)["salt"]
    before = {"older": digest(older[0].reveal(), salt)} if older else {}
    return {"salt": salt, "hash": digest(key.secret.reveal(), salt), "source": key.source, "saved": name, **before}


def _again(copy: Copy) -> str:
    """Return the command that puts the saved key in by a switch."""
    record = copy.place.checkout.state.current if copy.place.checkout else Record()
    return f"{spelled(record.preset or 'PRESET', record.overrides)} -w {quote(copy.place.path)}"


def _unseen(found: Sequence[Place], names: Sequence[str]) -> Iterator[Left]:
    """Yield the worktrees that hold such a key as far as was noted, and cannot be looked at now."""
    for place in found:
        if place.noted and place.checkout is None and place.noted.key in names:
            fix = f"llmswitch renew {place.noted.key} --everywhere"
            yield Left(place.path, place.noted.key or "", place.why, fix)
