"""`llmswitch gateway`: run, start, stop and look at the local gateway, and hand its routes to another engine."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import Any

from llmswitch.base.errors import KeyProblem, LlmswitchError, UsageProblem
from llmswitch.base.secret import Secret
from llmswitch.base.urls import is_id
from llmswitch.commands.keys import print_key
from llmswitch.gateway import litellm, supervise
from llmswitch.gateway.client import LocalGateway, place_id
from llmswitch.gateway.extra import check_installed
from llmswitch.keys.names import Keyring
from llmswitch.keys.refused import SAID
from llmswitch.keys.sources import variable
from llmswitch.presets import mixed
from llmswitch.presets.catalog import Catalog
from llmswitch.presets.listing import price_of
from llmswitch.presets.prices import Price
from llmswitch.presets.routes import Route
from llmswitch.worktrees.layout import find

# What serves, and what the first search for a key imports: an update of the package would take it from what runs.
_SERVING = ("gateway.process", "base.plain_json", "commands.key_name", "keys.names", "presets.check",
            "presets.extends", "presets.json5_text")  # fmt: skip

TYPE_CHECKING = False
if TYPE_CHECKING:
    from llmswitch.gateway.process import FindWith  # the server's, which needs the extra


def write_new(folder: str, files: Mapping[str, str]) -> None:
    """Write new files into a folder, made where it is missing; LlmswitchError where one of them is there already."""
    taken = [name for name in files if os.path.lexists(os.path.join(folder, name))]
    if taken:
        raise LlmswitchError(f"{folder} has a {taken[0]} already.", hint="Name another folder with --output.")
    try:
        os.makedirs(folder, exist_ok=True)
        for name, text in files.items():
            path = os.path.join(folder, name)
            with open(path, "x", encoding="utf-8") as file:
                file.write(text)
            if text.startswith("#!"):
                os.chmod(path, 0o700)
    except OSError as error:
        raise LlmswitchError(f"{folder}: cannot write into it: {error.strerror}.") from None


def run(port: int, environ: Mapping[str, str]) -> int:
    """Serve until SIGTERM and return the exit code; LlmswitchError where the extra is missing or the port is taken."""
    check_installed()
    return supervise.run(port, environ)


def serve(gateway: LocalGateway, find_key: FindWith, tell: Callable[[str], None], forget_seconds: float) -> None:
    """Serve the port that `run` holds, as its child."""
    check_installed()
    process, *_ = [import_module(f"llmswitch.{name}") for name in _SERVING]  # its libraries are an extra

    process.run(gateway.socket, gateway.files, find_key, tell, forget_seconds)


def start(client: LocalGateway) -> str:
    """Start the gateway and return one line that says so."""
    check_installed()
    started = client.start()
    status = client.status() or {}
    return f"The gateway {'listens' if started else 'runs already'} on http://127.0.0.1:{status.get('port')}."


def stop(client: LocalGateway) -> str:
    """Stop the gateway and return one line that says so."""
    if client.stop():
        return "The gateway has stopped."
    _check_silent(client)
    return "Nothing to do: the gateway does not run."


def lock(client: LocalGateway) -> str:
    """Let the gateway forget every key and return one line that says so."""
    dropped = client.lock()
    if dropped is None:
        _check_silent(client)
        return "Nothing to do: the gateway does not run, and has no key."
    return f"The gateway has forgotten {dropped} key{'' if dropped == 1 else 's'}; it asks for one when it is needed."


def _check_silent(client: LocalGateway) -> None:
    """Raise LlmswitchError where one runs and says nothing: it has what it had."""
    if client.silent and (found := client.trouble()):
        raise LlmswitchError(found[0], hint=found[1])


def token(routes: str, client: LocalGateway, folder: str = "") -> str:
    """Return the token for the routes of that id, from a gateway that is started where none runs.

    It says for which worktree it is, where `folder` is in one.
    """
    if not is_id(routes):
        raise UsageProblem("That is not the id of routes.", hint="It stands in the base URL of the settings file.")
    check_installed()
    client.start()
    try:
        root = find(folder).root if folder else ""
    except LlmswitchError:
        root = ""  # nothing but the count depends on it
    return client.token(routes, root)


def find_key(route: Route, catalog: Catalog, environ: Mapping[str, str], keyring: Callable[[], Keyring]) -> Secret:
    """Return the key of a route, asking nobody; KeyProblem, which names it, where no source has it.

    Raises LlmswitchError where its preset names another key or endpoint by now: a key goes to its own host only.
    """
    preset = catalog.load(route.preset) if route.preset else None
    if preset and (preset.key, preset.base_url) != (route.key, route.base_url):
        raise LlmswitchError(f"Preset {preset.name} was changed after the switch.", hint="Switch again.")
    try:
        return print_key(None if preset else route.key, route.preset, catalog, environ, keyring)
    except KeyProblem as problem:
        raise KeyProblem(
            f"The {route.key} key of slot {route.slot} cannot be had: {problem.args[0]}",
            hint=f"Save it: llmswitch save-key {route.key}",
        ) from None


def status(
    client: LocalGateway, ways_on: Callable[[int, str | None], str], roots: Iterable[str] = ()
) -> dict[str, object]:
    """Return what is known of the gateway as JSON data; `up` says whether it runs, `keys` which are in memory.

    `ways_on` says what to type after a status (401, 402, 429) of the provider of a preset (None: of none); `roots`
    are the worktrees whose names are known.
    """
    running, found = client.look()
    if running:
        for refused in _refusals(running):
            refused["fix"] = ways_on(int(refused["status"]), refused["preset"])
        names = {place_id(root): root for root in roots}
        for one in _pins(running).values():
            one["worktrees"] = {names.get(place, place): row for place, row in one.get("worktrees", {}).items()}
        return {"up": True, **running}
    trouble, fix = found or (None, None)
    return {"up": False, "routes": client.files.names(), "trouble": trouble, "fix": fix}


def status_lines(data: Mapping[str, object], short: Callable[[str], str]) -> list[str]:
    """Return the same as text, with paths as `short` has them."""
    if data.get("trouble"):
        return [f"{data['trouble']}", f"  {data['fix']}"]
    if not data["up"]:
        return ["The gateway does not run; a new session starts it, or: llmswitch gateway start"]
    keys = data["keys"] if isinstance(data["keys"], list) else []
    return [
        f"The gateway listens on http://127.0.0.1:{data['port']} (process {data['pid']}, version {data['version']}).",
        f"Keys in its memory: {', '.join(keys) or 'none yet'}.",
        *_pin_lines(data, short),
        *_refusal_lines(data),
    ]


def _pins(data: Mapping[str, object]) -> dict[str, dict[str, Any]]:
    pins = data.get("pins")
    return pins if isinstance(pins, dict) else {}


def _refusals(data: Mapping[str, object]) -> list[dict[str, Any]]:
    """Return the refusals after which a host answered nothing to a pin."""
    return [each for one in _pins(data).values() for each in one.get("refused", [])]


def _refusal_lines(data: Mapping[str, object]) -> list[str]:
    lines = []
    for each in _refusals(data):
        when = time.strftime("%H:%M", time.localtime(each["time"]))
        whose = f" the {each['key']} key" if each["key"] else ""
        lines += [f"{each['host']} {SAID[each['status']]} ({each['status']} at {when};{whose or ' no key was sent'}).",
                  f"  {each['fix']}"]  # fmt: skip
    return lines


def _pin_lines(data: Mapping[str, object], short: Callable[[str], str]) -> list[str]:
    """Return what each worktree asked for since the start; behind its pin's path what came from an unknown place."""
    rows = [(short(place) if "/" in place else f"/w/{name}", row)
            for name, one in _pins(data).items() for place, row in one["worktrees"].items()]  # fmt: skip
    return [
        f"{who}: {_many(row['requests'], 'request')}, {_many(row['errors'], 'error')}; "
        f"last answered: {row['model'] or 'nobody yet'}."
        for who, row in rows
    ]


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def export_litellm(name: str, catalog: Catalog, url: str, team: bool) -> tuple[dict[str, str], list[str], list[str]]:
    """Return {file name: content} of a LiteLLM proxy's configuration for a preset, its variables, and notes."""
    preset = catalog.load(name)
    if preset.is_claude or preset.cloud:
        raise UsageProblem(f"Preset {name} has no endpoint that a proxy could stand in front of.")
    ids, routes = mixed.every_route(preset, preset.models({}, own_names=False), catalog)

    def price(route: Route) -> Price | None:
        return price_of(preset, route.slot, route.model, catalog)

    made = litellm.files(routes, variable, team, price)
    made["team.json5"] = litellm.preset(ids, preset.default_slot, url)
    notes = [f"{route.model} has no known price: its budget counts nothing; give it one in model_info of config.yaml."
             for route in routes.by_model.values() if price(route) is None]  # fmt: skip
    return made, litellm.variables(routes, variable, team), notes
