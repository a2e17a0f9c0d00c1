"""Presets, prices and ladders as lines of text."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from llmswitch.base.secret import STARS
from llmswitch.claude.variables import NONE, as_text, shown
from llmswitch.commands.cost import Row
from llmswitch.commands.models import Model
from llmswitch.presets.sessions import Session, hours, short
from llmswitch.views.narrow import table
from llmswitch.views.packed import packed
from llmswitch.views.text import columns

_HEAD = (" ", "PRESET", "KEY", "USD IN/OUT", "PRICED", "CHECKED", "TITLE")
_KEYS = {"saved": "", "unknown": " (not saved)"}


def presets(rows: Sequence[Mapping[str, Any]], width: int | None) -> list[str]:
    """Return `llmswitch list`: groups of presets, the current one marked; for a terminal of `width` letters."""
    cells = [_preset_cells(row) for row in rows]
    if _too_narrow(_HEAD, cells, width):
        lines = [[], *(packed(_HEAD, [row], width or _WIDTH) for row in cells)]
    else:
        lines = [[_cut(line, width)] for line in columns([_HEAD, *cells], indent="")]
    found, group = lines[0], None
    for row, each in zip(rows, lines[1:], strict=True):
        if row["group"] != group:
            group = row["group"]
            found.append(f"-- {group}")
        found += each
    return found


def _cut(line: str, width: int | None) -> str:
    return line if width is None or len(line) <= width else line[: width - 1] + "…"


def _too_narrow(head: Sequence[str], rows: Sequence[Sequence[str]], width: int | None) -> bool:
    """Say whether more would be cut than the end of the last column, the title."""
    return width is not None and max(map(len, columns([row[:-1] for row in (head, *rows)], indent=""))) + 14 > width


def has(row: Mapping[str, Any], word: str) -> bool:
    """Say whether a preset has a word in its names, title, group, key or host, in any case."""
    texts = [row[field] or "" for field in ("name", "title", "group", "key", "host")]
    return any(word.lower() in text.lower() for text in (*texts, *row["aliases"]))


def by_key(rows: Sequence[Mapping[str, Any]]) -> tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]:
    """Return the current preset, Claude Code's own and those whose key is known, and then the others."""
    known = [row for row in rows if row["current"] or row["key_state"] == "saved" or row["name"] == "claude"]
    known.sort(key=lambda row: not row["current"])
    return known, [row for row in rows if row not in known]


def choices(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return a line for each preset that begins with its name."""
    return columns([(row["name"], row["title"]) for row in rows], indent="")


_LINES, _WIDTH = 40, 80  # what fits on a small terminal


def short_list(rows: Sequence[Mapping[str, Any]], width: int | None) -> list[str]:
    """Return `llmswitch list` in at most 40 lines of 80 letters: whose key is known in full, the others by name."""
    known, others = by_key(rows)
    folded = _folded(others, width or _WIDTH)
    room = _LINES - len(folded) - 3
    while len(known) > max(room, 2):  # many keys: the last of them go to the names
        others.append(known.pop())
        folded = _folded(others, width or _WIDTH)
        room = _LINES - len(folded) - 3
    cells = [_short_cells(row) for row in known]
    if _too_narrow(_SHORT, cells, width):
        lines = packed(_SHORT, cells, width or _WIDTH)
    else:  # a pipe too: `list --all` has whole lines
        lines = [_cut(line, width or _WIDTH) for line in columns([_SHORT, *cells], indent="")]
    return [
        *lines,
        "",
        "Others (a line each: llmswitch list --all; one in full: llmswitch show NAME):",
        *folded,
    ]


_SHORT = (" ", "PRESET", "KEY", "USD IN/OUT", "PRICED", "TITLE")


def _short_cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    mark, name, key, price, priced, _, title = _preset_cells(row)
    return mark, name, key, price, priced, title


def _folded(rows: Sequence[Mapping[str, Any]], width: int) -> list[str]:
    """Return the names of presets by group, wrapped between names."""
    groups: dict[str, list[str]] = {}
    for row in rows:
        groups.setdefault(row["group"] or "Other", []).append(row["name"])
    lead = max(map(len, groups), default=0) + 2
    return [
        line
        for group, names in groups.items()
        for line in textwrap.wrap(", ".join(names), max(width, 40), initial_indent=f"{group:{lead}}",
                                  subsequent_indent=" " * lead, break_on_hyphens=False)
    ]  # fmt: skip


def _preset_cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    key = f"{row['key']}{_KEYS[row['key_state']]}" if row["key"] else NONE
    price = row["price"] or {}
    yours = "" if row["origin"] == "shipped" else " (yours)"
    return (
        "*" if row["current"] else " ", row["name"], key, price.get("short", NONE), price.get("as_of", NONE),
        row["verified"] or NONE, row["title"] + yours,
    )  # fmt: skip


def preset(data: Mapping[str, Any]) -> list[str]:
    """Return `llmswitch show` as text."""
    lines = [f"{data['name']}: {data['title']}", *_about(data)]
    lines += [f"  also called  {', '.join(data['aliases'])}"] if data["aliases"] else []
    if any(data["slots"].values()):
        lines += ["slots", *columns([(slot, model or "(as the session)", data["elsewhere"].get(slot, ""))
                                     for slot, model in data["slots"].items()])]  # fmt: skip
    for model, known in data["models"].items():
        lines += _model(model, known)
    if data["writes"]:
        members = [(name, text if text == STARS else shown("", as_text(text))) for name, text in data["writes"].items()]
        lines += ["writes", *columns(members)]
    lines += [str(data["incomplete"])] if data["incomplete"] else []
    return lines + [f"note: {note}" for note in data["notes"]]


# Claude Code sends what a key helper prints in two headers.
_HELPER = {
    "taken": "works (--key-helper: the host takes a key in two headers, as it is sent then)",
    "not taken": "does not work (--key-helper: the host is said to refuse a key in two headers, as it is then sent)",
    "unknown": "not known (--key-helper: a key is sent in two headers then; to try it: llmswitch doctor --probe)",
}


def _about(data: Mapping[str, Any]) -> list[str]:
    fields = ("base_url", "protocol", "cloud", "key", "key_url", "auth", "two_headers", "start_slot", "verified",
              "confidence", "docs", "file")  # fmt: skip
    rows = [(field.replace("_", " "), str(data[field])) for field in fields if data[field]]
    return columns([("key helper", _HELPER[text]) if field == "two headers" else (field, text) for field, text in rows])


def _model(model: str, known: Mapping[str, Any]) -> list[str]:
    facts = []
    if known["window"]:
        facts.append(f"{known['window']:,} tokens")
    if known["price"]:
        price = known["price"]
        facts.append(f"{price['short']} USD per million in/out (as of {price['as_of']}, {price['source']})")
        facts += [f"dearer {price['hours']}"] if price["hours"] else []
    if known["tool_use"]:
        facts.append(f"tool use {known['tool_use']}")
    lines = [f"{model}: {'; '.join(facts) or 'nothing is known of it'}"]
    return lines + [f"  {word} {known[part]}" for part, word in (("strength", "+"), ("weakness", "-")) if known[part]]


_MODELS = ("MODEL", "WINDOW", "USD IN/OUT", "PRICED", "TIER", "TOOLS", "CODE", "REASONING", "AGENTIC", "USED BY")


def models(found: Sequence[Model], ratings: Mapping[str, str], width: int | None) -> list[str]:
    """Return `llmswitch models` as columns, cut to `width` letters on a terminal, and where the ratings come from."""
    if not found:
        return ["No model that is known has that in its id, name, provider or preset."]
    cut = table(_MODELS, [_model_cells(model) for model in found], width)
    if not any(model.entry.get("tool_use") for model in found):
        return cut
    told = (
        f"TOOLS to AGENTIC are ratings by {ratings.get('source', NONE)} ({ratings.get('as_of', NONE)}), not measured."
    )
    return [*cut, told]


def _model_cells(model: Model) -> tuple[str, ...]:
    price, entry = model.price, model.entry
    cost = (short(price), price.as_of) if price else (NONE, NONE)
    rated = (str(entry.get(part) or NONE) for part in ("tool_use", "code_quality", "reasoning", "agentic"))
    used = "; ".join(f"{preset} ({', '.join(slots)})" for preset, slots in model.used_by)
    gone = f"gone: now {entry['gone']}" if entry.get("gone") else ""
    window = f"{model.window:,}" if model.window else NONE
    return model.id, window, *cost, model.tier or NONE, *rated, gone or used


def costs(rows: Sequence[Row], session: Session, width: int | None = None, against: str = "") -> list[str]:
    """Return `llmswitch cost` as columns: the session on each slot's model, and the start slot against another's."""
    cached = f", {session.cached:,} of it from a cache" if session.cached else ""
    calls = f"{session.calls} call{'' if session.calls == 1 else 's'}"
    lines = [f"{calls} of {session.input:,} tokens in{cached} and {session.output:,} out, in USD:"]
    versus = f"VS {against.upper() or 'NOW'}"
    head = (" ", "PRESET", "START", "SESSION", versus, "HAIKU", "SONNET", "OPUS", "AS OF")
    lines += table(head, [_cost_cells(row) for row in rows], width)
    notes = [f"VS NOW: against {row.name}, which is in use here (*)." for row in rows if row.current and not against]
    notes += [f"{name}: {hours} it costs more." for name, hours in _hours(rows).items()]
    plans = [row.name for row in rows if row.billing == "plan"]
    notes += [f"By the token, though a plan bills by quota: {', '.join(plans)}."] if plans else []
    missing = [row.name for row in rows if row.usd is None]
    notes += [f"No price is known for {', '.join(missing)}."] if missing else []
    return lines + notes


def _cost_cells(row: Row) -> tuple[str, ...]:
    slots = [_usd(row.slots[slot][2] if slot in row.slots else None) for slot in ("haiku", "sonnet", "opus")]
    change = "" if row.change is None else f"{row.change:+.1f} %" if row.change else "0 %"
    mark = "*" if row.current else " "
    return mark, row.name, row.start, _usd(row.usd), change, *slots, row.as_of or NONE


def _usd(amount: float | None) -> str:
    return NONE if amount is None else f"{amount:.3f}"


def _hours(rows: Sequence[Row]) -> dict[str, str]:
    return {row.name: hours(price) for row in rows for _, price, _ in row.slots.values() if price and hours(price)}


def checked(files: int, wrong: int) -> str:
    """Return the last line of `presets check`."""
    count = f"{files} preset{'' if files == 1 else 's'}"
    return f"{count} checked, {wrong} problem{'' if wrong == 1 else 's'}." if wrong else f"{count} checked, all right."
