"""What a preset becomes in one worktree: the exact members of the settings file."""

from __future__ import annotations

from llmswitch.base.errors import UsageProblem
from llmswitch.base.urls import host_of
from llmswitch.claude.variables import (
    ALLOWED,
    ANTHROPIC_HOST,
    API_KEY,
    AUTH_TOKEN,
    AUTO_MODE,
    BASE_URL,
    CLOUDS,
    CREDENTIALS,
    HELPER,
    MAX_CONTEXT,
    MILLION,
    NO_MILLION,
    OFFERED,
    OURS,
    SLOTS,
    START_MODEL,
    VARIABLES,
    is_claude,
    smallest_window,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from llmswitch.presets.catalog import Catalog
    from llmswitch.presets.preset import Preset
    from llmswitch.presets.routes import Routes


class Pin:
    """The members of a pin (name → text, a flag or a list), without a credential until one is given.

    `routes` says where the local gateway sends each slot, None where Claude Code reaches the provider by itself.
    That of Claude Code's own backend has members only for the slots that the user named.
    """

    __slots__ = ("members", "routes")

    def __init__(self, members: Mapping[str, Any], routes: Routes | None = None) -> None:
        self.members, self.routes = members, routes

    @property
    def base_url(self) -> str:
        """The base URL, "" for Claude Code's own backend and for a cloud."""
        return str(self.members.get(BASE_URL, ""))

    @property
    def models(self) -> dict[str, str]:
        """The slots' models."""
        return {slot: self.members.get(variable, "") for slot, variable in VARIABLES.items()}

    def with_key(self, auth: str, credential: str) -> Pin:
        """Return the pin with its credential in the one place `auth` names, and "" in the other."""
        return Pin({**self.members, AUTH_TOKEN: "", API_KEY: "", CREDENTIALS[auth]: credential}, self.routes)

    def with_helper(self, command: str) -> Pin:
        """Return the pin with a command that prints its credential, which stands nowhere in the file."""
        return Pin({**self.members, AUTH_TOKEN: "", API_KEY: "", HELPER: command}, self.routes)

    def with_members(self, members: Mapping[str, Any]) -> Pin:
        """Return the pin with other members on top."""
        return Pin({**self.members, **members}, self.routes)


def pin(preset: Preset, overrides: Mapping[str, str], catalog: Catalog) -> Pin:
    """Return the pin of a preset with the user's overrides: every identity member, then the tuning members.

    Raises UsageProblem where a slot has no model or no place to live.
    """
    if preset.is_claude and not overrides:
        return Pin({})
    asked = (preset.source, *sorted(overrides.items()))
    if asked not in catalog.pins:
        catalog.pins[asked] = _built(preset, overrides, catalog)
    return catalog.pins[asked]


def _built(preset: Preset, overrides: Mapping[str, str], catalog: Catalog) -> Pin:
    if preset.is_claude:
        from llmswitch.presets import own_login  # only for slots of one's own login

        return Pin(own_login.members(preset, overrides, catalog))
    models, url, routes = _endpoint(preset, overrides, catalog)
    windows = {**catalog.models.windows(), **preset.windows}
    if routes:  # ids that only the gateway understands
        windows |= {name: windows[each.model] for name, each in routes.by_model.items() if each.model in windows}
    members: dict[str, Any] = dict.fromkeys(OURS, "")
    members[BASE_URL] = url
    if preset.cloud:
        members[CLOUDS[preset.cloud]] = "1"
    members |= {VARIABLES[slot]: model for slot, model in models.items()}
    # An alias, not an id: an id would start sessions with [1m], for which the window below is ignored.
    members[START_MODEL] = preset.start(overrides)
    if window := smallest_window(models.values(), {**windows, **preset.windows}):
        members[MAX_CONTEXT] = str(window)
    members |= preset.env
    members |= _fence(preset, models, overrides, windows, MAX_CONTEXT in members)
    # Auto mode, the interactive default, asks Anthropic's servers and fails behind another base URL.
    if url and host_of(url) != ANTHROPIC_HOST:
        members[AUTO_MODE] = "disable"
    return Pin(members, routes)


def _fence(
    preset: Preset, models: Mapping[str, str], overrides: Mapping[str, str], windows: Mapping[str, int], told: bool
) -> dict[str, Any]:
    """Return what keeps sessions to the pin's models; `told`: Claude Code is told the window of all of them."""
    also, mapped = [*overrides.get("also", "").split(), *preset.also], [model for model in models.values() if model]
    if preset.cloud or not preset.fence or "any" in also or not all(models[slot] for slot in SLOTS[:4]):
        return {}
    fence: dict[str, Any] = {ALLOWED: list(dict.fromkeys([*mapped, *also])), **({OFFERED: also[0]} if also else {})}
    # It counts a million for these whatever it is told, and else for the Opus slot in the place of an unlisted id.
    million = [m for m in mapped if m.lower().endswith(MILLION) or (is_claude(m) and windows.get(m, 10**6) > 200_000)]
    return {**fence, NO_MILLION: "1"} if told and not million else fence


def _endpoint(
    preset: Preset, overrides: Mapping[str, str], catalog: Catalog
) -> tuple[dict[str, str], str, Routes | None]:
    """Return the slots' models, the base URL ("" for a cloud), and the routes where the gateway stands between."""
    given = overrides.get("base_url")
    own_names = preset.speaks_claude and not given
    asked = {slot: model for slot, model in overrides.items() if slot in SLOTS}
    if preset.cloud and given:
        preset.models(asked, own_names)  # a slot without a model is said first
        raise UsageProblem(f"Preset {preset.name} takes no --base-url: Claude Code finds {preset.cloud} itself.")
    if not (preset.is_mixed or preset.protocol != "anthropic" or any(":" in model for model in asked.values())):
        return preset.models(asked, own_names), given or preset.base_url or "", None
    from llmswitch.presets import mixed  # only where slots may live at several providers

    return mixed.endpoint(preset, asked, given, own_names, catalog)
