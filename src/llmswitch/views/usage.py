"""What was used, as lines of text: a table, bars by day and by model, what is wrong, what the client says itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from llmswitch.claude.variables import NONE
from llmswitch.commands.usage import Answer
from llmswitch.usage.cost import Cost
from llmswitch.usage.findings import Finding
from llmswitch.usage.row import Row
from llmswitch.views.amounts import cost, count, usd
from llmswitch.views.packed import packed
from llmswitch.views.text import short_path

UNKNOWN = "unknown"
PLAIN_WIDTH, MOST_DAYS, MOST_MODELS, MOST_FINDINGS, LONGEST_BAR = 100, 31, 12, 8, 60
_HEADS = {"worktree": "WORKTREE", "preset": "PRESET", "model": "MODEL", "slot": "SLOT", "day": "DAY",
          "session": "SESSION", "asked": "ASKED"}  # fmt: skip
KEYS = tuple(key for key in _HEADS if key != "asked")  # what rows can be told apart by
NUMBERS = ("REQUESTS", "INPUT", "OUTPUT", "CACHE READ", "WRITTEN", "COST", "PRICE OF")
BY_PRESET = ("REQUESTS/SESSION", "FAILED TOOLS", "FROM CACHE", "COST/SESSION")


def usage(answer: Answer, home: str, width: int | None, when: Callable[[int], str]) -> list[str]:
    """Return `llmswitch usage` for a terminal so wide, plain for None; `when` shows a time."""
    if not answer.rows:
        return [_nothing(answer, when), *_findings(answer.findings, home, when)]
    bar = "█" if width else "#"
    lines = [_title(answer, when), *_table(answer, home, width)]
    days, models = answer.found.rows(("day",)), answer.found.rows(("model",))
    if len(days) > 1:
        lines += ["", *_bars("By day", days[-MOST_DAYS:], "day", width or PLAIN_WIDTH, bar)]
    if len(models) > 1:
        lines += ["", *_bars("By model", models[:MOST_MODELS], "model", width or PLAIN_WIDTH, bar)]
    compared = [_compared(name, there, answer.found.total) for name, there in answer.compared.items()]
    return [*lines, *(["", *compared] if compared else []), *_findings(answer.findings, home, when), *_last(answer)]


def _nothing(answer: Answer, when: Callable[[int], str]) -> str:
    since = f" since {when(answer.scope.since)}" if answer.scope.since else ""
    where = "on this machine" if answer.scope.worktrees is None else "of this repository"
    where = where if answer.scope.repository or answer.scope.worktrees is None else "here"
    return f"Nothing is on record of what sessions {where} used{since}."


def _title(answer: Answer, when: Callable[[int], str]) -> str:
    total = answer.found.total
    sessions = f"{len(total.sessions):,} session{'s' if len(total.sessions) > 1 else ''}"
    agents = f", {total.agents:,} of them by sub-agents" if total.agents else ""
    requests = f"{total.requests:,} request{'s' if total.requests > 1 else ''}"
    since = f", since {when(answer.scope.since)}" if answer.scope.since else ""
    return f"{sessions}, {requests}{agents}{since}"


def _table(answer: Answer, home: str, width: int | None) -> list[str]:
    keys = [key for key in answer.keys if key != "asked" or any(_differs(row) for row in answer.rows)]
    extra = BY_PRESET if tuple(answer.keys) == ("preset",) else ()
    cells = [[*(_HEADS[key] for key in keys), *NUMBERS, *extra]]
    for row in answer.rows:
        named = [_named(row, key, home) for key in keys]
        cells.append([*named, *_numbers(row), *(_more(row) if extra else ())])
    if len(answer.rows) > 1:
        total = answer.found.total
        cells.append(["all", *[""] * (len(keys) - 1), *_numbers(total), *(_more(total) if extra else ())])
    widths = [max(len(row[place]) for row in cells) for place in range(len(cells[0]))]
    lines = [
        "  ".join(
            cell.ljust(wide) if place < len(keys) else cell.rjust(wide)
            for place, (cell, wide) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    ]
    return lines if width is None or max(map(len, lines)) <= width else packed(cells[0], cells[1:], width)


def _differs(row: Row) -> bool:
    return row.keys.get("asked") not in ("", row.keys.get("model"))


def _named(row: Row, key: str, home: str) -> str:
    value = row.keys[key]
    if key == "asked":
        return value if value and _differs(row) else ""
    return UNKNOWN if value is None else short_path(value, home) if key == "worktree" else value


def _numbers(row: Row) -> list[str]:
    tokens = [count(number) for number in (row.input, row.output, row.cache_read, row.cache_write)]
    return [f"{row.requests:,}", *tokens, cost(row), row.as_of]


def _more(row: Row) -> list[str]:
    sessions = len(row.sessions) or 1
    cached = f"{row.cached:.0%}" if row.cached is not None else NONE
    each = usd(row.cost / sessions) if row.cost is not None and not row.unpriced else NONE
    return [f"{row.requests / sessions:.1f}", f"{row.failed_tools:,}", cached, each]


def _bars(title: str, rows: Sequence[Row], key: str, width: int, sign: str) -> list[str]:
    """Return a bar for each row: of money where all of it has a price, else of tokens."""
    money = all(row.cost is not None and not row.unpriced for row in rows)
    sizes = [row.cost or 0.0 if money else float(row.tokens) for row in rows]
    labels = [row.keys[key] or UNKNOWN for row in rows]
    values = [cost(row) if money else count(row.tokens) for row in rows]
    left, right = max(map(len, labels)), max(map(len, values))
    room = max(min(width - left - right - 4, LONGEST_BAR), 1)
    largest = max(sizes) or 1.0
    lines = [f"{title}, {'USD' if money else 'tokens'}"]
    for label, size, value in zip(labels, sizes, values, strict=True):
        bar = sign * max(round(size / largest * room), 1 if size else 0)
        lines.append(f"{label.ljust(left)}  {value.rjust(right)}  {bar}".rstrip())
    return lines


def _compared(name: str, there: Cost, total: Row) -> str:
    if there.plan:
        return f"With {name}: paid by quota, not by tokens."
    if there.usd is None:
        return f"With {name}: a price is not known."
    more = ""
    if total.cost and not total.unpriced and not total.plan:
        more = f", {there.usd / total.cost:.2f} times what it did cost"
    return (f"With {name} the same tokens would have cost {usd(there.usd)} (prices of {there.as_of}){more}. "
            "An estimate: other models count tokens otherwise, and take more or fewer turns.")  # fmt: skip


def _findings(found: Sequence[Finding], home: str, when: Callable[[int], str]) -> list[str]:
    lines = [""] if found else []
    for each in found[:MOST_FINDINGS]:
        money = f", {usd(each.cost)}" if each.cost is not None else ""
        seen = f"Last {when(each.moment)}, session {each.session}{money}."
        lines += [f"{each.level}: {each.message} {seen}", f"    → {each.fix}"]
    left = len(found) - MOST_FINDINGS
    return [*lines, f"{left} more findings: llmswitch usage --json"] if left > 0 else lines


def _last(answer: Answer) -> list[str]:
    """Return what the table cannot say."""
    total, lines = answer.found.total, [""]
    if total.plan:
        lines.append("plan: paid by quota; only tokens are counted.")
    if any(row.entry and row.entry.preset == "claude" for row in answer.found.used):
        lines.append("claude: at Anthropic's prices by use; with a subscription you pay its fee instead.")
    if any(used.entry is None for used in answer.found.used):
        lines.append("unknown: no switch is on record for that time, so nobody knows who was asked.")
    if answer.found.unpriced:
        lines.append(f"No price is known for: {', '.join(answer.found.unpriced)}.")
    if tuple(answer.keys) == ("preset",):
        lines.append("These are counts: they do not say how hard the work was, or how good the result.")
    if answer.claimed.usd is not None:
        lines.append(f"Claude Code itself says {usd(answer.claimed.usd)}, at Anthropic's prices whatever the model is.")
    if any(answer.claimed.beyond):
        read, out, *cached = answer.claimed.beyond
        lines.append(f"Its count has {count(read + sum(cached))} tokens in and {count(out)} out that stand in no line "
                     "of a transcript, so not above (titles, /compact, web searches, hooks).")  # fmt: skip
    return lines if len(lines) > 1 else []
