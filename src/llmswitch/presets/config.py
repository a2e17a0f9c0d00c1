"""`config.json5` in the user's config folder: what they prefer. Without it everything has a default."""

from __future__ import annotations

import os

from llmswitch.base.errors import LlmswitchError
from llmswitch.presets.catalog import GATEWAY_PORT
from llmswitch.presets.files import read_object

NAME = "config.json5"
# field → what it may be, the default first
FIELDS: dict[str, tuple[str, ...]] = {"key_delivery": ("token", "helper")}
PORT = "gateway_port"


def load(folder: str) -> dict[str, str]:
    """Return every field with its value; LlmswitchError names the file and the field that is wrong."""
    given = _checked(os.path.join(folder, NAME))
    return {field: str(given.get(field, allowed[0])) for field, allowed in FIELDS.items()}


def gateway_port(folder: str) -> int:
    """Return the port of the local gateway: the config's `gateway_port`, else one that is this user's own.

    Two users of one machine cannot share a port, so the default comes from the user id: 18000 to 27999, below
    those that Linux gives out by itself (32768 and up).
    """
    chosen = _checked(os.path.join(folder, NAME)).get(PORT)
    own = os.getuid() % 10000 if hasattr(os, "getuid") else 0
    return chosen if isinstance(chosen, int) else GATEWAY_PORT + own


def _checked(path: str) -> dict[str, object]:
    given = read_object(path) if os.path.lexists(path) else {}
    for field, value in given.items():
        allowed = FIELDS.get(field)
        if field == PORT:
            if type(value) is not int or not 1024 <= value <= 65535:
                raise LlmswitchError(f"{path}: {field} must be a number from 1024 to 65535.")
        elif allowed is None:
            raise LlmswitchError(f"{path}: {field} is not a field; there is {', '.join([*FIELDS, PORT])}.")
        elif value not in allowed:
            raise LlmswitchError(f"{path}: {field} must be {' or '.join(allowed)}.")
    return given
