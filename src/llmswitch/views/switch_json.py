"""What a switch did, as JSON data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from llmswitch.base.fastjson import loads
from llmswitch.claude.sessions import Session
from llmswitch.claude.variables import ALLOWED, shown
from llmswitch.commands.request import Request
from llmswitch.commands.several import Switched
from llmswitch.views.switch import changes_of, remarks


def switched(done: Switched, request: Request, open_here: Sequence[Session] | None) -> Mapping[str, object]:
    """Return what a switch did in one worktree; a secret among the texts is masked, a member that is not there null.

    `open_here` are the sessions that it reaches, None where nobody can know. `decided_by` is the file, or "the shell",
    that names the host where that is not the file that was switched.
    """
    host, _, by = done.host.partition(", by ")
    return {
        "worktree": done.checkout.root,
        "preset": done.chosen.preset.name,
        "host": host,
        "decided_by": by or None,
        "dry_run": request.dry_run,
        "written": done.written,
        "follows_main": done.follows,
        "changes": {name: {"before": _shown(name, before), "after": _shown(name, after)}
                    for name, (before, after) in changes_of(done).items()},
        "open_sessions": None if open_here is None else [session.pid for session in open_here],
        "remarks": remarks(done, request, open_here),
    }  # fmt: skip


def _shown(name: str, text: str | None) -> object:
    if name == ALLOWED and text:
        return loads(text)
    return shown(name, text) if text else text
