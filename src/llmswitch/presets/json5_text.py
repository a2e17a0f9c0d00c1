"""What a file says that is JSON5 and not JSON, by the json5 package, which is a thousand times slower."""

from __future__ import annotations

import json5

from llmswitch.base.errors import PresetProblem


def value(path: str, text: str) -> object:
    """Return the value of a JSON5 text; PresetProblem, with json5's own words, where it is none."""
    try:
        return json5.loads(text, allow_duplicate_keys=False)
    except (ValueError, RecursionError) as error:
        said = str(error).replace("<string>:", "line ") if isinstance(error, ValueError) else "it is too deep"
        why = "a number has too many digits" if "set_int_max_str_digits" in said else said
        raise PresetProblem(f"{path}: not JSON5: {why}.") from None
