"""A pin whose slots live at several providers: it points at the local gateway and holds no key at all."""

from __future__ import annotations

from llmswitch.base.errors import UsageProblem
from llmswitch.gateway.extra import check_installed
from llmswitch.keys.sources import UNSAVED
from llmswitch.presets import pin
from llmswitch.presets.preset import Preset

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Protocol

    from llmswitch.gateway.client import LocalGateway
    from llmswitch.keys.sources import Key
    from llmswitch.presets.catalog import Catalog
    from llmswitch.presets.routes import Route, Routes

    class KeySource(Protocol):
        """Where a preset's key comes from."""

        def obtain(self, preset: Preset) -> Key: ...  # noqa: D102


def deliver(
    routes: Routes, members: Mapping[str, str], gateway: LocalGateway, catalog: Catalog, key_source: KeySource | None
) -> tuple[dict[str, str], list[str]]:
    """Write the routes and return the pin with the helper that prints the gateway's token, and notices.

    Without a `key_source` (a dry run) nothing is asked and nothing is written. Raises KeyProblem for a key that no
    source has, UsageProblem for one that the gateway could not read, LlmswitchError where an extra is missing.
    """
    check_installed(any(route.protocol == "openai" for route in routes.by_model.values()))
    notices = []
    if key_source:
        keys = {route.key: route for route in routes.by_model.values() if route.key}
        notices = [notice for route in keys.values() if (notice := _checked(route, catalog, key_source))]
        gateway.files.save(routes)
    return pin.with_helper(members, gateway.helper(routes.id)), notices


def _checked(route: Route, catalog: Catalog, key_source: KeySource) -> str:
    """Return what to know about a route's key; raises where the gateway will not have it."""
    place = {"base_url": route.base_url, "key": route.key, "protocol": route.protocol}
    preset = catalog.load(route.preset) if route.preset else Preset(route.key or "", place, "")
    key = key_source.obtain(preset)
    if key.source in UNSAVED:
        raise UsageProblem(
            f"The gateway reads keys from the keyring, and this one came from {key.source}.",
            hint=f"Save it: llmswitch save-key {route.key}",
        )
    return f"The gateway has the {route.key} key only where {key.source} is exported." if key.exported else ""
