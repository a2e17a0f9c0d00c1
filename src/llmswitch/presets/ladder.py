"""A model ladder: a worktree's models, cheapest first, and which of them each effort band means."""

from __future__ import annotations

import json
import os

from llmswitch.base.fastjson import loads
from llmswitch.base.opened import bytes_of
from llmswitch.presets.preset import slot_named

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

FILE = ".claude/model-ladder.json"
# band → (slot, weight)
BANDS = {"low": ("haiku", 0.0), "medium": ("sonnet", 0.5), "high": ("opus", 1.0)}


class NoLadder(Exception):
    """There is no ladder; the reason is "" where there is no file."""


def read(root: str) -> list[str]:
    """Return the ladder of a worktree; NoLadder says why a file is none."""
    path = os.path.join(root, FILE)
    if not os.path.lexists(path):
        raise NoLadder("")
    try:
        return parse(bytes_of(path).decode("utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise NoLadder(f"{path} is ignored: {why}") from None
    except ValueError as error:
        raise NoLadder(f"{path} is ignored: {error}") from None


def parse(text: str) -> list[str]:
    """Return the ladder in a file's text; ValueError says why it is none."""
    try:
        found = loads(text)
    except (ValueError, RecursionError) as error:
        where = f" (line {error.lineno}, column {error.colno})" if isinstance(error, json.JSONDecodeError) else ""
        raise ValueError(f"it is not JSON{where}") from None
    if not isinstance(found, list) or not found:
        raise ValueError("it is not a list of models, cheapest first")
    if not all(isinstance(model, str) and model.strip() and model.isprintable() for model in found):
        raise ValueError("not every entry is the id of a model")
    return found


def rung(weight: float, count: int) -> int:
    """Return the index for a weight from 0 to 1 on a ladder of `count` models; halves are rounded up."""
    return int(weight * (count - 1) + 0.5)  # not round(): that rounds halves to even


def bands(ladder: Sequence[str]) -> dict[str, str]:
    """Return {band: model}."""
    return {band: ladder[rung(weight, len(ladder))] for band, (_, weight) in BANDS.items()}


def slots(ladder: Sequence[str]) -> dict[str, str]:
    """Return {slot: model}; fable, which has no band, is the model of the highest."""
    found = {BANDS[band][0]: model for band, model in bands(ladder).items()}
    return {**found, "fable": found["opus"]}


MARK = "ladder"  # among a pin's overrides: the slots that a ladder gave, a blank, and the ladder as JSON


def mark(ladder: Sequence[str], gave: Iterable[str]) -> str:
    """Return what a pin's overrides say of the ladder that gave it these slots."""
    return f"{' '.join(gave)} {json.dumps(list(ladder))}"


def marked(overrides: Mapping[str, str]) -> list[str] | None:
    """Return the ladder that gave a pin its slots, None for a pin without one."""
    found = overrides.get(MARK, "").partition("[")
    return parse(found[1] + found[2]) if found[1] else None


def gave(overrides: Mapping[str, str]) -> list[str]:
    """Return the slots that a pin has from a ladder."""
    return overrides.get(MARK, "").partition("[")[0].split()


def climbed(ladder: Sequence[str], asked: Mapping[str, str], start: str) -> tuple[dict[str, str], list[str]]:
    """Return {slot: model} for a pin with this ladder, and what to say about it.

    `asked` are the models the user named for slots; one that the ladder lacks is not to be had here, and the
    session's model, that of the slot `start`, stands in.
    """
    found, remarks = slots(ladder), []
    session = found[start]
    for slot, model in asked.items():
        known = model in ladder or slot_named(model)
        found[slot] = model if known else session
        if not known:
            remarks.append(f"{model} is not on the ladder: {slot} gets the session's model, {session}.")
    return found, remarks
