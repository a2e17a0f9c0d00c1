"""JSON without the `json` module, which imports `re` and `enum`: 0.8 of Python's own start saved on every hot way.

The C parts below it are in every CPython since 3.6. Where one is missing, has changed, or has something to complain
about, `json` itself does the work: with it not imported they cannot say what is wrong.
"""

from __future__ import annotations

try:
    import _json as c
except ImportError:
    c = None  # type: ignore[assignment]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Pairs = Callable[[list[tuple[str, Any]]], object]
    Scan = Callable[[str, int], tuple[Any, int]]

SPACE = " \t\r\n"  # JSON's


def _json() -> Any:
    from llmswitch.base import plain_json  # only for what the parts in C cannot do, or cannot explain

    return plain_json


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
    reading: Any = _Reading(pairs, number)
    quick = c.make_scanner(reading) if hasattr(c, "make_scanner") else None

    def scan(text: str, at: int) -> tuple[Any, int]:
        try:
            if quick:
                found: tuple[Any, int] = quick(text, at)
                return found
        except (ValueError, StopIteration, SystemError):
            pass
        decoded: tuple[Any, int] = _json().decoded(text, at, refuse, pairs, number)
        return decoded

    return scan


def loads(text: str, pairs: Pairs | None = None) -> Any:
    """Return the value of a JSON text, as `json.loads` does, whose errors it raises; NaN and Infinity are errors."""
    start = len(text) - len(text.lstrip(SPACE))
    value, end = scanner(pairs)(text, start)
    if text[end:].strip(SPACE):
        _json().loads(text, refuse)
    return value


def _no_json(value: object) -> object:
    raise TypeError(f"{type(value).__name__} is not JSON")


def dumps(value: object) -> str:
    """Return a value as one line of JSON, all ASCII."""
    try:
        encode = c.make_encoder({}, _no_json, c.encode_basestring_ascii, None, ": ", ", ", False, False, True)
        return "".join(encode(value, 0))
    except (AttributeError, TypeError):
        return str(_json().dumps(value))


def pages(value: object) -> str:
    """Return a value as JSON over several lines, with its letters as they are."""
    return str(_json().dumps(value, indent=2, ensure_ascii=False))


def quoted(text: str) -> str:
    """Return a text as JSON, with its letters as they are."""
    if hasattr(c, "encode_basestring"):
        return c.encode_basestring(text)
    return str(_json().dumps(text, ensure_ascii=False))
