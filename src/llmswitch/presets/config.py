"""`config.json5` in the user's config folder: what they prefer. Without it everything has a default."""

from __future__ import annotations

import os
from dataclasses import dataclass

from llmswitch.base import writable
from llmswitch.base.errors import LlmswitchError
from llmswitch.presets.catalog import GATEWAY_PORT
from llmswitch.presets.files import read_object

NAME = "config.json5"
# field → what it may be, the default first
FIELDS: dict[str, tuple[str, ...]] = {"key_delivery": ("token", "helper")}
PORT, FORGET = "gateway_port", "gateway_forget_minutes"
# field → the least and the most that a number may be
NUMBERS = {PORT: (1024, 65535), FORGET: (1, 10080)}
RULES = "apply"
PATTERNS = ("folder", "branch", "remote")


@dataclass(frozen=True)
class Rule:
    """What `apply` gives a worktree: a preset, where every pattern fits (* stands for anything, slashes too)."""

    preset: str
    patterns: dict[str, str]

    @property
    def described(self) -> str:
        """The patterns, for a message."""
        return ", ".join(f"{name} {text}" for name, text in self.patterns.items())


def rules(folder: str) -> list[Rule]:
    """Return the user's rules for worktrees without a pin, in their order; LlmswitchError names one that is wrong."""
    given = _checked(os.path.join(folder, NAME)).get(RULES, [])
    found = []
    for entry in given if isinstance(given, list) else []:
        found.append(Rule(entry["preset"], {name: entry[name] for name in PATTERNS if name in entry}))
    return found


def load(folder: str, anyway: bool = False) -> dict[str, str]:
    """Return every field with its value; LlmswitchError names the file and the field that is wrong.

    With `anyway` it is read where a group can write too.
    """
    given = _checked(os.path.join(folder, NAME), anyway)
    return {field: str(given.get(field, allowed[0])) for field, allowed in FIELDS.items()}


def gateway_port(folder: str) -> int:
    """Return the port of the local gateway: the config's `gateway_port`, else one that is this user's own.

    Two users of one machine cannot share a port, so the default comes from the user id: 18000 to 27999, below
    those that Linux gives out by itself (32768 and up).
    """
    chosen = _checked(os.path.join(folder, NAME)).get(PORT)
    own = os.getuid() % 10000 if hasattr(os, "getuid") else 0
    return chosen if isinstance(chosen, int) else GATEWAY_PORT + own


def gateway_forget(folder: str) -> float:
    """Return after how many idle seconds the gateway forgets its keys; 0, the default: never."""
    chosen = _checked(os.path.join(folder, NAME)).get(FORGET)
    return chosen * 60.0 if isinstance(chosen, int) else 0.0


def _read(path: str, anyway: bool) -> dict[str, object]:
    for place in (os.path.dirname(path), path):
        writable.check(place, "no configuration is read from it", anyway)
    return read_object(path)


def _checked(path: str, anyway: bool = False) -> dict[str, object]:
    given = _read(path, anyway) if os.path.lexists(path) else {}
    for field, value in given.items():
        allowed = FIELDS.get(field)
        if field in NUMBERS:
            least, most = NUMBERS[field]
            if type(value) is not int or not least <= value <= most:
                raise LlmswitchError(f"{path}: {field} must be a number from {least} to {most}.")
        elif field == RULES:
            _check_rules(path, value)
        elif allowed is None:
            raise LlmswitchError(f"{path}: {field} is not a field; there is {', '.join([*FIELDS, *NUMBERS, RULES])}.")
        elif value not in allowed:
            raise LlmswitchError(f"{path}: {field} must be {' or '.join(allowed)}.")
    return given


def _check_rules(path: str, value: object) -> None:
    if not isinstance(value, list):
        raise LlmswitchError(f"{path}: {RULES} must be a list of rules.")
    for number, rule in enumerate(value, 1):
        known = isinstance(rule, dict) and rule.keys() <= {"preset", *PATTERNS}
        texts = isinstance(rule, dict) and all(isinstance(text, str) and text for text in rule.values())
        if not (known and texts and "preset" in rule and len(rule) > 1):
            example = '{folder: "~/work/*", preset: "openrouter"}'
            raise LlmswitchError(
                f"{path}: rule {number} of {RULES} must name a preset and one or more of {', '.join(PATTERNS)}.",
                hint=f"Such as: {example}",
            )
