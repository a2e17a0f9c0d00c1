"""Change members of a JSON object inside a text and leave every other character as it was.

Nothing is ever re-serialised: numbers, escapes, indentation and line ends outside the changed members stay
what they are. Adding members and dropping them again gives back the same text.
"""

from __future__ import annotations

from llmswitch.base.fastjson import SPACE, dumps, scanner

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


class SpliceError(ValueError):
    """The text is not what Claude Code would read; the message has line and column, never the text itself."""

    def __init__(self, why: str, text: str, at: int) -> None:
        line, column = text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
        super().__init__(f"line {line}, column {column}: {why}")


class Member:
    """One `key: value` of an object; all positions are offsets into the text."""

    __slots__ = ("end", "key", "key_end", "start", "value", "value_start")

    def __init__(self, key: str, value: object, start: int, key_end: int, value_start: int, end: int) -> None:
        self.key, self.value = key, value
        self.start, self.key_end, self.value_start, self.end = start, key_end, value_start, end


class Span:
    """An object in a text: where its braces are, and its members in order."""

    __slots__ = ("_named", "close", "members", "open", "text")

    def __init__(self, text: str, open_: int, close: int, members: list[Member]) -> None:
        self.text, self.open, self.close, self.members = text, open_, close, members
        self._named = {member.key: member for member in members}

    def get(self, key: str) -> Member | None:
        """Return the member of that name, or None."""
        return self._named.get(key)

    def raw(self, key: str) -> str | None:
        """Return a member's value as it is written, or None."""
        member = self.get(key)
        return self.text[member.value_start : member.end] if member else None

    def gap(self, index: int) -> str:
        """Return the white space before a member: what follows `{` or the comma."""
        start = self.members[index - 1].end if index else self.open + 1
        before = self.text[start : self.members[index].start]
        return before.partition(",")[2] if index else before


BOM = "\ufeff"
# Numbers stay text: json would refuse integers of more than 4300 digits and round the others.
_scan = scanner(number=str)


def document(text: str) -> Span:
    """Return the root object of a whole JSON text.

    Raises SpliceError for anything Claude Code's parser refuses, and for a key that stands twice.
    """
    span = members_of(text, _skip(text, 1 if text.startswith(BOM) else 0))
    if (end := _skip(text, span.close + 1)) != len(text):
        raise SpliceError("more text after the end of the JSON object", text, end)
    return span


def members_of(text: str, at: int) -> Span:
    """Return the object whose `{` is at that offset."""
    if text[at : at + 1] != "{":
        raise SpliceError("a JSON object must start here", text, at)
    members: list[Member] = []
    seen: set[str] = set()
    here = _skip(text, at + 1)
    while members or text[here : here + 1] != "}":
        member = _member(text, here)
        if member.key in seen:
            raise SpliceError(f"the key {dumps(member.key)} stands twice", text, here)
        seen.add(member.key)
        members.append(member)
        here = _skip(text, member.end)
        if text[here : here + 1] == "}":
            break
        if text[here : here + 1] != ",":
            raise SpliceError("a comma or } must stand here", text, here)
        here = _skip(text, here + 1)
    return Span(text, at, here, members)


def _member(text: str, start: int) -> Member:
    if text[start : start + 1] != '"':
        raise SpliceError("a key in double quotes must stand here, not a comment or a comma", text, start)
    key, key_end = _value(text, start)
    colon = _skip(text, key_end)
    if text[colon : colon + 1] != ":":
        raise SpliceError("a colon must stand here", text, colon)
    value_start = _skip(text, colon + 1)
    value, end = _value(text, value_start)
    return Member(str(key), value, start, key_end, value_start, end)


def _value(text: str, at: int) -> tuple[object, int]:
    try:
        return _scan(text, at)
    except RecursionError:
        why, where = "too deeply nested", at
    except ValueError as error:  # of NaN and Infinity it has no position
        said = getattr(error, "msg", "")
        why, where = said[:1].lower() + said[1:] or str(error), getattr(error, "pos", at)
    raise SpliceError(why, text, where)


def _skip(text: str, at: int) -> int:
    while text[at : at + 1] and text[at] in SPACE:
        at += 1
    return at


def drop(span: Span, keys: Collection[str]) -> str:
    """Return the text without those members; the rest keeps its own separators."""
    keys = frozenset(keys)
    kept = [member for member in span.members if member.key not in keys]
    if len(kept) == len(span.members):
        return span.text
    if not kept:
        return _emptied(span)
    pieces, start = [], 0
    for index, member in enumerate(span.members):
        if member.key in keys:
            leading = member.start < kept[0].start
            pieces.append(span.text[start : member.start if leading else span.members[index - 1].end])
            start = span.members[index + 1].start if leading else member.end
    return "".join(pieces) + span.text[start:]


def _emptied(span: Span) -> str:
    """Return the text with an empty object that has the white space it had before `_filled`."""
    gap = span.gap(0)
    line = gap.rfind("\n")
    space = gap if line < 0 else gap[:line].removesuffix("\r")
    return f"{span.text[: span.open + 1]}{space}{span.text[span.close :]}"


def put(span: Span, members: Mapping[str, str], outer: Span | None = None) -> str:
    """Return the text with those members (key → value as JSON text): changed in place, or added at the end.

    `outer` is the object around this one; an empty object takes its style from there.
    """
    pieces, start = [], 0
    for member in span.members:
        if member.key in members:
            pieces.append(span.text[start : member.value_start] + members[member.key])
            start = member.end
    new = {key: raw for key, raw in members.items() if span.get(key) is None}
    stop = span.members[-1].end if span.members else span.open + 1
    pieces.append(span.text[start:stop])
    added = _appended(span, new) if span.members else _filled(span, new, outer)
    return "".join(pieces) + added + span.text[stop if span.members else span.close :]


def _appended(span: Span, new: Mapping[str, str]) -> str:
    gap, colon = span.gap(len(span.members) - 1) or " ", _colon(span)
    return "".join(f",{gap}{dumps(key)}{colon}{raw}" for key, raw in new.items())


def _filled(span: Span, new: Mapping[str, str], outer: Span | None) -> str:
    """Return what goes between the braces of an empty object: its own white space, then the members."""
    space = span.text[span.open + 1 : span.close]
    if not new:
        return space
    line = "\r\n" if "\r\n" in span.text or space.endswith("\r") else "\n"
    around, colon = (outer.gap(len(outer.members) - 1), _colon(outer)) if outer else (line, ": ")
    if "\n" in around or "\n" in space:
        close = line + around.rpartition("\n")[2] if "\n" in around else line
        gap = between = close + (close.lstrip("\r\n") or "  ")
    else:
        close, gap, between = "", "", " "
    pairs = [f"{dumps(key)}{colon}{raw}" for key, raw in new.items()]
    return space + gap + f",{between}".join(pairs) + close


def _colon(span: Span) -> str:
    last = span.members[-1]
    return span.text[last.key_end : last.value_start]
