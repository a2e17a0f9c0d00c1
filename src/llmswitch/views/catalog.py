"""Presets, prices and ladders as lines of text."""

from __future__ import annotations

from llmswitch.base.secret import STARS
from llmswitch.claude.variables import NONE, shown
from llmswitch.presets.sessions import hours
from llmswitch.views.narrow import table
from llmswitch.views.text import columns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from llmswitch.commands.cost import Row
    from llmswitch.presets.sessions import Session

_HEAD = (" ", "PRESET", "KEY", "USD IN/OUT", "PRICED", "CHECKED", "TITLE")
_KEYS = {"saved": "", "unknown": " (not saved)"}


def presets(rows: Sequence[Mapping[str, Any]], width: int | None) -> list[str]:
    """Return `llmswitch list`: groups of presets, the current one marked; cut to `width` letters on a terminal."""
    lines = columns([_HEAD, *(_preset_cells(row) for row in rows)], indent="")
    found, group = [lines[0]], None
    for row, line in zip(rows, lines[1:], strict=True):
        if row["group"] != group:
            group = row["group"]
            found.append(f"-- {group}")
        found.append(line)
    return [line if width is None or len(line) <= width else line[: width - 1] + "…" for line in found]


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
        lines += ["slots", *columns([(slot, model or "(inherits)", data["elsewhere"].get(slot, ""))
                                     for slot, model in data["slots"].items()])]  # fmt: skip
    for model, known in data["models"].items():
        lines += _model(model, known)
    if data["writes"]:
        members = [(name, text if text == STARS else shown("", text)) for name, text in data["writes"].items()]
        lines += ["writes", *columns(members)]
    lines += [str(data["incomplete"])] if data["incomplete"] else []
    return lines + [f"note: {note}" for note in data["notes"]]


def _about(data: Mapping[str, Any]) -> list[str]:
    fields = ("base_url", "protocol", "cloud", "key", "key_url", "auth", "start_slot", "verified", "confidence", "docs",
              "file")  # fmt: skip
    rows = [(field.replace("_", " "), str(data[field])) for field in fields if data[field]]
    return columns(rows)


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


def costs(rows: Sequence[Row], session: Session, width: int | None = None) -> list[str]:
    """Return `llmswitch cost` as columns: the session on each slot's model, and the start slot against the pin's."""
    cached = f", {session.cached:,} of it from a cache" if session.cached else ""
    lines = [f"{session.calls} calls of {session.input:,} tokens in{cached} and {session.output:,} out, in USD:"]
    head = (" ", "PRESET", "START", "SESSION", "VS NOW", "HAIKU", "SONNET", "OPUS", "AS OF")
    lines += table(head, [_cost_cells(row) for row in rows], width)
    notes = [f"VS NOW: against {row.name}, which is in use here (*)." for row in rows if row.current]
    notes += [f"{name}: {hours} it costs more." for name, hours in _hours(rows).items()]
    plans = [row.name for row in rows if row.billing == "plan"]
    notes += [f"By the token, though a plan bills by quota: {', '.join(plans)}."] if plans else []
    missing = [row.name for row in rows if row.usd is None]
    notes += [f"No price is known for {', '.join(missing)}."] if missing else []
    return lines + notes


def _cost_cells(row: Row) -> tuple[str, ...]:
    slots = [_usd(row.slots[slot][2] if slot in row.slots else None) for slot in ("haiku", "sonnet", "opus")]
    change = "" if row.change is None else f"{row.change:+.1f} %"
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
