"""`config.json5` in the user's config folder: what they prefer. Without it everything has a default."""

from __future__ import annotations

import os

from llmswitch.data_files import read_object
from llmswitch.errors import LlmswitchError

NAME = "config.json5"
# field → what it may be, the default first
FIELDS: dict[str, tuple[str, ...]] = {"key_delivery": ("token", "helper")}


def load(folder: str) -> dict[str, str]:
    """Return every field with its value; LlmswitchError names the file and the field that is wrong."""
    path = os.path.join(folder, NAME)
    given = read_object(path) if os.path.lexists(path) else {}
    for field, value in given.items():
        allowed = FIELDS.get(field)
        if allowed is None:
            raise LlmswitchError(f"{path}: {field} is not a field; there is {', '.join(FIELDS)}.")
        if value not in allowed:
            raise LlmswitchError(f"{path}: {field} must be {' or '.join(allowed)}.")
    return {field: str(given.get(field, allowed[0])) for field, allowed in FIELDS.items()}
