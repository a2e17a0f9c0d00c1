"""Preset and data files: the folder of the shipped ones, and the object in a JSON5 file."""

from __future__ import annotations

import os

from llmswitch.base.errors import PresetProblem
from llmswitch.base.fastjson import loads
from llmswitch.base.opened import bytes_of

SUFFIX = ".json5"


def shipped_folder() -> str:
    """Return the folder of the shipped catalog: inside the package, or at the top of a checkout.

    By path and not by importlib.resources, whose import alone costs more than a whole `status`.
    """
    here = os.path.dirname(os.path.abspath(__file__))
    inside = os.path.join(here, "data")
    return inside if os.path.isfile(os.path.join(inside, "models.json")) else os.path.join(here, "../../../presets")


def read_object(path: str) -> dict[str, object]:
    """Return the object in a JSON5 file; the json module first, since json5 is a thousand times slower."""
    try:
        text = bytes_of(path).decode()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise PresetProblem(f"{path}: cannot read it: {why}.") from None
    try:
        found = loads(text, _once)
    except (ValueError, RecursionError):
        from llmswitch.presets import json5_text  # only for what plain JSON is not

        found = json5_text.value(path, text)
    if not isinstance(found, dict):
        raise PresetProblem(f"{path}: the file must be one object, {{ … }}.")
    return found


def _once(members: list[tuple[str, object]]) -> dict[str, object]:
    """Return an object's members; ValueError where one comes twice, which json5 then says with its place."""
    found = dict(members)
    if len(found) != len(members):
        raise ValueError
    return found
