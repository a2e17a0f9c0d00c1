"""`llmswitch list` and `llmswitch show`: the presets, and one of them in full."""

from __future__ import annotations

from llmswitch import pin
from llmswitch.commands.request import wished
from llmswitch.errors import PresetProblem, UsageProblem
from llmswitch.identity import BASE_URL, KEYLESS_TOKEN
from llmswitch.secret import STARS
from llmswitch.slots import VARIABLES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from llmswitch.catalog import Catalog
    from llmswitch.preset import Preset


def list_presets(catalog: Catalog, current: str | None) -> tuple[list[dict[str, object]], list[PresetProblem]]:
    """Return a row for each preset, as JSON data, and what is wrong with those that cannot be used."""
    presets, problems = catalog.load_all()
    return [_row(preset, catalog, current) for preset in presets], problems


def _row(preset: Preset, catalog: Catalog, current: str | None) -> dict[str, object]:
    return {
        "name": preset.name,
        "title": preset.title,
        "host": preset.host,
        "key": preset.key,
        "origin": "shipped" if catalog.is_shipped(preset.source) else "yours",
        "file": preset.source,
        "current": preset.name == current,
    }


def show(name: str, catalog: Catalog) -> dict[str, object]:
    """Return one preset in full as JSON data: its slots and exactly what it would write, the key masked."""
    preset = catalog.load(name)
    members: dict[str, str] = {}
    incomplete = ""
    try:
        members = wished(preset, {}, catalog)
    except UsageProblem as error:
        incomplete = f"{error.args[0]} {error.hint}"
    if members.get(BASE_URL):
        credential = STARS if preset.key else KEYLESS_TOKEN
        members = pin.with_credential(members, preset.auth if preset.key else "bearer", credential)
    return {
        **_row(preset, catalog, None),
        "base_url": preset.base_url,
        "auth": preset.auth if preset.key else None,
        "start_slot": None if preset.is_claude else preset.default_slot,
        "slots": {slot: members.get(name) or preset.slots.get(slot) or None for slot, name in VARIABLES.items()},
        "writes": members,
        "incomplete": incomplete or None,
        "notes": preset.notes,
        "docs": preset.docs,
        "verified": preset.verified,
    }
