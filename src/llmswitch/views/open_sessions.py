"""What a switch means for the Claude Code sessions that are open, as lines of text."""

from __future__ import annotations

from collections.abc import Sequence

from llmswitch.claude.sessions import Session
from llmswitch.claude.variables import BASE_URL, CLOUDS, START_MODEL
from llmswitch.commands.several import Switched
from llmswitch.settings.neighbours import lower_host


def sessions(done: Switched, open_here: Sequence[Session] | None) -> list[str]:
    """Return the truth about Claude Code sessions that are open here (measured on 2.1.329).

    They take changed and added variables within seconds, never drop removed ones, and keep their start model.
    """
    if open_here is None:
        return [" ".join(found)] if (found := _what_happens(done)) else []
    follow = [session for session in open_here if not session.overlay and not session.deaf]
    deaf = [session for session in open_here if session.deaf and not session.overlay]
    lines = [f"Process {_numbers(deaf)} does not see this: perhaps .claude was removed under it. Restart it."]
    if not deaf:
        lines = [] if follow or not open_here else ["No open Claude Code session follows this."]
    return [" ".join([*_what_happens(done), f"Open here now: process {_numbers(follow)}."])] * bool(follow) + lines


def _numbers(sessions: Sequence[Session]) -> str:
    return ", ".join(str(session.pid) for session in sessions)


def _what_happens(done: Switched) -> list[str]:
    if any(values.get(name) for values in (done.before, done.after) for name in CLOUDS.values()):
        return ["Restart the Claude Code sessions that are open here; until then they may send to either backend."]
    old, new = done.before.get(BASE_URL), done.after.get(BASE_URL)
    removed = [name for name, text in done.before.items() if text and name not in done.after]
    start = done.after.get(START_MODEL)
    restart = f"restart them to start on {start}" if start else "restart them"
    if not new and not old:
        kept = f", but keep until a restart: {', '.join(removed)}" if removed else ""
        return [f"Open Claude Code sessions here follow within seconds{kept}."]
    if not new:
        return _back_home(done)
    if old == new:
        again = "" if done.before.get(START_MODEL) == start else f"; {restart}"
        lines = [f"Open Claude Code sessions here follow within seconds{again}."]
    else:
        lines = [
            f"Open Claude Code sessions here now send to {done.host}, their conversation too, and keep their",
            f"start model; {restart}.",
        ]
    if not old:
        lines.append("Until then one that started on Claude Code's default uses the opus slot with a 1M window.")
    return [*lines, f"Until then they also keep: {', '.join(removed)}."] if removed else lines


def _back_home(done: Switched) -> list[str]:
    host = lower_host(done.checkout)
    if done.keeps_key:
        return [
            f"Open Claude Code sessions here go to {host} now, which other settings name, and still send",
            "the old key there: end them.",
        ]
    if host:
        return [f"Open Claude Code sessions here go to {host} now, which your other settings name."]
    if done.live:
        return [
            "Open Claude Code sessions here are back on your login. A key that is exported in their shell comes back",
            "when they are restarted.",
        ]
    return ["Claude Code sessions that are open here keep the old backend until you restart them."]
