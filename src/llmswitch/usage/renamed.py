"""Which of two ids that differ are the same model all the same: what providers add to an id or leave out of it."""

from __future__ import annotations

from llmswitch.base import days

# What is harmless at the end of an id, without a case; `statusline --cost` has no time for patterns. Besides these:
# a day (claude-sonnet-4-5-20250929, gpt-5@2025-08-07, kimi-k2-0905) and a version of Bedrock's (-v1:0).
ROUTED = (":free", ":exacto", ":nitro", ":floor", ":online", ":beta", ":thinking", ":extended")  # x/y:free is x/y
MOVING = ("-latest", "-preview")  # mistral-large-latest
_undated: dict[str, str] = {}


def undated(model: str) -> str:
    """Return a model's id without what providers add to it."""
    if model not in _undated:
        name = _without_year(_without(model, ROUTED))
        if len(name) > 5 and name[-5] == "-" and _is_day("2000" + name[-4:]):
            name = name[:-5]
        _undated[model] = _without(_unversioned(name), MOVING)
    return _undated[model]


def _without(name: str, ends: tuple[str, ...]) -> str:
    return next((name.removesuffix(end) for end in ends if name.endswith(end)), name)


def _without_year(name: str) -> str:
    """Return an id without each -YYYYMMDD, -YYYY-MM-DD or @… in it that is followed by nothing, a dash or a colon."""
    at = 0
    while (at := name.find("20", at)) >= 0:
        for length in (10, 8):
            day = name[at : at + length]
            if at and name[at - 1] in "-@" and name[at + length : at + length + 1] in ("", "-", ":") and _is_day(day):
                name, at = name[: at - 1] + name[at + length :], at - 2
                break
        at += 1
    return name


def _is_day(text: str) -> bool:
    try:
        days.number(text if len(text) == 10 else f"{text[:4]}-{text[4:6]}-{text[6:]}")
    except ValueError:
        return False
    return text.replace("-", "").isdigit()


def _unversioned(name: str) -> str:
    start, mark, version = name.rpartition("-v")
    numbers = version.split(":")
    return start if mark and len(numbers) == 2 and all(each.isdigit() for each in numbers) else name


def is_same(asked: str, answered: str) -> bool:
    """Say whether an answer's model is what was asked, by another name at most; a maker's name in front is none."""
    one, other = undated(asked).lower(), undated(answered).lower()
    if one == other or not asked:
        return True
    if "/" in one and "/" in other:
        return False
    return _version(one.rpartition("/")[2]) == _version(other.rpartition("/")[2])


def _version(name: str) -> str:
    return name.replace(".", "-")
