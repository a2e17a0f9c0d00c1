"""How a pin whose slots live at several providers is handed over: its routes on disk, and no key in any file."""

from __future__ import annotations

from llmswitch.base.errors import UsageProblem
from llmswitch.base.shell import helper
from llmswitch.base.urls import host_of
from llmswitch.gateway.extra import check_installed
from llmswitch.keys.sources import UNSAVED
from llmswitch.presets import owners
from llmswitch.presets.preset import Preset

TYPE_CHECKING = False
if TYPE_CHECKING:
    from llmswitch.gateway.client import LocalGateway
    from llmswitch.keys.sources import KeySource
    from llmswitch.presets.catalog import Catalog
    from llmswitch.presets.pin import Pin
    from llmswitch.presets.routes import Route


def token_helper(name: str) -> str:
    """Return the shell command that prints the token for the routes of that id, for apiKeyHelper."""
    return helper("gateway", "token", name)


def deliver(pin: Pin, gateway: LocalGateway, catalog: Catalog, keys: KeySource | None) -> tuple[Pin, list[str]]:
    """Write the routes of a pin and return it with the gateway's helper, and what to know about the routes' keys.

    Without `keys` (a dry run) nothing is asked and nothing is written. Raises KeyProblem for a key that no source
    has, UsageProblem for one that the gateway could not read, LlmswitchError where an extra is missing.
    """
    routes = pin.routes
    assert routes
    check_installed()
    delivered = pin.with_helper(token_helper(routes.id))
    if keys is None:
        return delivered, []
    needed = {route.key: route for route in routes.by_model.values() if route.key}
    notices = [notice for route in needed.values() for notice in _checked(route, catalog, keys)]
    gateway.files.save(routes)
    return delivered, notices


def _checked(route: Route, catalog: Catalog, keys: KeySource) -> list[str]:
    """Return what to know about a route's key; raises where the gateway will not have it."""
    place = {"base_url": route.base_url, "key": route.key, "protocol": route.protocol}
    preset = catalog.load(route.preset) if route.preset else Preset(route.key or "", place, "")
    key = keys.obtain(preset)
    if key.source in UNSAVED:
        raise UsageProblem(
            f"The gateway reads keys from the keyring, and this one came from {key.source}.",
            hint=f"Save it: llmswitch save-key {route.key}",
        )
    if not key.exported:
        return []
    odd = owners.misplaced(key.source, key.secret.reveal(), host_of(route.base_url), catalog)
    return [*odd, f"The gateway has the {route.key} key only where {key.source} is exported."]
