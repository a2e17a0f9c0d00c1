"""`llmswitch gateway`: run, start, stop and look at the local gateway."""

from __future__ import annotations

import re

from llmswitch.errors import LlmswitchError, UsageProblem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from llmswitch.gateway.vault import Find
    from llmswitch.local_gateway import LocalGateway

EXTRA = 'Install it: pip install "llmswitch[gateway]"'


def run(port: int, gateway: LocalGateway, find_key: Find, tell: Callable[[str], None]) -> None:
    """Serve until SIGTERM; LlmswitchError where the extra is missing or the port is taken."""
    check_installed()
    from llmswitch.gateway import process

    process.run(port, gateway.socket, gateway.files, find_key, tell)


def check_installed() -> None:
    """Raise LlmswitchError, with what to install, where the gateway's libraries are not there."""
    from importlib.util import find_spec

    if find_spec("aiohttp") is None:
        raise LlmswitchError("The gateway needs aiohttp, which is not installed.", hint=EXTRA)


def start(client: LocalGateway) -> str:
    """Start the gateway and return one line that says so."""
    check_installed()
    started = client.start()
    status = client.status() or {}
    return f"The gateway {'listens' if started else 'runs already'} on http://127.0.0.1:{status.get('port')}."


def stop(client: LocalGateway) -> str:
    """Stop the gateway and return one line that says so."""
    return "The gateway has stopped." if client.stop() else "Nothing to do: the gateway does not run."


def token(routes: str, client: LocalGateway) -> str:
    """Return the token for the routes of that id, from a gateway that is started where none runs."""
    if not re.fullmatch("[0-9a-f]{32}", routes):
        raise UsageProblem("That is not the id of routes.", hint="It stands in the base URL of the settings file.")
    check_installed()
    client.start()
    return client.token(routes)
