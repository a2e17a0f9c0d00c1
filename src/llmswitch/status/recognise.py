"""Which preset the settings of somebody else come to."""

from __future__ import annotations

from llmswitch.base.errors import UsageProblem
from llmswitch.claude.variables import BASE_URL, CLOUD_SWITCHES, VARIABLES, counts
from llmswitch.presets.listing import load_all
from llmswitch.presets.pin import pin

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from llmswitch.presets.catalog import Catalog
    from llmswitch.presets.pin import Pin
    from llmswitch.presets.preset import Preset


def pins(catalog: Catalog) -> Iterator[tuple[Preset, Pin]]:
    """Yield the presets that have a pin, with it."""
    for preset in load_all(catalog)[0]:
        try:
            wanted = pin(preset, {}, catalog)
        except UsageProblem:  # one preset without a model must not stand in the way of the others
            continue
        if wanted.members:
            yield preset, wanted


def closest(values: Mapping[str, str], pins: Iterable[tuple[Preset, Pin]]) -> Preset | None:
    """Return the preset whose pin has this base URL and most of these slots; None where no slot fits."""
    best, most = None, 0
    for preset, each in pins:
        if each.members.get(BASE_URL, "") != values.get(BASE_URL, ""):
            continue
        if any(
            counts(name, each.members.get(name, "")) != counts(name, values.get(name, "")) for name in CLOUD_SWITCHES
        ):
            continue
        same = sum(values.get(variable, "") == each.members[variable] != "" for variable in VARIABLES.values())
        if same > most:
            best, most = preset, same
    return best
