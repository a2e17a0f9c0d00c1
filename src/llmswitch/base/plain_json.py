"""JSON by the json module: what its parts in C alone cannot do, or cannot explain."""

from __future__ import annotations

import json
from json import dumps as dumps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_DIGITS = 4300  # more of them Python's `int` refuses


def _whole(digits: str) -> int | float:
    """Return a whole number; one that Python refuses as Claude Code has it too, by its size."""
    return int(digits) if len(digits) <= _DIGITS else float(digits)


def decoded(
    text: str,
    at: int,
    refuse: Callable[[str], object],
    pairs: Callable[[list[tuple[str, Any]]], object] | None = None,
    number: Callable[[str], object] | None = None,
) -> tuple[Any, int]:
    """Return the value that starts there and its end; `refuse` takes NaN and Infinity. Raises ValueError."""
    decoder = json.JSONDecoder(
        object_pairs_hook=pairs, parse_constant=refuse, parse_int=number or _whole, parse_float=number
    )
    return decoder.raw_decode(text, at)


def loads(text: str, refuse: Callable[[str], object]) -> object:
    """Return the value of a text; raises ValueError."""
    return json.loads(text, parse_constant=refuse, parse_int=_whole)
