"""Which slot of a pin goes where: the routes, where its slots do not all live at the preset's own endpoint."""

from __future__ import annotations

from llmswitch.base.errors import UsageProblem
from llmswitch.claude.variables import SLOTS, plain
from llmswitch.presets.listing import names
from llmswitch.presets.preset import targets
from llmswitch.presets.routes import Route, Routes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from llmswitch.presets.catalog import Catalog
    from llmswitch.presets.own_slots import Elsewhere
    from llmswitch.presets.preset import Preset


class Endpoint:
    """An endpoint, the name of its key and how that is sent; `preset` is the preset that says so, if one does."""

    def __init__(self, preset: str | None, base_url: str, key: str | None, auth: str, protocol: str) -> None:
        self.preset, self.base_url, self.key, self.auth, self.protocol = preset, base_url, key, auth, protocol

    def same_as(self, other: Endpoint | None) -> bool:
        """Say whether requests to both are the same."""
        fields = ("base_url", "key", "auth", "protocol")
        return other is not None and all(getattr(self, name) == getattr(other, name) for name in fields)


def split(overrides: Mapping[str, str], presets: Catalog) -> tuple[dict[str, str], dict[str, str]]:
    """Return ({slot: model}, {slot: preset}) of overrides, in which `ollama:qwen3:8b` names a preset and a model."""
    models = {slot: model for slot, model in overrides.items() if slot in SLOTS}
    prefixed = {slot: model.partition(":")[::2] for slot, model in models.items() if ":" in model}
    known = set(names(presets)) if prefixed else set()
    named = {slot: name for slot, (name, model) in prefixed.items() if name in known and model}
    return {slot: prefixed[slot][1] if slot in named else model for slot, model in models.items()}, named


def routes(
    preset: Preset, models: Mapping[str, str], overrides: Mapping[str, str], presets: Catalog
) -> tuple[dict[str, str], Routes | None]:
    """Return {slot: the id Claude Code gets} and the routes; None where Claude Code reaches the endpoint by itself.

    `models` are the resolved slots, `overrides` the user's, as they were typed. Two slots with one id at different
    endpoints get different ids, of which the gateway gives the upstream the true one.
    """
    endpoints = _endpoints(preset, overrides, presets, [slot for slot in SLOTS if models[slot]])
    own = _own(preset)
    if own and own.protocol == "anthropic" and all(each.same_as(own) for each in endpoints.values()):
        return dict(models), None
    return _routed(preset, models, endpoints)


def every_route(preset: Preset, models: Mapping[str, str], presets: Catalog) -> tuple[dict[str, str], Routes]:
    """Return the same for a preset as it stands, with routes also where one endpoint serves all slots."""
    return _routed(preset, models, _endpoints(preset, {}, presets, [slot for slot in SLOTS if models[slot]]))


def _routed(
    preset: Preset, models: Mapping[str, str], endpoints: Mapping[str, Endpoint]
) -> tuple[dict[str, str], Routes]:
    ids: dict[str, str] = {}
    by_model: dict[str, Route] = {}
    taken: dict[str, Endpoint] = {}
    for slot, endpoint in endpoints.items():
        sent = plain(models[slot])
        client = sent if endpoint.same_as(taken.get(sent, endpoint)) else f"{sent}@{slot}"
        taken[client] = endpoint
        ids[slot] = client + models[slot][len(sent) :]
        by_model.setdefault(
            client,
            Route(slot, sent, endpoint.base_url, endpoint.key, endpoint.auth, endpoint.protocol, endpoint.preset),
        )
    return {**models, **ids}, Routes(preset.name, by_model)


def _endpoints(
    preset: Preset, overrides: Mapping[str, str], presets: Catalog, used: Collection[str]
) -> dict[str, Endpoint]:
    named = split(overrides, presets)[1]
    asked = {slot: text for slot, text in overrides.items() if slot in SLOTS}
    same = targets(asked, preset.custom)  # `--haiku opus`: the model of opus, and its endpoint
    chosen: dict[str, Endpoint | None] = {}
    for slot in SLOTS:
        own_model = preset.slots.get(slot) or preset.default_model
        shipped = "opus" if slot == "fable" and not own_model else slot  # fable is opus where nothing else is said
        elsewhere = preset.elsewhere.get(shipped)  # another model stays at its slot's endpoint
        chosen[slot] = _elsewhere(elsewhere, presets) if elsewhere else _own(preset)
        if slot in named:
            chosen[slot] = _endpoint_of(named[slot], presets)
    chosen |= {slot: chosen[target] for slot, target in same.items()}
    return {slot: endpoint or _homeless(preset, slot) for slot, endpoint in chosen.items() if slot in used}


def _own(preset: Preset) -> Endpoint | None:
    if not preset.base_url:
        return None
    return Endpoint(preset.name, preset.base_url, preset.key, preset.auth, preset.protocol)


def _elsewhere(other: Elsewhere, presets: Catalog) -> Endpoint:
    if other.preset:
        return _endpoint_of(other.preset, presets)
    return Endpoint(None, other.base_url or "", other.key, "bearer", other.protocol)


def _endpoint_of(name: str, presets: Catalog) -> Endpoint:
    endpoint = _own(presets.load(name))
    if endpoint is None:
        raise UsageProblem(
            f"A slot cannot live at {name}: it has no endpoint of its own.",
            hint="A login stays with Claude Code; the preset anthropic has an API key."
            if presets.load(name).is_claude
            else "Name a preset that has a base_url.",
        )
    return endpoint


def _homeless(preset: Preset, slot: str) -> Endpoint:
    raise UsageProblem(
        f"Preset {preset.name} does not say where its {slot} slot lives.",
        hint=f"Name a preset with the model: --{slot} PRESET:MODEL.",
    )


def endpoint(
    preset: Preset, asked: Mapping[str, str], given: str | None, own_names: bool, catalog: Catalog
) -> tuple[dict[str, str], str, Routes | None]:
    """Return the slots' models, the base URL ("" for a cloud), and the routes where the gateway stands between.

    `asked` are the user's overrides of slots, `given` a base URL of theirs.
    """
    chosen, named = split(asked, catalog)
    models = preset.models(chosen, own_names)
    if given or preset.cloud:
        if named:
            raise UsageProblem("PRESET:MODEL sends a slot elsewhere; it does not go with --base-url or a cloud.")
        return models, given or "", None
    models, found = routes(preset, models, asked, catalog)
    if found is None:
        return models, preset.base_url or "", None
    unnamed = [slot for slot, model in models.items() if not model and slot != "subagent"]
    if unnamed:
        raise UsageProblem(
            f"With slots at several providers, {unnamed[0]} needs a model.", hint=f"Name it: --{unnamed[0]} MODEL."
        )
    return models, f"http://127.0.0.1:{catalog.gateway_port()}/w/{found.id}", found
