"""Which models and which base URL Claude Code is given for a preset, and what it cannot reach by itself."""

from __future__ import annotations

from llmswitch import slots
from llmswitch.errors import UsageProblem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmswitch.catalog import Catalog
    from llmswitch.preset import Preset
    from llmswitch.routes import Routes


class Plan:
    """The slots' model ids, the base URL ("" for a cloud), and the routes where the gateway stands between."""

    def __init__(self, models: Mapping[str, str], url: str, routes: Routes | None) -> None:
        self.models, self.url, self.routes = models, url, routes

    def windows(self, known: Mapping[str, int]) -> dict[str, int]:
        """Return the known context windows, in tokens, with those of ids that only the gateway understands."""
        routed = self.routes.by_model.items() if self.routes else ()
        return {**known, **{name: known[route.model] for name, route in routed if route.model in known}}


def planned(preset: Preset, overrides: Mapping[str, str], catalog: Catalog) -> Plan:
    """Return what a pin of this preset with the user's overrides needs.

    Raises UsageProblem where a slot has no model or no place to live.
    """
    given = overrides.get("base_url")
    asked = {slot: model for slot, model in overrides.items() if slot in slots.SLOTS}
    if not (preset.is_mixed or preset.protocol != "anthropic" or any(":" in model for model in asked.values())):
        return Plan(_models(preset, asked, given), _direct(preset, given) or preset.base_url or "", None)
    from llmswitch import mixed

    chosen, named = mixed.split(asked, catalog)
    models = _models(preset, chosen, given)
    if given or preset.cloud:
        if named:
            raise UsageProblem("PRESET:MODEL sends a slot elsewhere; it does not go with --base-url or a cloud.")
        return Plan(models, _direct(preset, given), None)
    models, routes = mixed.routes(preset, models, asked, catalog)
    if routes is None:
        return Plan(models, preset.base_url or "", None)
    unnamed = [slot for slot, model in models.items() if not model and slot != "subagent"]
    if unnamed:
        raise UsageProblem(
            f"With slots at several providers, {unnamed[0]} needs a model.", hint=f"Name it: --{unnamed[0]} MODEL."
        )
    return Plan(models, f"http://127.0.0.1:{catalog.gateway_port()}/w/{routes.id}", routes)


def routes_of(preset: Preset, overrides: Mapping[str, str], catalog: Catalog) -> Routes | None:
    """Return the routes that a pin of this preset needs, None where no gateway stands between."""
    return None if preset.is_claude else planned(preset, overrides, catalog).routes


def _models(preset: Preset, chosen: Mapping[str, str], given: str | None) -> dict[str, str]:
    own_names = preset.speaks_claude and not given
    return slots.resolve(preset.name, preset.slots, preset.default_model, chosen, preset.custom, own_names)


def _direct(preset: Preset, given: str | None) -> str:
    if preset.cloud and given:
        raise UsageProblem(f"Preset {preset.name} takes no --base-url: Claude Code finds {preset.cloud} itself.")
    return given or ""
