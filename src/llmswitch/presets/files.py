"""Preset and data files: the folder of the shipped ones, and the object in a JSON5 file."""

from __future__ import annotations

import os

from llmswitch.base.errors import PresetProblem
from llmswitch.base.fastjson import loads

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
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except (OSError, UnicodeDecodeError) as error:
        raise PresetProblem(f"{path}: cannot read it ({type(error).__name__}).") from None
    try:
        data = loads(text, _once)
    except (ValueError, RecursionError):
        data = _read_json5(path, text)
    if not isinstance(data, dict):
        raise PresetProblem(f"{path}: the file must be one object, {{ … }}.")
    return data


def _once(members: list[tuple[str, object]]) -> dict[str, object]:
    """Return an object's members; ValueError where one comes twice, which json5 then says with its place."""
    found = dict(members)
    if len(found) != len(members):
        raise ValueError
    return found


def _read_json5(path: str, text: str) -> object:
    import json5

    try:
        return json5.loads(text, allow_duplicate_keys=False)
    except (ValueError, RecursionError) as error:
        why = str(error).removeprefix("<string>:").split("\n")[0] if isinstance(error, ValueError) else "too deep"
        raise PresetProblem(f"{path}: not JSON5: line {why}.") from None
