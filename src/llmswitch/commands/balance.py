"""`llmswitch balance`: what is left at a provider, asked for with the preset's own key, and only when it is typed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from llmswitch.base.errors import KeyProblem
from llmswitch.base.secret import Secret
from llmswitch.base.urls import host_of
from llmswitch.claude.variables import CREDENTIALS
from llmswitch.doctor import probe, probe_request, replies
from llmswitch.keys.sources import variable
from llmswitch.presets.balance import Amount, Balance, balance_of
from llmswitch.presets.catalog import Catalog
from llmswitch.presets.listing import load_all
from llmswitch.presets.preset import Preset


@dataclass(frozen=True)
class Left:
    """What is left for the key of a preset, or why nobody knows; `page` is where the key is managed.

    `failed` says that something went wrong, unlike for a provider that documents no request.
    """

    preset: str
    key: str | None
    amounts: Sequence[Amount] = ()
    why: str = ""
    fix: str = ""
    note: str = ""
    docs: str = ""
    page: str = ""
    failed: bool = False
    no_key: bool = False

    def data(self) -> dict[str, object]:
        """Return it as JSON data."""
        return {
            "preset": self.preset, "key": self.key, "amounts": [each.data() for each in self.amounts],
            "problem": self.why or None, "fix": self.fix or None, "note": self.note or None,
            "docs": self.docs or None, "page": self.page or None,
        }  # fmt: skip


def known(catalog: Catalog, environ: Mapping[str, str], saved: Collection[str]) -> list[Preset]:
    """Return a preset for each key that is saved or exported: one that says how to ask, else the key's namesake."""
    found: dict[str, Preset] = {}
    for preset in load_all(catalog)[0]:
        if not preset.key or not (preset.key in saved or environ.get(variable(preset.key))):
            continue
        if preset.key not in found or _rank(preset) > _rank(found[preset.key]):
            found[preset.key] = preset
    return list(found.values())


def _rank(preset: Preset) -> tuple[bool, bool]:
    return balance_of(preset) is not None, preset.name == preset.key


def named(words: Iterable[str], catalog: Catalog) -> list[Preset]:
    """Return the presets of these names, of a mixed one those in which its slots live; UsageProblem for a stranger."""
    found: dict[str, Preset] = {}
    for preset in map(catalog.load, words):
        homes = [catalog.load(place.preset) for place in preset.elsewhere.values() if place.preset]
        own = [preset] if preset.base_url or not homes else []
        found |= {each.name: each for each in [*own, *homes]}
    return list(found.values())


def balance(
    presets: Sequence[Preset], key: Callable[[Preset], Secret], progress: Callable[[int, int], None]
) -> list[Left]:
    """Return what is left for each preset; `key` finds its key, which goes to the address in its preset only."""
    asked: dict[int, tuple[Balance, probe_request.Request]] = {}
    found: list[Left] = []
    for index, preset in enumerate(presets):
        request = balance_of(preset)
        if request is None or not preset.key:
            found.append(_unasked(preset))
            continue
        try:
            header = probe_request.credentials({CREDENTIALS[request.auth]: key(preset).reveal()})
            asked[index] = request, probe_request.plain(request.url, "GET", header)
            found.append(_left(preset, request))
        except KeyProblem as error:
            why, fix = str(error.args[0]), error.hint or f"llmswitch save-key {preset.key}"
            found.append(Left(preset.name, preset.key, (), why, fix, page=preset.key_url, failed=True, no_key=True))
    replies = probe.send_all([request for _, request in asked.values()], progress) if asked else []
    for (index, (request, _)), reply in zip(asked.items(), replies, strict=True):
        found[index] = _answered(presets[index], request, reply)
    return found


def _left(preset: Preset, request: Balance, amounts: Sequence[Amount] = (), why: str = "", fix: str = "") -> Left:
    return Left(
        preset.name, preset.key, amounts, why, fix, request.note, request.docs, preset.key_url, failed=bool(why)
    )


def _unasked(preset: Preset) -> Left:
    """Return the answer for a provider that nobody can be asked about."""
    if preset.is_claude:
        why = "Claude Code shows the limits of your plan itself: /usage in a session."
    elif not preset.key:
        why = f"{preset.name} needs no key, so there is nothing to ask for."
    else:
        why = f"{preset.host} documents no request for what is left, as far as is known here."
    return Left(preset.name, preset.key, (), why, page=preset.key_url if preset.key else "")


def _answered(preset: Preset, request: Balance, reply: replies.Reply) -> Left:
    host = host_of(request.url)
    if reply.status == 200:
        if amounts := request.read(reply.text):
            return _left(preset, request, amounts)
        why = f"The answer of {host} is not as its document says ({request.docs})."
        return _left(preset, request, (), why, f"llmswitch doctor --probe; see {preset.key_url or request.docs}")
    if reply.status in (401, 403):
        page = f" (keys: {preset.key_url})" if preset.key_url else ""
        return _left(preset, request, (), f"{host} does not take the key ({reply.status}).",
                     f"llmswitch save-key {preset.key}{page}")  # fmt: skip
    how = f"answered {reply.status}" if reply.status else replies.FAILURES.get(reply.failure, "gave no answer")
    return _left(preset, request, (), f"{host}: {how}.", f"Try again: llmswitch balance {preset.name}")
