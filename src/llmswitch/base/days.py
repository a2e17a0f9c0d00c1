"""Days and times in ISO's form, without `datetime`, whose import takes a quarter of Python's own start."""

from __future__ import annotations

_EPOCH = 719_468  # days from the first of March of the year 0 to the first day of 1970


def number(text: str) -> int:
    """Return the days since 1970 of a date, YYYY-MM-DD; ValueError for anything else."""
    year, month, day = map(int, text.split("-")) if len(text) == 10 and text.isascii() else (0, 0, 0)
    if not (1 <= month <= 12 and 1 <= day <= 31):
        raise ValueError(text)
    # https://howardhinnant.github.io/date_algorithms.html#days_from_civil: a year that ends with February
    year, month = (year - 1, month + 9) if month < 3 else (year, month - 3)
    return year * 365 + year // 4 - year // 100 + year // 400 + (153 * month + 2) // 5 + day - 1 - _EPOCH


def milliseconds(text: object) -> int:
    """Return a time such as 2026-11-20T08:09:10.123Z, or with ±hh:mm, in ms since 1970; 0 for anything else."""
    if not isinstance(text, str) or text[10:11] not in ("T", " "):
        return 0
    clock, sign, away = text[11:].partition("+" if "+" in text else "-")
    try:
        ahead = int(away[:2]) * 60 + int(away[-2:]) if sign else 0
        hours, minutes, seconds = clock.removesuffix("Z").split(":")
        minute = number(text[:10]) * 1440 + int(hours) * 60 + int(minutes) - (-ahead if sign == "-" else ahead)
        return minute * 60_000 + round(float(seconds) * 1000)
    except (ValueError, OverflowError):
        return 0
