"""What was used, as one page of HTML by itself: no script, no network, light and dark, readable without colour."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from llmswitch.commands.usage import Answer
from llmswitch.usage.row import Row
from llmswitch.views.amounts import cost, count, usd
from llmswitch.views.text import short_path
from llmswitch.views.usage import MOST_FINDINGS, UNKNOWN

MOST = 60  # rows of a table, the dearest or the latest
_STYLE = """
:root { color-scheme: light dark; --ink: #1b1b1f; --soft: #5d5f66; --line: #d9dade; --bar: #3b6fd4; --page: #fff; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e6ea; --soft: #a3a5ad; --line: #3a3c42; --bar: #7aa5f5; --page: #17181b; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--page);
  max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
p { margin: .25rem 0; } .soft { color: var(--soft); }
dl { display: flex; flex-wrap: wrap; gap: 1rem 2.5rem; margin: 1.25rem 0; } dt { color: var(--soft); }
dd { margin: 0; font-size: 1.35rem; font-variant-numeric: tabular-nums; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: .25rem .5rem; border-bottom: 1px solid var(--line); white-space: nowrap; }
th { color: var(--soft); font-weight: 600; } th:first-child, td:first-child { text-align: left; white-space: normal;
  overflow-wrap: anywhere; }
td.bar { width: 30%; } td.bar div { background: var(--bar); height: .8rem; min-width: 1px; }
.finding { border-left: 4px solid currentColor; padding: .25rem .75rem; margin: .75rem 0; }
code { font-family: ui-monospace, monospace; overflow-wrap: anywhere; } .wide { overflow-x: auto; }
"""


_SIGNS = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;"})


def escape(text: str) -> str:
    """Return a text as HTML has it; the module `html` loads every named letter that there is."""
    return text.translate(_SIGNS)


def page(answer: Answer, home: str, when: Callable[[int], str], now: str) -> str:
    """Return the page; `when` shows a time, `now` is today's."""
    total = answer.found.total
    since = f"since {when(answer.scope.since)}" if answer.scope.since else "of all that is on record"
    figures = {
        "Cost": cost(total), "Requests": f"{total.requests:,}", "Sessions": f"{len(total.sessions):,}",
        "Input": count(total.input), "Output": count(total.output), "From cache": count(total.cache_read),
        "Into cache": count(total.cache_write),
    }  # fmt: skip
    tables = [
        _table(title, key, answer.found.rows((key,)), home)
        for title, key in (("By day", "day"), ("By preset", "preset"), ("By worktree", "worktree"),
                           ("By model", "model"))
    ]  # fmt: skip
    return "\n".join([
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>llmswitch usage</title><style>{_STYLE}</style></head><body>",
        f'<h1>What the sessions used</h1><p class="soft">{escape(since)}, as of {escape(now)}</p>',
        *_findings(answer, when),
        "<dl>", *(f"<div><dt>{name}</dt><dd>{escape(text)}</dd></div>" for name, text in figures.items()), "</dl>",
        *tables, *_words(answer, total), "</body></html>\n",
    ])  # fmt: skip


def _findings(answer: Answer, when: Callable[[int], str]) -> list[str]:
    if not answer.findings:
        return ["<h2>Findings</h2><p>None: what answered is what was asked, as far as the transcripts tell.</p>"]
    lines = ["<h2>Findings</h2>"]
    for each in answer.findings[:MOST_FINDINGS]:
        money = f", {usd(each.cost)}" if each.cost is not None else ""
        lines.append(
            f'<div class="finding"><p><strong>{escape(each.level)}:</strong> {escape(each.message)}</p>'
            f'<p class="soft">Last {escape(when(each.moment))}, session {escape(each.session)}{escape(money)}</p>'
            f"<p><code>{escape(each.fix)}</code></p></div>"
        )
    left = len(answer.findings) - MOST_FINDINGS
    return [*lines, f'<p class="soft">{left} more: <code>llmswitch usage --json</code></p>'] if left > 0 else lines


def _table(title: str, key: str, rows: Sequence[Row], home: str) -> str:
    money = all(row.cost is not None and not row.unpriced for row in rows)
    shown = rows[-MOST:] if key == "day" else rows[:MOST]
    sizes = [row.cost or 0.0 if money else float(row.tokens) for row in shown]
    largest = max(sizes, default=0.0) or 1.0
    what = "cost" if money else "tokens"
    heads = (key.capitalize(), "Requests", "Input", "Output", "From cache", "Into cache", "Cost", f"Bar: {what}")
    lines = [f'<h2>{title}</h2><div class="wide"><table><thead><tr>{"".join(map(_head, heads))}</tr></thead><tbody>']
    for row, size in zip(shown, sizes, strict=True):
        name = row.keys[key] or UNKNOWN
        name = short_path(name, home) if key == "worktree" else name
        numbers = (f"{row.requests:,}", count(row.input), count(row.output), count(row.cache_read),
                   count(row.cache_write), cost(row))  # fmt: skip
        bar = f'<td class="bar"><div style="width:{size / largest:.1%}"></div></td>'
        lines.append(f"<tr><td>{escape(name)}</td>{''.join(f'<td>{escape(text)}</td>' for text in numbers)}{bar}</tr>")
    left = f"<p class='soft'>{len(rows) - MOST:,} more are not shown.</p>" if len(rows) > MOST else ""
    return "\n".join([*lines, f"</tbody></table></div>{left}"])


def _head(text: str) -> str:
    return f"<th>{escape(text)}</th>"


def _words(answer: Answer, total: Row) -> list[str]:
    lines = ["Costs are at the provider's own price nearest to the day, the oldest of "
             f"{total.as_of}." if total.as_of else "No price is known for any of it."]  # fmt: skip
    if answer.found.unpriced:
        lines.append(f"No price is known for: {', '.join(answer.found.unpriced[:MOST])}.")
    if answer.claimed.usd is not None:
        lines.append(f"Claude Code itself says {usd(answer.claimed.usd)}, at Anthropic's prices whatever the model is.")
    return [f'<p class="soft">{escape(line)}</p>' for line in lines]
