"""A list of models in a settings file that is not as the last switch here wrote it: the user's own, or a pin's."""

from __future__ import annotations

from llmswitch.claude.variables import ALLOWED, NO_MILLION
from llmswitch.presets.catalog import Catalog
from llmswitch.presets.fences import is_a_pins
from llmswitch.settings.settings import Settings
from llmswitch.settings.state import Record


def noted(record: Record, settings: Settings, catalog: Catalog) -> Record:
    """Return the record with the list in it, where that is a pin's: then it goes with the pin, and never stays alone.

    It is one where the last switch wrote a list, which somebody edited since, or where it is that of the slots beside
    it or of a preset: the state is lost, or a tool copied the file.
    """
    listed = settings.raw(ALLOWED)
    if listed is None or not (ALLOWED in record.wrote or is_a_pins(settings.values(), catalog)):
        return record
    also = {NO_MILLION: raw} if (raw := settings.raw(NO_MILLION)) == '"1"' else {}
    return Record({**record.data(), "wrote": {**also, **record.wrote, ALLOWED: listed}})
