"""What a switch or a start looks at around a pin: what would carry its key elsewhere, and the way past a proxy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llmswitch.base.errors import Refused
from llmswitch.base.fastjson import loads
from llmswitch.base.passable import Passable
from llmswitch.base.urls import host_of, is_loopback
from llmswitch.claude.effective import Value, effective
from llmswitch.claude.fence import sent
from llmswitch.claude.layers import LARGEST
from llmswitch.claude.schema import wrong_members
from llmswitch.claude.variables import (
    ALLOWED,
    AUTO_MODE,
    BASE_URL,
    CLOUD_SWITCHES,
    CREDENTIAL_PLACES,
    EXCEPTIONS,
    VARIABLES,
    counts,
)
from llmswitch.claude.ways import excepted, open_here
from llmswitch.commands import keyless, own_login
from llmswitch.commands.request import Chosen, Request
from llmswitch.presets.pin import Pin
from llmswitch.presets.preset import Preset
from llmswitch.settings.checkout import Checkout
from llmswitch.settings.state import Record


def looked_around(request: Request, checkout: Checkout, chosen: Chosen) -> tuple[Chosen, list[str]]:
    """Return what is chosen as it can be written here, and notices; Refused where that is not safe."""
    pin, anyway, notices = chosen.pin, request.anyway, list[str]()
    if "base_url" in chosen.overrides and not anyway:
        check_host(chosen.preset, chosen.overrides["base_url"])
    if chosen.preset.is_claude:
        notices = own_login.check(checkout, pin, anyway, chosen.catalog)
    without_key = not chosen.preset.key or pin.routes is not None
    if without_key or request.key_helper:
        notices += keyless.notices(request, checkout, chosen, without_key)
    if pin.members and (checkout.has_rules or is_loopback(pin.base_url)):
        chosen, more = _guarded(chosen, checkout, anyway)
        notices += more
    return chosen, notices


def check_host(preset: Preset, url: str) -> None:
    """Refuse to send a preset's key to a host that is not the preset's, unless that is this machine."""
    if preset.key and host_of(url) != preset.host and not is_loopback(url):
        raise Refused(
            f"The {preset.key} key belongs to {preset.host}, and --base-url would send it to {host_of(url)}.",
            hint="If that is what you want, add --anyway.",
        )


def _guarded(chosen: Chosen, checkout: Checkout, anyway: bool) -> tuple[Chosen, list[str]]:
    """Return what is chosen with a way past every proxy, where it is on loopback, and what is ignored with `anyway`.

    Raises Refused where a repository's settings would carry the key elsewhere, an administrator's list of models
    would replace a slot's, or Claude Code would ignore the whole file.
    """
    pin = past_proxies(chosen.pin, checkout)
    dropped, doubt = _dropped(pin, checkout)
    reasons = [*dropped, *(dangers(pin, checkout) if pin.base_url else ())]
    if reasons and not anyway:
        message, hint = reasons[0]
        raise Passable(message, hint=hint)
    shell = open_here(pin.base_url, {}, checkout.layers[-1])  # a file cannot help there, and a pin in it does no harm
    doubt += [*(f"{way.message} {way.fix}" for way in shell), *_overruled(pin, checkout)]
    notices = [f"warning: {message}" for message in [*(message for message, _ in reasons), *doubt]]
    return Chosen(chosen.preset, chosen.overrides, pin, chosen.catalog), notices


def _dropped(pin: Pin, checkout: Checkout) -> tuple[list[tuple[str, str]], list[str]]:
    """Return why Claude Code would ignore the file with the pin in it, with what to do; and why it may."""
    settings, file = checkout.file.settings(), checkout.file
    root = loads(settings.text.removeprefix("\ufeff")) if settings and settings.root else {}
    left = {name: value for name, value in root.items() if name == AUTO_MODE or name not in pin.members}
    if settings and len(settings.text.encode()) > LARGEST:
        message = f"Claude Code ignores {file.path}, which is larger than 2 MiB: a pin in it too."
        return [(message, "Make it smaller.")], []
    search = checkout.layers[-1].values.get("PATH", "")
    wrong, doubt = wrong_members({name: value for name, value in left.items() if name != "env"}, search)
    reasons = [
        (f"{name} in {file.path} has a value for which Claude Code ignores the whole file, a pin in it too.",
         f"Mend {name} in an editor.") for name in wrong[:1]
    ]  # fmt: skip
    return reasons, [f"{file.path}: {doubt}"] if doubt else []


def dangers(pin: Pin, checkout: Checkout) -> list[tuple[str, str]]:
    """Return why no key may be put here, each with what to do."""
    values, shell = effective(checkout.layers), checkout.layers[-1]
    found = [(way.message, way.fix) for way in open_here(pin.base_url, values, shell) if way.refused]
    found += [(message, "Ask who administers this machine.") for message in _by_an_administrator(pin, values)]
    listed = values.get(ALLOWED)
    if listed and listed.origin == "managed" and (changed := sent(pin.models, loads(listed.text))):
        message = f"{listed.layer.path} allows other models only: {', '.join(changed)} would be sent as another."
        found.append((message, "Ask who administers this machine."))
    return found


def _by_an_administrator(pin: Pin, values: Mapping[str, Value]) -> list[str]:
    """Return what an administrator's settings, which beat every pin, would send elsewhere, or along with it."""
    managed = {name: value for name, value in values.items() if value.origin == "managed"}
    url, host = managed.get(BASE_URL), host_of(pin.base_url)
    clouds = [name for name in CLOUD_SWITCHES if name in managed and counts(name, managed[name].text)]
    if clouds:
        return [f"{managed[clouds[0]].layer.path} sets {clouds[0]}: all goes to that cloud, and not to {host}."]
    if url and host_of(url.text) != host:
        where = host_of(url.text) or "Anthropic"
        return [f"{url.layer.path} sets {BASE_URL}, which beats a pin's: all that is for {host} would go to {where}."]
    # With a base URL of the same host they are meant for it.
    keys = [name for name in CREDENTIAL_PLACES if name in managed and managed[name].text and not url]
    return [f"{managed[name].layer.path} sets {name}, which would be sent to {host}." for name in keys]


def _overruled(pin: Pin, checkout: Checkout) -> list[str]:
    """Return a word on slots of an administrator's that the pin's list of models does not let through."""
    managed = [layer for layer in checkout.layers if layer.origin == "managed"]
    set_there = {slot: layer.values[name] for layer in managed for slot, name in VARIABLES.items()
                 if name in layer.values}  # fmt: skip
    lists = [layer.values[ALLOWED] for layer in checkout.layers if ALLOWED in layer.values]
    if not set_there or ALLOWED not in pin.members or any(ALLOWED in layer.values for layer in managed):
        return []  # a list of the administrator's is in `dangers`
    entries = [*pin.members[ALLOWED], *(entry for text in lists for entry in loads(text))]
    changed = sent({**pin.models, **set_there}, entries)
    told = [f"{slot} is sent as {changed[slot] or 'the model it inherits'}" for slot in set_there if slot in changed]
    where = managed[0].path
    return [f"{where} sets models that this pin's list does not have: {', '.join(told)}."] if told else []


def past_proxies(pin: Pin, checkout: Checkout) -> Pin:
    """Return the pin; on loopback with what leads past every proxy, after the exceptions there are without it."""
    if not is_loopback(pin.base_url):
        return pin
    settings, record = checkout.file.settings(), checkout.state.current
    own = settings.values() if settings else {}
    weaker = effective([*checkout.checkouts.reader.weaker(checkout.root), checkout.layers[-1]])
    others = {name: weaker[name].text for name in EXCEPTIONS if name in weaker}
    before = {name: _before(name, own, record) or others.get(name, "") for name in EXCEPTIONS}
    members: dict[str, Any] = excepted(before)
    return pin.with_members(members)


def _before(name: str, own: Mapping[str, str], record: Record) -> str:
    """Return what the user's own file said before our pin."""
    if name in record.displaced:
        return str(loads(record.displaced[name]))
    return "" if name in record.wrote else own.get(name, "")
