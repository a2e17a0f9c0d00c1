"""A number as Claude Code prints it: as JavaScript does (ECMA-262, Number::toString; seen on 2.1.332)."""

from __future__ import annotations

from decimal import Decimal

LARGEST = 1e21  # from here on with an exponent
SMALLEST = 1e-6  # and below this


def javascript(number: float) -> str:
    """Return a JSON number as text: the shortest one that is read as the same 64-bit number."""
    try:
        value = float(number)
    except OverflowError:
        value = float("inf") if number > 0 else float("-inf")
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    if value == 0:
        return "0"  # -0 too
    if SMALLEST <= abs(value) < LARGEST:
        text = f"{Decimal(repr(value)):f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    digits, _, exponent = repr(value).partition("e")
    return f"{digits.removesuffix('.0')}e{int(exponent):+d}"
