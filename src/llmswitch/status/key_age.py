"""Whether the key of a pin is still the saved one, known by its hash: no keyring is asked."""

from __future__ import annotations

from shlex import quote

from llmswitch.base.problem import Problem
from llmswitch.claude.variables import CREDENTIALS, HELPER
from llmswitch.keys.hashes import DELETED, OLDER, KeyHashes, saved_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmswitch.presets.preset import Preset
    from llmswitch.settings.checkout import Checkout
    from llmswitch.settings.state import Record

CODES = ("older-key", "deleted-key")


def aged(
    checkout: Checkout, preset: Preset, values: Mapping[str, str], record: Record, problems: list[Problem]
) -> list[str]:
    """Return the member with a key older than the saved one, or a deleted one, and say so in `problems`."""
    name = saved_name(record.key, preset.key)
    if name is None:
        return []
    hashes = KeyHashes(checkout.checkouts.state_folder)
    place = next((member for member in CREDENTIALS.values() if values.get(member)), None)
    if place is None:
        if values.get(HELPER) and hashes.is_deleted(name):
            message = f"The {name} key, which this pin asks for each time, was deleted from the keyring."
            problems.append(Problem(CODES[1], "warning", message, f"llmswitch save-key {name}"))
        return []
    state = hashes.state(name, values[place])
    if state == OLDER:
        message = f"The {name} key here is older than the saved one."
        problems.append(Problem(CODES[0], "warning", message, f"llmswitch renew {name}"))
    elif state == DELETED:
        message = f"The {name} key was deleted from the keyring, and still stands here."
        problems.append(Problem(CODES[1], "warning", message, f"llmswitch claude -w {quote(checkout.root)}"))
    return [place] if state in (OLDER, DELETED) else []
