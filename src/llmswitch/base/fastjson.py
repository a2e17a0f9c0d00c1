"""JSON without the `json` module, which imports `re` and `enum`: 0.8 of Python's own start saved on every hot way.

The C parts below it are in every CPython since 3.6; where one is missing or has changed, `json` does the same.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Pairs = Callable[[list[tuple[str, Any]]], object]
    Scan = Callable[[str, int], tuple[Any, int]]

SPACE = " \t\r\n"  # JSON's


class _Reading:
    """What the scanner in C asks of the `json.JSONDecoder` that holds it."""

    strict, object_hook = True, None

    def __init__(self, pairs: Pairs | None, number: Callable[[str], object] | None) -> None:
        self.object_pairs_hook, self.parse_constant = pairs, refuse
        self.parse_int, self.parse_float = number or int, number or float


def refuse(name: str) -> object:
    """Raise ValueError for NaN and Infinity, which the json module takes for JSON."""
    raise ValueError(f"{name} is not JSON")


def scanner(pairs: Pairs | None = None, number: Callable[[str], object] | None = None) -> Scan:
    """Return a function (text, offset) → (the value that starts there, its end), which raises ValueError.

    `pairs` makes the objects and `number` the numbers.
    """

    def public(text: str, at: int) -> tuple[Any, int]:
        import json

        hooks = {"object_pairs_hook": pairs, "parse_constant": refuse, "parse_int": number, "parse_float": number}
        return json.JSONDecoder(**hooks).raw_decode(text, at)  # type: ignore[arg-type]

    try:
        from _json import make_scanner

        scan = make_scanner(_Reading(pairs, number))  # type: ignore[arg-type]  # any object with these members will do
    except (ImportError, AttributeError):
        return public

    def quick(text: str, at: int) -> tuple[Any, int]:
        try:
            return scan(text, at)
        except (ValueError, StopIteration, SystemError):  # with json not imported it cannot say what is wrong
            return public(text, at)

    return quick


def loads(text: str, pairs: Pairs | None = None) -> Any:
    """Return the value of a JSON text, as `json.loads` does, whose errors it raises; NaN and Infinity are errors."""
    start = len(text) - len(text.lstrip(SPACE))
    value, end = scanner(pairs)(text, start)
    if text[end:].strip(SPACE):
        import json

        json.loads(text, parse_constant=refuse)
    return value


def _no_json(value: object) -> object:
    raise TypeError(f"{type(value).__name__} is not JSON")


def dumps(value: object) -> str:
    """Return a value as one line of JSON, all ASCII."""
    try:
        from _json import encode_basestring_ascii, make_encoder

        encode = make_encoder({}, _no_json, encode_basestring_ascii, None, ": ", ", ", False, False, True)
        return "".join(encode(value, 0))
    except (ImportError, TypeError):
        import json

        return json.dumps(value)


def quoted(text: str) -> str:
    """Return a text as JSON, with its letters as they are."""
    try:
        from _json import encode_basestring
    except ImportError:
        import json

        return json.dumps(text, ensure_ascii=False)
    return encode_basestring(text)
