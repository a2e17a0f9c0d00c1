"""What a preset becomes in one worktree: the exact members of the settings file, name → text.

Which models and which base URL Claude Code is given for a preset, and what it cannot reach by itself."""

from __future__ import annotations

from llmswitch.base.errors import UsageProblem
from llmswitch.base.urls import host_of
from llmswitch.claude.models import smallest_window
from llmswitch.claude.variables import (
    ANTHROPIC_HOST,
    API_KEY,
    AUTH_TOKEN,
    AUTO_MODE,
    BASE_URL,
    CLOUDS,
    CREDENTIALS,
    HELPER,
    IDENTITY,
    MAX_CONTEXT,
    SLOTS,
    START_MODEL,
    TOP_IDENTITY,
    VARIABLES,
)
from llmswitch.presets import slots

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmswitch.presets.catalog import Catalog
    from llmswitch.presets.preset import Preset
    from llmswitch.presets.routes import Routes


def build(
    preset: Preset, models: Mapping[str, str], start: str, base_url: str, windows: Mapping[str, int]
) -> dict[str, str]:
    """Return the pin without its credential: every identity key, then the tuning keys.

    `models` are the resolved slots, `windows` the known context windows in tokens by model id.
    """
    pin = dict.fromkeys((*IDENTITY, *TOP_IDENTITY), "")
    pin[BASE_URL] = base_url
    if preset.cloud:
        pin[CLOUDS[preset.cloud]] = "1"
    pin |= {VARIABLES[slot]: model for slot, model in models.items()}
    # An alias, not an id: an id would start sessions with [1m], for which the window below is ignored.
    pin[START_MODEL] = start
    if window := smallest_window(models.values(), {**windows, **preset.windows}):
        pin[MAX_CONTEXT] = str(window)
    # Auto mode, the interactive default, asks Anthropic's servers and fails behind another base URL.
    foreign = bool(base_url) and host_of(base_url) != ANTHROPIC_HOST
    return {**pin, **preset.env, **({AUTO_MODE: "disable"} if foreign else {})}


def with_credential(pin: Mapping[str, str], auth: str, credential: str) -> dict[str, str]:
    """Return the pin with its credential in the one place `auth` names, and "" in the other."""
    return {**pin, AUTH_TOKEN: "", API_KEY: "", CREDENTIALS[auth]: credential}


def with_helper(pin: Mapping[str, str], command: str) -> dict[str, str]:
    """Return the pin with a command that prints its credential, which stands nowhere in the file."""
    return {**pin, AUTH_TOKEN: "", API_KEY: "", HELPER: command}


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
    asked = {slot: model for slot, model in overrides.items() if slot in SLOTS}
    if not (preset.is_mixed or preset.protocol != "anthropic" or any(":" in model for model in asked.values())):
        return Plan(_models(preset, asked, given), _direct(preset, given) or preset.base_url or "", None)
    from llmswitch.presets import mixed

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


def wished(preset: Preset, overrides: Mapping[str, str], catalog: Catalog) -> dict[str, str]:
    """Return the pin of a preset and the user's overrides, without a credential; {} for Claude Code's own.

    Raises UsageProblem where a slot has no model or no place to live.
    """
    if preset.is_claude:
        return {}
    asked = (preset.source, *sorted(overrides.items()))
    if asked not in catalog.wishes:
        plan = planned(preset, overrides, catalog)
        start = slots.start_slot(overrides.get("start", preset.default_slot), preset.custom)
        windows = plan.windows({**catalog.windows(), **preset.windows})
        catalog.wishes[asked] = build(preset, plan.models, start, plan.url, windows)
    return dict(catalog.wishes[asked])
