"""The record of a switch in the state file."""

from __future__ import annotations

from llmswitch.identity import OURS, SECRET_BEARING
from llmswitch.lean import loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmswitch.settings import Settings


class Record:
    """What one switch wrote, kept in the state file: enough to take it out again, and no secret.

    `pin` holds the identity members but no credential, `wrote` the tuning members and `displaced` what the user
    had in their place (both as JSON text), `created` which of folder, file, root and env did not exist before,
    `foreign` the identity members found that were not ours. A `passing` record is no state to go back to.
    """

    FIELDS = ("preset", "overrides", "pin", "wrote", "displaced", "created", "foreign", "key", "passing")

    def __init__(self, fields: Mapping[str, object] | None = None) -> None:
        """Read a record from JSON data; what is missing or of the wrong type counts as empty."""
        fields = fields or {}
        preset = fields.get("preset")
        self.preset = preset if isinstance(preset, str) else None
        self.overrides = _texts(fields.get("overrides"))
        self.pin = _texts(fields.get("pin"))
        self.wrote = _texts(fields.get("wrote"))
        self.displaced = {name: raw for name, raw in _texts(fields.get("displaced")).items() if _is_json(raw)}
        created = fields.get("created")
        self.created = [str(item) for item in created] if isinstance(created, list) else []
        self.foreign = _texts(fields.get("foreign"))
        self.key = _texts(fields.get("key"))
        self.passing = fields.get("passing") is True

    def data(self) -> dict[str, object]:
        """Return the record as JSON data."""
        return {field: getattr(self, field) for field in self.FIELDS}

    @property
    def tuning(self) -> dict[str, str]:
        """The tuning members it wrote, as text."""
        return {name: str(loads(raw)) for name, raw in self.wrote.items() if _is_json(raw)}

    def in_force(self, settings: Settings) -> bool:
        """Say whether the settings hold this record's identity members as it wrote them."""
        values = settings.values()
        expected = self.pin if self.pin else {}
        return all(values.get(name) == expected.get(name) for name in OURS if name not in SECRET_BEARING)


def _texts(value: object) -> dict[str, str]:
    return {str(key): str(item) for key, item in value.items()} if isinstance(value, dict) else {}


def _is_json(text: str) -> bool:
    """Say whether a text can go into a settings file as a value: somebody may have edited the state."""
    try:
        loads(text)
    except (ValueError, RecursionError):
        return False
    return True
