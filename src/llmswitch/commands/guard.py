"""What a switch or a start looks at around a pin: what would carry its key elsewhere, and the way past a proxy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from llmswitch.base.errors import Refused
from llmswitch.base.fastjson import loads
from llmswitch.base.urls import is_loopback
from llmswitch.claude.effective import effective
from llmswitch.claude.fence import sent
from llmswitch.claude.variables import ALLOWED
from llmswitch.claude.ways import EXCEPTIONS, excepted, open_here
from llmswitch.commands.request import Chosen
from llmswitch.presets.pin import Pin
from llmswitch.settings.checkout import Checkout
from llmswitch.settings.state import Record


def guarded(chosen: Chosen, checkout: Checkout, anyway: bool) -> tuple[Chosen, list[str]]:
    """Return what is chosen with a way past every proxy, where it is on loopback, and what is ignored with `anyway`.

    Raises Refused where a repository's settings would carry the key elsewhere, or an administrator's list of models
    would replace a slot's.
    """
    pin = past_proxies(chosen.pin, checkout)
    reasons = dangers(pin, checkout)
    if reasons and not anyway:
        message, hint = reasons[0]
        raise Refused(message, hint=f"{hint} (--anyway goes on.)")
    notices = [f"warning: {message}" for message, _ in reasons]
    return Chosen(chosen.preset, chosen.overrides, pin, chosen.catalog), notices


def dangers(pin: Pin, checkout: Checkout) -> list[tuple[str, str]]:
    """Return why no key may be put here, each with what to do."""
    values, shell = effective(checkout.layers), checkout.layers[-1]
    found = [(way.message, way.fix) for way in open_here(pin.base_url, values, shell) if way.refused]
    listed = values.get(ALLOWED)
    if listed and listed.origin == "managed" and (changed := sent(pin.models, loads(listed.text))):
        message = f"{listed.layer.path} allows other models only: {', '.join(changed)} would be sent as another."
        found.append((message, "Ask who administers this machine."))
    return found


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
