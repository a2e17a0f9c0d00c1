"""What a switch did, as lines of text."""

from __future__ import annotations

from llmswitch.claude.variables import BASE_URL, CLOUDS, START_MODEL, VARIABLES, shown
from llmswitch.views.text import LABELS, columns, short_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from llmswitch.claude.sessions import Session
    from llmswitch.commands.request import Request
    from llmswitch.commands.several import Switched


def switched(done: Switched, dry_run: bool, home: str) -> list[str]:
    """Return what a switch did: where, to which host, and each changed member."""
    where, name = short_path(done.checkout.root, home), done.chosen.preset.name
    if done.follows:
        return [f"Nothing to do: {where} follows the main checkout, which is on {name} already."]
    changes = _changes(done)
    if not changes and done.live:
        return [f"Nothing to take away: {where} was on {name} ({done.host}) already."]
    if not changes and not done.written:
        return [f"Nothing to do: {where} is on {name} ({done.host}) already."]
    verb = "Would switch" if dry_run else "Switched"
    lines = [f"{verb} {where} to {name} ({done.host})."]
    named = {name: change for name, change in changes.items() if change[1] or change[0]}
    order = [*VARIABLES.values(), START_MODEL, BASE_URL, *named]
    rows = [
        (LABELS.get(name, name), shown(name, named[name][0]), "→", shown(name, named[name][1]))
        for name in dict.fromkeys(order)
        if name in named
    ]
    lines += columns(rows)
    blanked = [name for name in changes if name not in named]
    if blanked:
        lines += _wrapped("kept empty, so that nothing else mixes in: ", blanked)
    if not changes:
        lines.append(f"  Only the mode of {short_path(done.checkout.file.path, home)} changed, to 0600.")
    return lines


def _changes(done: Switched) -> dict[str, tuple[str | None, str | None]]:
    names = [*done.after, *(name for name in done.before if name not in done.after)]
    pairs = {name: (done.before.get(name), done.after.get(name)) for name in names}
    # A leftover "" that goes away is no news; one that comes is listed by name.
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1] and pair != ("", None)}


def _wrapped(lead: str, words: Sequence[str], width: int = 100) -> list[str]:
    import textwrap

    return textwrap.wrap(lead + ", ".join(words), width, initial_indent="  ", subsequent_indent="    ")


def exported(request: Request) -> list[str]:
    """Return which overrides were exported and not typed."""
    return [
        f"{slot} is {request.overrides[slot]}, from the exported {variable}."
        for slot, variable in request.exported.items()
    ]


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
    for name, text in record.foreign.items() if record else ():
        verb = "would be" if dry_run else "is"
        lines.append(f"{name} was not ours and {verb} replaced; it was: {text or 'empty'}")
    return (
        [*lines, *done.notices] if dry_run or not done.written else [*lines, *done.notices, *sessions(done, open_here)]
    )


def sessions(done: Switched, open_here: Sequence[Session] | None) -> list[str]:
    """Return the truth about Claude Code sessions that are open here (measured on 2.1.329).

    They take changed and added variables within seconds, never drop removed ones, and keep their start model.
    """
    if open_here is None:
        return _what_happens(done)
    follow = [session for session in open_here if not session.overlay]
    apart = len(open_here) - len(follow)
    if not follow:
        return ["No open Claude Code session follows this."] if apart else []
    numbers = ", ".join(str(session.pid) for session in follow)
    return [*_what_happens(done), f"Open here now: process {numbers}."]


def _what_happens(done: Switched) -> list[str]:
    if any(values.get(name) for values in (done.before, done.after) for name in CLOUDS.values()):
        return ["Restart the Claude Code sessions that are open here; until then they may send to either backend."]
    old, new = done.before.get(BASE_URL), done.after.get(BASE_URL)
    removed = [name for name, text in done.before.items() if text and name not in done.after]
    start = done.after.get(START_MODEL)
    restart = f"restart them to start on {start}" if start else "restart them"
    if not new:
        return _back_home(done) if old else []
    if old == new:
        again = "" if done.before.get(START_MODEL) == start else f"; {restart}"
        lines = [f"Open Claude Code sessions here follow within seconds{again}."]
    else:
        lines = [
            f"Open Claude Code sessions here now send to {done.host}, their conversation too, and keep their",
            f"start model; {restart}.",
        ]
    if not old:
        lines.append("Until then one that started on Claude Code's default uses the opus slot with a 1M window.")
    return [*lines, f"Until then they also keep: {', '.join(removed)}."] if removed else lines


def _back_home(done: Switched) -> list[str]:
    if done.keeps_key:
        return [
            f"Open Claude Code sessions here go to {done.lower_host} now, which other settings name, and still send",
            "the old key there: end them.",
        ]
    if done.lower_host:
        return [f"Open Claude Code sessions here go to {done.lower_host} now, which your other settings name."]
    if done.live:
        return [
            "Open Claude Code sessions here are back on your login. A key that is exported in their shell comes back",
            "when they are restarted.",
        ]
    return ["Claude Code sessions that are open here keep the old backend until you restart them."]
