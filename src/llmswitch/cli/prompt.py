"""`status --short` for a shell that keeps the answer: with what it rests on, to see when it must ask again."""

from __future__ import annotations

import os

import llmswitch
from llmswitch.base.watched import Watched
from llmswitch.cli import console
from llmswitch.cli.app import App
from llmswitch.status.judge import judge
from llmswitch.views import status as view
from llmswitch.worktrees.layout import branch


def prompt(app: App) -> int:
    """Print what `status --short` says, and below it a line for each path; none where the answer is not to be kept.

    An answer is not kept where a file changed in the last two seconds, where another program was asked (git, for an
    unusual layout) and where the local gateway was.
    """
    with Watched(os.path.join(app.state, "prompt")) as watched:
        os.stat(llmswitch.__file__)  # another version may say something else
        checkout = app.checkouts.at(".", ".")
        found = judge(checkout, branch(checkout.worktree), app.catalog, app.gateway)
        lines = view.short(found)
    console.answer([*lines, *((watched.rests_on() if found.through is None else None) or ())])
    return 0
