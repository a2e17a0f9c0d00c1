"""What `status` says of a pin that points at the local gateway: where each slot goes from there."""

from __future__ import annotations

from llmswitch import __version__
from llmswitch.base.problem import Problem
from llmswitch.base.urls import Url
from llmswitch.claude.variables import BASE_URL, VARIABLES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmswitch.gateway.client import LocalGateway
    from llmswitch.presets.routes import Route


class Through:
    """The gateway a pin points at: whether it runs, each slot's upstream as JSON data, and what is wrong."""

    def __init__(self, up: bool, slots: Mapping[str, Mapping[str, object]], problems: list[Problem]) -> None:
        self.up, self.slots, self.problems = up, slots, problems


def through(name: str, models: Mapping[str, str], gateway: LocalGateway) -> Through:
    """Return what stands behind the routes of that id; no keyring is asked.

    `models` are the effective base URL and slots, by the name of their variable.
    """
    status, trouble = gateway.look()
    asked = Url(models.get(BASE_URL, "")).port[1:] or str(gateway.port())
    port = str((status or {}).get("port", gateway.port()))
    up = status is not None and asked == port
    problems = [] if up else [_down(trouble)]
    if asked != port:
        problems = [_elsewhere(asked, port)]
    if status and status.get("version") != __version__:
        problems.append(_older(str(status.get("version"))))
    routes = gateway.files.load(name)
    if routes is None:
        gone = Problem("routes-gone", "warning", "The gateway knows no routes for this pin.", "llmswitch PRESET")
        return Through(up, {}, [*problems, gone])
    found = {slot: routes.find(models.get(variable, "")) for slot, variable in VARIABLES.items()}
    slots = {slot: _data(route, gateway) for slot, route in found.items() if route}
    missing = {str(data["key"]): None for data in slots.values() if data["key_known"] is False}
    problems += [_no_key(name) for name in missing]
    pins = (status or {}).get("pins")
    problems += [_refused(each) for each in (pins if isinstance(pins, dict) else {}).get(name, {}).get("refused", ())]
    return Through(up, slots, problems)


def _data(route: Route, gateway: LocalGateway) -> dict[str, object]:
    known = gateway.key_known(route.key) if route.key else None
    provider = route.preset or route.key or route.host
    return {"provider": provider, "host": route.host, "protocol": route.protocol, "key": route.key, "key_known": known}


def _down(trouble: tuple[str, str] | None) -> Problem:
    if trouble:
        return Problem("gateway-trouble", "error", trouble[0], trouble[1])
    message = "The gateway does not run; a new session starts it."
    return Problem("gateway-down", "note", message, "llmswitch gateway start")


def _elsewhere(asked: str, port: str) -> Problem:
    message = f"This pin asks port {asked}, and the gateway's is {port}; switch again."
    return Problem("gateway-elsewhere", "error", message, "llmswitch PRESET")


def _older(version: str) -> Problem:
    message = f"The gateway that runs is version {version}; the next session replaces it when it has nothing to do."
    return Problem("gateway-version", "note", message, "llmswitch gateway stop")


def _refused(refused: Mapping[str, object]) -> Problem:
    whose = f"the {refused['key']} key" if refused["key"] else "a request without a key"
    message = f"{refused['host']} answered {refused['status']} to {whose}; no such request of this pin succeeded since."
    return Problem("gateway-refused", "warning", message, "llmswitch gateway status")


def _no_key(name: str) -> Problem:
    message = f"No {name} key was saved with llmswitch, and none is exported."
    return Problem("key-unknown", "warning", message, f"llmswitch save-key {name}")
