"""Counts of tokens and sums of money as words."""

from __future__ import annotations

from llmswitch.claude.variables import NONE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from llmswitch.usage.row import Row


def cost(row: Row) -> str:
    """Return a row's cost; `+` marks one of which a part has no price."""
    if row.cost is None:
        return "plan" if row.plan and not row.unpriced else NONE
    return usd(row.cost) + (" +" if row.unpriced or row.plan else "")


def count(number: int) -> str:
    """Return a count in at most seven letters: exact up to 99,999."""
    for size, unit in ((1_000_000_000, "G"), (1_000_000, "M")):
        if number >= size:
            return f"{number / size:.2f}{unit}"
    return f"{number / 1000:.1f}k" if number >= 100_000 else f"{number:,}"


def usd(money: float) -> str:
    """Return a sum of money: cents, and where it is less than ten of them more places."""
    return f"${money:,.2f}" if money >= 0.1 or money == 0 else f"${money:.4f}"
