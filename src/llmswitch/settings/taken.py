"""What a switch takes out of a settings file that was the user's own: kept without secrets, and put back in its place.

Each member is kept with its own bytes and the name of its neighbour, so that a file which nobody else changed
meanwhile is the same again, byte for byte, and one that somebody did change keeps what is new in it.
"""

from __future__ import annotations

from llmswitch.base.fastjson import loads
from llmswitch.claude.variables import KEYLESS_TOKEN, OURS, TOP_MEMBERS, as_text, may_be_secret
from llmswitch.settings.settings import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from llmswitch.settings.state import Record
    from llmswitch.settings.text import Span

ROOT, ENV = "root", "env"


def noted(
    before: Mapping[str, Any], settings: Settings, base: Settings | None, records: Sequence[Record], own: bool
) -> dict[str, object]:
    """Return the fields of a record that say what was not ours: on top of what was found `before`.

    `own`: no pin of ours is in the settings, so that all which `base` lacks of them is the user's own.
    """
    found = before.get("taken") or (taken(settings, base) if own else {})
    return {"foreign": foreign(settings, records) | before.get("foreign", {}), "taken": found}


def foreign(settings: Settings, records: Sequence[Record]) -> dict[str, str]:
    """Return the identity members that no record wrote and that hold no secret; a blank counts, it cancels something.

    A pin of ours has every one of them, so its blanks cannot be told from the user's.
    """
    pinned_before = any(record.pin for record in records)
    return {
        name: text
        for name, text in settings.values().items()
        if name in OURS and not may_be_secret(name, text) and not (text == "" and pinned_before)
        if all(record.pin.get(name) != text for record in records)
    }


def taken(before: Settings, after: Settings | None) -> dict[str, Any]:
    """Return what an edit took out of `before`, as JSON data: pieces of its text with "" for each secret.

    {} where it took nothing.
    """
    secrets = [name for name, text in before.values().items() if _is_secret(name, text)]
    before = before.with_members(dict.fromkeys(secrets, '""'))
    if after is None or after.root is None:
        found: dict[str, Any] = {"text": before.text}
    else:
        then, now = _members(before), _members(after)
        found = {ROOT: _pieces(before.root, after.root), ENV: _pieces(before.env, after.env)}
        found["changed"] = {name: raw for name, raw in then.items() if name in now and now[name] != raw}
    found = {part: what for part, what in found.items() if what}
    return {**found, "secrets": secrets} if found else {}


def _is_secret(name: str, text: str) -> bool:
    return name in OURS and text != KEYLESS_TOKEN and may_be_secret(name, text)


def _pieces(before: Span | None, after: Span | None) -> list[list[str | None]]:
    """Return [name, neighbour, text] of each member that is gone from an object.

    The neighbour is the member before it, None for those at the object's start. Where nothing is left, the one piece
    has no name and is all that stood between the braces.
    """
    if before is None or after is None:
        return []
    gone = [index for index, member in enumerate(before.members) if after.get(member.key) is None]
    if gone and len(gone) == len(before.members):
        return [[None, None, before.text[before.open + 1 : before.close]]]
    pieces: list[list[str | None]] = []
    for index in gone:
        member = before.members[index]
        if gone[index : index + 1] == [index]:  # it and all before it are gone
            pieces.append([member.key, None, before.text[member.start : before.members[index + 1].start]])
        else:
            last = before.members[index - 1]
            pieces.append([member.key, last.key, before.text[last.end : member.end]])
    return pieces


def put_back(base: Settings | None, found: Mapping[str, Any], secrets: Mapping[str, str]) -> Settings:
    """Return the settings with what `taken` found in its old place, and the secrets (name → JSON text) in theirs.

    ValueError where somebody changed what was found into something else than a switch takes out.
    """
    base = base or Settings("\n")
    if text := found.get("text"):
        whole = Settings(text)
        settings = whole if base.blank else base.with_members(_members(whole))
    else:
        settings = _with_pieces(base, found)
    known = {"env", *TOP_MEMBERS, *(member.key for member in (base.root.members if base.root else ()))}
    if settings.root and (strange := {member.key for member in settings.root.members} - known):
        raise ValueError(f"a switch does not take out {strange.pop()}")
    return settings.with_members({name: raw for name, raw in secrets.items() if name in found["secrets"]})


def _with_pieces(settings: Settings, found: Mapping[str, Any]) -> Settings:
    for part in (ROOT, ENV):
        pieces = found.get(part, ())
        first, others = [p for p in pieces if p[1] is None], [p for p in pieces if p[1] is not None]
        for name, neighbour, text in [*reversed(first), *others]:
            span = settings.root if part == ROOT else settings.env
            at = _place(span, name, neighbour, text)
            if span and at is not None:
                settings = Settings(f"{span.text[: at[0]]}{text}{span.text[at[1] :]}")
            else:
                settings = settings.with_members(_raws(part, text))
    return settings.with_members(found.get("changed", {}))


def _place(span: Span | None, name: str | None, neighbour: str | None, text: str) -> tuple[int, int] | None:
    """Return the stretch of the text that a piece takes the place of, None where its place is gone."""
    if span is None or bool(span.members) == (name is None):
        return None
    if name is None:
        return span.open + 1, span.close
    if neighbour is None:
        return span.members[0].start, span.members[0].start
    last = span.get(neighbour) or span.members[-1]
    return last.end, last.end


def _raws(part: str, text: str) -> dict[str, str]:
    """Return the members of a piece (name → JSON text)."""
    piece = text.strip(" \t\r\n,")
    return _members(Settings(f'{{"env": {{{piece}}}}}' if part == ENV else f"{{{piece}}}"))


def _members(settings: Settings) -> dict[str, str]:
    """Return all that settings say of the backend, and all their variables (name → JSON text)."""
    names = [member.key for member in settings.env.members] if settings.env else []
    return {name: raw for name in (*names, *TOP_MEMBERS) if (raw := settings.raw(name)) is not None}


def values(found: Mapping[str, Any]) -> dict[str, str]:
    """Return what `taken` found, as text; a secret is ""."""
    raws = _members(Settings(found["text"])) if "text" in found else dict(found.get("changed", {}))
    for part in (ROOT, ENV):
        for _, _, text in found.get(part, ()):
            raws |= _raws(part, text)
    return {name: as_text(loads(raw), name) for name, raw in raws.items()}
