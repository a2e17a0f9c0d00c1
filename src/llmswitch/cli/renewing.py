"""What `renew`, `save-key` and `keys delete` say and do about the copies of a key in settings files."""

from __future__ import annotations

from collections.abc import Sequence
from shlex import quote

import click

from llmswitch.base.errors import LlmswitchError
from llmswitch.claude import program
from llmswitch.cli import console, hot_switch
from llmswitch.cli.app import App
from llmswitch.commands.renew import Renewal, Renewed
from llmswitch.commands.request import Request
from llmswitch.commands.switch import Tools
from llmswitch.gateway.client import LocalGateway
from llmswitch.keys import copies
from llmswitch.keys.copies import Holder, Place, places
from llmswitch.keys.hashes import OLDER
from llmswitch.keys.sources import KeySource
from llmswitch.views import renew as view
from llmswitch.views.text import short_path


def renew(app: App, name: str | None, *, machine: bool, helper: bool, as_json: bool) -> int:
    """Renew the pins of this repository, or of this machine, print what became of each, and return the exit code."""
    done = _renewal(app).renew(name, places(app.checkouts, app.state, machine), helper)
    console.print_data(as_json, done.data(), lambda: view.renewed(done, app.home))
    console.note(*view.remarks(done, app.home), *_followed(app, done))
    return 1 if done.failed else 0


def after_saving(app: App, name: str) -> None:
    """Tell a running gateway of a key that was saved, name the pins that hold an older one, and offer to renew them."""
    console.note(*_told(app, name))
    found = _everywhere(app)
    older = [copy for copy in _renewal(app).copies(found) if copy.name == name and copy.state == OLDER]
    if not older:
        return
    console.note(f"An older {name} key stands in:", *(f"  {short_path(copy.place.path, app.home)}" for copy in older))
    if console.attended() and _confirmed("Put the new key into them?"):
        renew(app, name, machine=True, helper=False, as_json=False)
    else:
        console.note(f"Put the new one in with: llmswitch renew {name} --everywhere")


def after_deleting(app: App, standing: Sequence[Holder], may_ask: bool) -> None:
    """Offer to take away the pins in which a deleted key still stands, or say how."""
    there = [each.path for each in standing if not each.why]
    if not there:
        return
    if may_ask and console.attended() and _confirmed("Take these pins away (llmswitch claude)?", default=False):
        checkouts = [app.checkouts.at(path) for path in there]
        hot_switch.carry_out(app, Request("claude", {}, {}), checkouts, {})
    else:
        console.note(f"Take these pins away with: llmswitch claude {' '.join(f'-w {quote(path)}' for path in there)}")


def holders(app: App) -> list[Holder]:
    """Return the pins of this machine, and what else holds a saved key beside them."""
    return copies.holders(_everywhere(app), app.key_names().hashes, app.catalog)


def askers(app: App, name: str) -> list[str]:
    """Return the worktrees on this machine whose pin asks for that key each time: it stands in no file there."""
    return [place.path for place in copies.helped(_everywhere(app), name, app.catalog)]


def _everywhere(app: App) -> list[Place]:
    try:
        return places(app.checkouts, app.state, machine=True)
    except LlmswitchError:  # this folder is no place to look from; the key is saved nevertheless
        return []


def _renewal(app: App) -> Renewal:
    keys = KeySource(app.environ, app.keyring, app.key_names)
    tools = Tools(app.catalog, keys, app.gateway, app.key_helper)
    return Renewal(tools, app.keyring, app.key_names(), lambda: program.main_rules(app.environ))


def _followed(app: App, done: Renewed) -> list[str]:
    """Return what goes on with the new key by itself: open sessions, and a gateway that runs."""
    found = app.sessions(*(path for path, _ in done.renewed)) if done.renewed else []
    lines = []
    if found is None:
        lines.append("Sessions that are open there take the new key within seconds.")
    elif follow := [session for session in found if not (session.overlay or session.deaf)]:
        lines.append(
            f"{len(follow)} open {'session takes' if len(follow) == 1 else 'sessions take'} it within seconds."
        )
    return [*lines, *(line for name in done.keys for line in _told(app, name))]


def _told(app: App, name: str) -> list[str]:
    gateway = app.gateway()
    if gateway.renew(name):
        return ["The gateway that runs takes the new key from its next request on."]
    if gateway.status():
        return ["The gateway that runs is an older one and keeps the key it has. Restart it: llmswitch gateway stop"]
    return untold(gateway)


def untold(gateway: LocalGateway) -> list[str]:
    """Return what to do where a gateway runs, and could not be told of a key just now."""
    if not (found := gateway.trouble() if gateway.silent else None):
        return []
    return [f"{found[0]} It may use the old key until it forgets it. {found[1]}; then: llmswitch gateway lock"]


def _confirmed(question: str, default: bool = True) -> bool:
    return click.confirm(question, default=default, err=True)
