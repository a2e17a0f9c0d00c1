"""`llmswitch status --everywhere` and `--forget`: every worktree on this machine that was pinned."""

from __future__ import annotations

from llmswitch.base.errors import LlmswitchError
from llmswitch.cli import console, terminal
from llmswitch.cli.app import App
from llmswitch.settings.checkout import Checkout
from llmswitch.settings.pins import Noted, Pins
from llmswitch.status.judge import judge
from llmswitch.status.rows import PinnedRow
from llmswitch.views import everywhere as view
from llmswitch.views.status_all import short_all
from llmswitch.worktrees.layout import branch
from llmswitch.worktrees.listing import Listed


def status(app: App, *, as_json: bool = False, short: bool = False, check: bool = False) -> int:
    """Print what Claude Code uses in every worktree that was pinned, and return the exit code."""
    rows = [_row(app, noted, short) for noted in Pins(app.state).all()]
    data = {"worktrees": [row.data() for row in rows]} if as_json else None
    console.print_data(
        as_json, data,
        lambda: short_all(rows, app.home) if short else view.everywhere(rows, app.home, terminal.width()),
    )  # fmt: skip
    if not rows and not as_json:
        console.note("No pin of this machine is known. A switch notes its worktree; those before it are not listed.")
    return 3 if check and any(row.differs for row in rows) else 0


def forget(app: App, path: str) -> int:
    """Leave a worktree out of the list from now on."""
    known = Pins(app.state).forget(path)
    console.answer(
        [f"Forgot {path}; nothing in it was changed." if known else f"Nothing to do: no pin at {path} is known."]
    )
    return 0


def _row(app: App, noted: Noted, short: bool) -> PinnedRow:
    checkout, why = _checkout(app, noted)
    report, on = None, None
    if checkout:
        on = branch(checkout.worktree)
        report = judge(checkout, on, app.catalog, app.gateway, None if short else app.sessions)
    entry = Listed(noted.path, on, checkout.worktree if checkout else None, why)
    return PinnedRow(entry, report, noted.preset, noted.key, noted.switched)


def _checkout(app: App, noted: Noted) -> tuple[Checkout | None, str]:
    """Return the worktree that was noted, or why it cannot be looked at."""
    if not noted.is_there:
        return None, "not there"
    try:
        checkout = app.checkouts.at(noted.path)
    except LlmswitchError as error:
        return None, str(error.args[0]).rstrip(".")
    if checkout.worktree.git_dir != noted.git_dir:
        return None, "another repository is there now"
    return checkout, ""
