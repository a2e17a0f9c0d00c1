"""What is left at providers, as lines of text."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from llmswitch.commands.balance import Left
from llmswitch.presets.balance import Amount
from llmswitch.views.narrow import table


def balances(found: Sequence[Left], width: int | None = None) -> list[str]:
    """Return the amounts as columns."""
    rows = [(left.preset, each.what, _amount(each)) for left in found for each in left.amounts]
    return table(("PRESET", "WHAT", "HOW MUCH"), rows, width) if rows else []


def remarks(found: Sequence[Left]) -> list[str]:
    """Return what is not known, with the next thing to do, and what to know about the rest."""
    lines = []
    for left in found:
        if left.why:
            look = f" Look at {left.page}" if left.page and not left.fix else ""
            lines.append(f"{left.preset}: {left.why}{f' → {left.fix}' if left.fix else look}")
        elif left.note:
            lines.append(f"{left.preset}: {left.note}")
    return lines


def _amount(amount: Amount) -> str:
    text = amount.words if amount.amount is None else f"{_number(amount.amount)} {amount.unit}".rstrip()
    return f"{text}, until {amount.until}" if amount.until else text


def _number(amount: Decimal) -> str:
    """Return an amount with two digits behind the point, or as many as a small one needs."""
    small = amount and abs(amount) < Decimal("0.01")
    text = f"{amount:,.6f}".rstrip("0") if small else ""
    return f"{amount:,.2f}" if text.endswith(".") or not text else text
