"""What a switch did, as lines of text."""

from __future__ import annotations

from llmswitch.claude.variables import ALLOWED, BASE_URL, OURS, START_MODEL, VARIABLES, shown
from llmswitch.views.text import LABELS, columns, short_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from llmswitch.claude.sessions import Session
    from llmswitch.commands.request import Request
    from llmswitch.commands.several import Switched


def switched(done: Switched, dry_run: bool, home: str) -> list[str]:
    """Return what a switch did: where, to which host, and each changed member."""
    where, name = short_path(done.checkout.root, home), done.chosen.preset.name
    if done.follows:
        return [f"Nothing to do: {where} follows the main checkout, which is on {name} already."]
    changes = changes_of(done)
    if not changes and done.live:
        return [f"Nothing to take away: {where} was on {name} ({done.host}) already."]
    if not changes and not done.written:
        return [f"Nothing to do: {where} is on {name} ({done.host}) already."]
    verb = "Would switch" if dry_run else "Switched"
    lines = [f"{verb} {where} to {name} ({done.host})."]
    lines += _rows({name: pair for name, pair in changes.items() if any(pair) and (name in OURS or None not in pair)})
    fresh = [name for name, pair in changes.items() if name not in OURS and pair[0] is None and name != ALLOWED]
    lines += [f"  also set: {', '.join(f'{name} {shown(name, changes[name][1])}' for name in fresh)}"] if fresh else []
    gone = [name for name, pair in changes.items() if name not in OURS and pair[1] is None]
    lines += [f"  gone: {', '.join(gone)}"] if gone else []
    if blanked := [name for name, pair in changes.items() if not any(pair)]:
        which = f": {', '.join(blanked)}" if dry_run else f" (llmswitch show {name})"
        lines.append(f"  {len(blanked)} set to empty, so that nothing of yours mixes in{which}")
    if done.after.get(ALLOWED) and ALLOWED in changes:
        lines.append("  /model offers only these; add --also ID for one more, --also any for all")
    if not changes:
        made = done.done.change if done.done else None
        same = made is None or (made.before and made.before.text) == (made.after and made.after.text)
        what, how = ("mode", ", to 0600") if same else ("spelling", ", not what it says")
        lines.append(f"  Only the {what} of {short_path(done.checkout.file.path, home)} changed{how}.")
    return lines


def _rows(named: Mapping[str, tuple[str | None, str | None]]) -> list[str]:
    """Return a row for each changed member, before and after it; slots that change alike share one."""
    alike: dict[tuple[str | None, str | None], list[str]] = {}
    for slot, name in VARIABLES.items():
        if name in named:
            alike.setdefault(named[name], []).append(slot)
    found = [(", ".join(slots), "", pair) for pair, slots in alike.items()]
    others = [name for name in dict.fromkeys([START_MODEL, BASE_URL, *named]) if name in named]
    found += [(LABELS.get(name, name), name, named[name]) for name in others if name not in VARIABLES.values()]
    return columns([(label, shown(name, pair[0]), "→", shown(name, pair[1])) for label, name, pair in found])


def changes_of(done: Switched) -> dict[str, tuple[str | None, str | None]]:
    """Return {member: (text before, text after)} of the members that a switch changed."""
    names = [*done.after, *(name for name in done.before if name not in done.after)]
    pairs = {name: (done.before.get(name), done.after.get(name)) for name in names}
    # A leftover "" that goes away is no news; one that comes is listed by name.
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1] and pair != ("", None)}


def exported(request: Request) -> list[str]:
    """Return which overrides were exported and not typed."""
    found, models = request.exported.items(), request.overrides
    return [f"{slot} is {models[slot]}, from the exported {variable}." for slot, variable in found]


def remarks(done: Switched, request: Request, open_here: Sequence[Session] | None) -> list[str]:
    """Return what the user should know besides: exported overrides, the ignore rule, what open sessions do now.

    `open_here` are the sessions that a switch here reaches, None where nobody can know.
    """
    dry_run = request.dry_run
    lines = exported(request) if done.chosen.overrides else []
    record = done.done.change.record if done.done else None
    if done.done and done.done.ignored_in:
        verb = "would get" if dry_run else "got"
        lines.append(f"{done.done.ignored_in} {verb} a rule, so that git ignores the file that holds the key.")
    held = {name: text for name, text in record.foreign.items() if text} if record else {}
    for name, text in held.items():
        verb = "would be" if dry_run else "is"
        lines.append(f"{name} was not ours and {verb} replaced; it was: {text}")
    if dry_run or not done.written or open_here == []:
        return [*lines, *done.notices]
    from llmswitch.views import open_sessions  # only where one may be open

    return [*lines, *done.notices, *open_sessions.sessions(done, open_here)]
