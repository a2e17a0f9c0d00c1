"""What stands in a settings file that is not as the last switch here wrote it: the user's own, or a pin's after all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from llmswitch.base.errors import UsageProblem
from llmswitch.base.secret import Secret
from llmswitch.base.urls import id_in
from llmswitch.claude.variables import ALLOWED, BASE_URL, CREDENTIALS, KEYLESS_TOKEN, NO_MILLION, OURS, VARIABLES
from llmswitch.claude.ways import excepted
from llmswitch.commands.request import Request
from llmswitch.keys.sources import Key
from llmswitch.presets.catalog import Catalog
from llmswitch.presets.fences import is_a_pins
from llmswitch.presets.listing import load_all
from llmswitch.presets.pin import Pin, pin
from llmswitch.settings import foreign, keep
from llmswitch.settings.change import as_json, holds, in_force
from llmswitch.settings.checkout import Checkout
from llmswitch.settings.foreign import records_of_neighbours
from llmswitch.settings.settings import Settings
from llmswitch.settings.state import Record, State


def refuse(request: Request, checkout: Checkout, settings: Settings, key: Key | None) -> None:
    """Refuse to go on where a secret in the file would be lost: one that is not saved elsewhere, nor the pin's own."""
    foreign.refuse(checkout, settings, [*request.settled, *([key.secret] if key else [])])


def noted(state: State, settings: Settings, catalog: Catalog, dry_run: bool) -> Record:
    """Return the current record with all that is a pin's in the settings, so that it goes with the pin.

    A tool may have copied the file from another worktree: then that one's record is ours too, and the state is told.
    """
    if not in_force(state.current, settings) and not in_force(state.previous, settings):
        if copied := _of_a_neighbour(state, settings):
            state.current, before = copied, state.current if state.current.preset else state.previous
            if not dry_run:
                keep.write(state, copied, before, state.switched)
        elif not state.current.pin and set(OURS) <= settings.values().keys():
            wrote = _tuning(settings, catalog)
            return _with_list(Record({**state.current.data(), "wrote": wrote}), settings, catalog)
    return _with_list(state.current, settings, catalog)


def _of_a_neighbour(state: State, settings: Settings) -> Record | None:
    """Return the record of another worktree of the repository whose pin, with its credential, these settings are."""
    values = settings.values()
    secrets = [Secret(values[name]) for name in CREDENTIALS.values() if values.get(name)]
    for record in records_of_neighbours(state):
        known = all(secret == Secret(KEYLESS_TOKEN) or record.has_key(secret) for secret in secrets)
        if record.pin and known and in_force(record, settings):
            return Record({**record.data(), "foreign": {}, "taken": {}})
    return None


def _tuning(settings: Settings, catalog: Catalog) -> dict[str, str]:
    """Return the tuning members that stand there as a pin of one of our presets has them beside these identity members.

    A file that has every identity member, the blank ones too, was written by a switch, though no record says so.
    """
    found: dict[str, str] = {}
    for wanted in _alike(settings.values(), catalog):
        raws = {name: as_json(value) for name, value in wanted.members.items() if name not in OURS}
        found |= {name: raw for name, raw in raws.items() if holds(settings, name, raw)}
    return found


def _alike(values: Mapping[str, str], catalog: Catalog) -> Iterator[Pin]:
    """Yield the pins of our presets, with the models of these values, that have their base URL or their models."""
    slots = {slot: values[name] for slot, name in VARIABLES.items() if values[name]}
    for preset in load_all(catalog)[0]:
        try:
            plain = pin(preset, {}, catalog)
            same = plain.base_url == values[BASE_URL] or (plain.routes and id_in(values[BASE_URL]))
            if not plain.members or not (same or {k: v for k, v in plain.models.items() if v} == slots):
                continue
            yield plain.with_members(excepted({}))
            yield plain if plain.routes else pin(preset, slots, catalog)
        except UsageProblem:  # one preset without a model must not stand in the way of the others
            continue


def _with_list(record: Record, settings: Settings, catalog: Catalog) -> Record:
    """Return the record with the list of models in it, where that is a pin's: it must never stay alone.

    It is one where the last switch wrote a list, which somebody edited since, or where it is that of the slots beside
    it or of a preset: the state is lost, or a tool copied the file.
    """
    listed = settings.raw(ALLOWED)
    if listed is None or holds(settings, ALLOWED, record.wrote.get(ALLOWED)):
        return record
    if not (ALLOWED in record.wrote or is_a_pins(settings.values(), catalog)):
        return record
    also = {NO_MILLION: raw} if (raw := settings.raw(NO_MILLION)) == '"1"' else {}
    return Record({**record.data(), "wrote": {**also, **record.wrote, ALLOWED: listed}})
