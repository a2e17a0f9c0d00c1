"""Results as lines of text. Nothing here decides anything, and no key gets in unmasked."""

from __future__ import annotations

from llmswitch.identity import BASE_URL, SECRET_BEARING, START_MODEL
from llmswitch.secret import STARS, mask, redacted
from llmswitch.slots import VARIABLES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from llmswitch.commands.keys import KeyRow
    from llmswitch.commands.status import Status
    from llmswitch.commands.switch import Request, Switched

NONE = "—"
_LABELS = {BASE_URL: "base URL", START_MODEL: "start", **{name: slot for slot, name in VARIABLES.items()}}


def shown(name: str, value: str | None) -> str:
    """Return a member's value as a person may see it: secrets masked, "" and absent told apart."""
    if value is None:
        return NONE
    return '""' if value == "" else mask(value) if name in SECRET_BEARING else redacted(value)


def short_path(path: str, home: str) -> str:
    """Return a path with `~` for the home folder."""
    return "~" + path[len(home) :] if home and (path == home or path.startswith(home + "/")) else path


def columns(rows: Sequence[Sequence[str]], indent: str = "  ") -> list[str]:
    """Return rows of cells as lines with the cells below each other."""
    widths = [max(len(row[index]) for row in rows) for index in range(len(rows[0]))] if rows else []
    return [
        (indent + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))).rstrip()
        for row in rows
    ]


def switched(done: Switched, dry_run: bool, home: str) -> list[str]:
    """Return what a switch did: where, to which host, and each changed member."""
    where, name = short_path(done.root, home), done.preset.name
    if done.follows:
        return [f"Nothing to do: {where} follows the main checkout, which is on {name} already."]
    changes = _changes(done)
    if not changes and not done.written:
        return [f"Nothing to do: {where} is on {name} ({done.host}) already."]
    verb = "Would switch" if dry_run else "Switched"
    lines = [f"{verb} {where} to {name} ({done.host})."]
    named = {name: change for name, change in changes.items() if change[1] or change[0]}
    order = [*VARIABLES.values(), START_MODEL, BASE_URL, *named]
    rows = [
        (_LABELS.get(name, name), shown(name, named[name][0]), "→", shown(name, named[name][1]))
        for name in dict.fromkeys(order)
        if name in named
    ]
    lines += columns(rows)
    blanked = [name for name in changes if name not in named]
    if blanked:
        lines += _wrapped("kept empty, so that nothing else mixes in: ", blanked)
    if not changes:
        lines.append(f"  Only the mode of {short_path(done.path, home)} changed, to 0600.")
    return lines


def _changes(done: Switched) -> dict[str, tuple[str | None, str | None]]:
    names = [*done.after, *(name for name in done.before if name not in done.after)]
    pairs = {name: (done.before.get(name), done.after.get(name)) for name in names}
    # A leftover "" that goes away is no news; one that comes is listed by name.
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1] and pair != ("", None)}


def _wrapped(lead: str, words: Sequence[str], width: int = 100) -> list[str]:
    import textwrap

    return textwrap.wrap(lead + ", ".join(words), width, initial_indent="  ", subsequent_indent="    ")


def remarks(done: Switched, request: Request) -> list[str]:
    """Return what the user should know besides: exported overrides, the ignore rule, what open sessions do now."""
    dry_run = request.dry_run
    lines = [
        f"{slot} is {request.overrides[slot]}, from the exported {variable}."
        for slot, variable in request.exported.items()
        if slot in done.record.overrides
    ]
    if done.ignored_in:
        verb = "would get" if dry_run else "got"
        lines.append(f"{done.ignored_in} {verb} a rule, so that git ignores the file that holds the key.")
    for name, text in done.record.foreign.items():
        lines.append(f"{name} was not ours and {'would be' if dry_run else 'is'} replaced; it was: {text}")
    return [*lines, *done.notices] if dry_run or not done.written else [*lines, *done.notices, *sessions(done)]


def sessions(done: Switched) -> list[str]:
    """Return the truth about Claude Code sessions that are open here (measured on 2.1.329).

    They take changed and added variables within seconds, never drop removed ones, and keep their start model.
    """
    old, new = done.before.get(BASE_URL), done.after.get(BASE_URL)
    removed = [name for name, text in done.before.items() if text and name not in done.after]
    if not done.after.get(BASE_URL):
        return (
            ["Claude Code sessions that are open here keep the old backend until you restart them."] if old else []
        )
    start = done.after.get(START_MODEL)
    if old == new:
        lines = ["Open Claude Code sessions here follow within seconds."]
        if done.before.get(START_MODEL) != start:
            lines = [f"Open Claude Code sessions here follow within seconds; restart them to start on {start}."]
    else:
        lines = [
            f"Open Claude Code sessions here now send to {done.host}, their conversation too, and keep their",
            f"start model; restart them to start on {start}.",
        ]
    return [*lines, f"Until then they also keep: {', '.join(removed)}."] if removed else lines


def status(report: Status, home: str) -> list[str]:
    """Return the full text of `llmswitch status`."""
    data = report.data()
    branch = f" ({data['branch']})" if data["branch"] else ""
    lines = [f"{short_path(report.worktree, home)}{branch}: {headline(report)}"]
    if report.preset != "claude" and not report.broken:
        lines += columns(_facts(data)) + columns(_slot_rows(data))
    for problem in report.problems:
        lines.append(f"{problem.level}: {problem.message}" + (f" → {problem.fix}" if problem.fix else ""))
    return lines


def headline(report: Status) -> str:
    """Return the state in a few words: the preset and what was changed in it."""
    if report.broken:
        return "Claude Code ignores the settings file"
    if report.preset is None:
        return "not a known preset"
    changed = report.data()["overrides"]
    words = ", ".join(changed) if isinstance(changed, list) else ""
    if report.preset == "claude":
        return "claude (Claude Code's own backend)"
    lead = "follows main: " if report.follows_main else ""
    return f"{lead}{report.preset}, {words} changed" if words else lead + report.preset


def _facts(data: Mapping[str, object]) -> list[tuple[str, str]]:
    credential = data["credential"]
    key = [("key", _credential(credential))] if isinstance(credential, dict) else []
    return [("base URL", str(data["base_url"] or NONE)), *key, ("start", str(data["start_slot"] or NONE))]


def _credential(credential: Mapping[str, object]) -> str:
    kind, source = credential["kind"], credential["source"]
    sent = {"bearer": "sent as Authorization: Bearer", "api-key": "sent as x-api-key", "none": "none needed"}
    text = f"{credential['masked'] or NONE} {sent.get(str(kind), 'from apiKeyHelper')}"
    return f"{text}, from {source}" if source else text


def _slot_rows(data: Mapping[str, object]) -> list[tuple[str, ...]]:
    slots = data["slots"]
    return [_slot_row(slot, entry, data) for slot, entry in slots.items()] if isinstance(slots, dict) else []


def _slot_row(slot: str, entry: Mapping[str, object], data: Mapping[str, object]) -> tuple[str, ...]:
    empty = "(inherits)" if slot == "subagent" else NONE
    same = entry["model"] == entry["preset_model"] or data["preset"] is None
    wanted = ("", "") if same else ("≠", str(entry["preset_model"] or empty))
    shadow, origin = entry["shadowed_by"], entry["origin"]
    where = (
        f"SHADOWED by {shadow}" if shadow else f"from {origin}" if origin not in ("worktree", "default") else ""
    )
    return slot.ljust(len("base URL")), str(entry["model"] or empty), *wanted, where


def short(report: Status) -> str:
    """Return one word for a prompt: the preset, `*` where something differs from it, `!` for a broken file."""
    if report.broken:
        return "!"
    mark = "*" if report.drift or report.data()["overrides"] else ""
    return f"{report.preset or '?'}{mark}"


def presets(rows: Sequence[Mapping[str, object]]) -> list[str]:
    """Return `llmswitch list` as columns, the current preset marked."""
    cells = [
        (
            "*" if row["current"] else " ",
            *(str(row[field] or NONE) for field in ("name", "host", "key", "origin", "title")),
        )
        for row in rows
    ]
    return columns([(" ", "PRESET", "HOST", "KEY", "FROM", "TITLE"), *cells], indent="")


def preset(data: Mapping[str, object]) -> list[str]:
    """Return `llmswitch show` as text."""
    lines = [f"{data['name']}: {data['title']}", *_about(data)]
    slots, writes, notes = data["slots"], data["writes"], data["notes"]
    if isinstance(slots, dict) and data["base_url"]:
        lines += ["slots", *columns([(slot, str(model or "(inherits)")) for slot, model in slots.items()])]
    if isinstance(writes, dict) and writes:
        lines += [
            "writes",
            *columns([(name, text if text == STARS else shown("", text)) for name, text in writes.items()]),
        ]
    if data["incomplete"]:
        lines.append(str(data["incomplete"]))
    return lines + [f"note: {note}" for note in notes] if isinstance(notes, list) else lines


def _about(data: Mapping[str, object]) -> list[str]:
    fields = ("base_url", "key", "auth", "start_slot", "verified", "docs", "file")
    return columns([(field.replace("_", " "), str(data[field])) for field in fields if data[field]])


def keys(rows: Sequence[KeyRow]) -> list[str]:
    """Return `llmswitch keys` as columns."""
    cells = [(row.name, row.source or row.problem or "missing", ", ".join(row.presets) or NONE) for row in rows]
    return columns([("KEY", "WHERE", "USED BY"), *cells], indent="")
