"""`llmswitch env`: a pin as exported variables, for what reads no settings file."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from shlex import quote

from llmswitch.base.errors import KeyProblem, Refused, UsageProblem
from llmswitch.base.secret import Secret
from llmswitch.base.typed import switching
from llmswitch.base.urls import id_in
from llmswitch.claude.effective import Layer
from llmswitch.claude.variables import (
    AUTH_TOKEN,
    BASE_URL,
    CREDENTIAL_PLACES,
    CREDENTIALS,
    HELPER,
    IDENTITY,
    KEYLESS_TOKEN,
    OURS,
    TOP_MEMBERS,
    may_be_secret,
)
from llmswitch.gateway.client import LocalGateway
from llmswitch.keys.sources import UNSAVED, KeySource
from llmswitch.presets.catalog import Catalog
from llmswitch.presets.pin import pin
from llmswitch.presets.preset import Preset
from llmswitch.settings.checkout import Checkout
from llmswitch.settings.neighbours import pinned

FORMATS = ("sh", "fish", "dotenv", "json")
CALLING = ("sh", "fish")  # those in which a value can be what a command prints
# What the readers of such files (docker's --env-file takes every letter as it is, others do not) take for the same.
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:@%+,=~[]{}-")


@dataclass(frozen=True)
class Exports:
    """Variables to set, those to take away, and the one that a command prints (member, command).

    `left_out` are members that only a settings file can hold.
    """

    values: Mapping[str, str]
    unset: list[str]
    called: tuple[str, str] | None
    left_out: list[str]


class Exporter:
    """Makes exports; `helper` makes the command that prints a preset's key, `keys` finds one."""

    def __init__(
        self,
        catalog: Catalog,
        keys: KeySource,
        gateway: Callable[[], LocalGateway],
        helper: Callable[[Preset], str],
    ) -> None:
        self._catalog, self._keys, self._gateway, self._helper = catalog, keys, gateway, helper

    def exports(self, name: str | None, checkout: Checkout, with_key: bool) -> Exports:
        """Return the exports of a preset, or of the pin of this worktree.

        Raises Refused where a settings file here says something else, UsageProblem where there is no pin, KeyProblem
        for a key that nobody can read again.
        """
        here = None if name else pinned(checkout)
        preset, members = self._of_preset(name) if name else self._of_pin(here)
        _check(checkout, preset, members)
        called = None if with_key else self._called(preset, members, here)
        if with_key:
            members |= self._key(preset, members)
        values = {each: text for each, text in members.items() if text and each not in TOP_MEMBERS}
        if called:
            values.pop(called[0], None)
        for each, text in values.items() if not with_key else ():
            if text != KEYLESS_TOKEN and may_be_secret(each, text):
                raise Refused(
                    f"{each} of this pin may hold a secret, and no command prints it.", hint="Add --with-key."
                )
        whole = not (preset.is_claude and values)  # slots of one's own login leave the rest as it is
        unset = [each for each in IDENTITY if whole and each not in values and not (called and each == called[0])]
        left_out = [each for each in TOP_MEMBERS if members.get(each) not in (None, "") and each != HELPER]
        return Exports(values, unset, called, left_out)

    def _of_preset(self, name: str) -> tuple[Preset, dict[str, str]]:
        preset = self._catalog.load(name)
        wanted = pin(preset, {}, self._catalog)
        if wanted.routes:
            raise UsageProblem(
                f"{preset.name} goes through the local gateway, which knows it once a worktree is pinned to it.",
                hint=f"Pin one, and type there: llmswitch env. ({switching(preset.name)} -w PATH)",
            )
        keyless = {} if preset.key or not wanted.base_url else {AUTH_TOKEN: KEYLESS_TOKEN}
        return preset, {**wanted.members, **keyless}

    def _of_pin(self, checkout: Checkout | None) -> tuple[Preset, dict[str, str]]:
        settings = checkout.file.settings() if checkout else None
        if checkout is None or settings is None or not checkout.state.current.preset:
            raise UsageProblem("No switch of ours put a pin here.", hint="Name a preset: llmswitch env PRESET")
        record, values = checkout.state.current, settings.values()
        ours = {each: values[each] for each in (*OURS, *record.wrote) if each in values}
        return self._catalog.load(str(record.preset)), ours

    def _called(self, preset: Preset, members: Mapping[str, str], here: Checkout | None) -> tuple[str, str] | None:
        """Return the member that holds the key, and the command that prints it; None for a pin without a key."""
        if helper := members.get(HELPER):
            return AUTH_TOKEN if id_in(members.get(BASE_URL, "")) else CREDENTIALS[preset.auth], helper
        if not preset.key or not members.get(BASE_URL):
            return None
        if here and here.state.current.key.get("source") in UNSAVED:
            raise KeyProblem(
                f"The key of this pin came from {here.state.current.key['source']}; no command can print it again.",
                hint=f"Save it: llmswitch save-key {preset.key}; or add --with-key, which takes it out of the file.",
            )
        return CREDENTIALS[preset.auth], self._helper(preset)

    def _key(self, preset: Preset, members: Mapping[str, str]) -> dict[str, str]:
        """Return the member with the key itself."""
        if any(members.get(place) for place in CREDENTIALS.values()):
            return {}  # it stands in this pin
        if routes := id_in(members.get(BASE_URL, "")):
            return {AUTH_TOKEN: self._gateway().token(routes)}
        if not preset.key or not members.get(BASE_URL):
            return {}
        return {CREDENTIALS[preset.auth]: self._keys.obtain(preset).secret.reveal()}


def _check(checkout: Checkout, preset: Preset, members: Mapping[str, str]) -> None:
    """Refuse exports that a settings file here would beat: they are the weakest of all layers."""
    for layer in checkout.layers:
        if layer.origin == "shell":
            continue
        for name in OURS:
            if name in layer.values and not _fits(name, layer, checkout, preset, members):
                raise Refused(
                    f"{layer.path} sets {name}, which beats an exported variable: Claude Code would not use these.",
                    hint="Take it out there, or start Claude Code with: llmswitch run " + preset.name,
                )


def _fits(name: str, layer: Layer, checkout: Checkout, preset: Preset, members: Mapping[str, str]) -> bool:
    """Say whether what a file says of an identity member is what the exports say."""
    text, wanted = layer.values[name], members.get(name, "")
    if text == wanted:
        return True
    # The pin's own key, or its helper, for the key that the exports call for.
    owner = next((each for each in (checkout, checkout.main) if each and each.file.path == layer.path), None)
    if owner is None or owner.state.current.preset != preset.name or name not in CREDENTIAL_PLACES:
        return False
    return not text or text == owner.state.current.pin.get(HELPER) or owner.state.current.has_key(Secret(text))


def spelled(exports: Exports, form: str) -> str:
    """Return exports as one of the formats; UsageProblem where that cannot say a value."""
    if form == "json":
        return json.dumps(dict(exports.values), indent=2, ensure_ascii=False)
    if form == "dotenv":
        for name, text in exports.values.items():
            if set(text) - _PLAIN:
                raise UsageProblem(
                    f"Readers of such files do not agree on what {name} says.", hint="Use --format json."
                )
        return "\n".join(f"{name}={text}" for name, text in exports.values.items())
    say = _sh if form == "sh" else _fish
    return "\n".join(say(exports))


def _sh(exports: Exports) -> list[str]:
    called = [f'export {exports.called[0]}="$({exports.called[1]})"'] if exports.called else []
    unset = [f"unset {' '.join(exports.unset)}"] if exports.unset else []
    return [*unset, *(f"export {name}={quote(text)}" for name, text in exports.values.items()), *called]


def _fish(exports: Exports) -> list[str]:
    called = [f"set -gx {exports.called[0]} ({exports.called[1]})"] if exports.called else []
    return [
        *(f"set -e {name}" for name in exports.unset),
        *(f"set -gx {name} {_fish_quoted(text)}" for name, text in exports.values.items()),
        *called,
    ]


def _fish_quoted(text: str) -> str:
    """Return a text in single quotes, in which fish knows two escapes (https://fishshell.com/docs/current/language.html)."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
