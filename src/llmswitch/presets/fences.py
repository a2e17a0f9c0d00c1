"""Whether a list of models is one that a pin of a preset has."""

from __future__ import annotations

from llmswitch.base.errors import UsageProblem
from llmswitch.base.fastjson import loads
from llmswitch.claude.variables import ALLOWED, VARIABLES
from llmswitch.presets.listing import load_all
from llmswitch.presets.pin import pin

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmswitch.presets.catalog import Catalog


def is_a_pins(values: Mapping[str, str], catalog: Catalog) -> bool:
    """Say whether the list in a file's values is that of the slots beside it, or of a preset we know."""
    listed = set(loads(values[ALLOWED]))
    slots = {values[name] for name in VARIABLES.values() if values.get(name)}
    if not listed or listed == slots:
        return bool(listed)
    for preset in load_all(catalog)[0]:
        try:
            if listed == set(pin(preset, {}, catalog).members.get(ALLOWED, ())):
                return True
        except UsageProblem:  # one preset without a model must not stand in the way of the others
            continue
    return False
