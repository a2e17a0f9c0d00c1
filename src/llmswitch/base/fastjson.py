"""Parts of the standard library without what their modules bring along, which costs more than a whole `status`.

`json` imports `re` and `enum`, and `hashlib` loads OpenSSL: a third of Python's own start and more. The C parts below
them are in every CPython since 3.6; where one is missing or has changed, the public module does the same.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Iterator
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


class Pattern:
    """A regular expression that is compiled when it is first needed."""

    def __init__(self, text: str, ignore_case: bool = False) -> None:
        self.text, self._ignore_case = text, ignore_case
        self._compiled: re.Pattern[str] | None = None

    @property
    def compiled(self) -> re.Pattern[str]:
        """The expression, compiled."""
        if self._compiled is None:
            import re

            self._compiled = re.compile(self.text, re.IGNORECASE if self._ignore_case else 0)
        return self._compiled

    def found_in(self, text: str) -> bool:
        """Say whether it matches anywhere in a text."""
        return self.compiled.search(text) is not None

    def finds(self, text: str) -> Iterator[str]:
        """Yield what it matches in a text."""
        return (match[0] for match in self.compiled.finditer(text))
