"""`llmswitch statusline`: one line for Claude Code's status line, about the session that shows it.

Claude Code (2.1.329) gives the command JSON on standard input, with `model.id`, the id as it is sent but with
[1m], and `workspace.project_dir`, the folder the session was started in; and in the environment the variables
that the session itself works with, so that what it still holds of an old pin is seen.
"""

from __future__ import annotations

from llmswitch.base.fastjson import loads
from llmswitch.base.secret import redacted
from llmswitch.base.urls import host_of
from llmswitch.claude.variables import BASE_URL, MILLION, START_MODEL, VARIABLES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmswitch.status.report import Report

DIFFERS, BETWEEN = "≠", "·"


class Said:
    """What Claude Code says of the session: its model and the folder it was started in, "" where it does not."""

    def __init__(self, text: str) -> None:
        """Read the JSON; anything else says nothing."""
        try:
            data = loads(text)
        except (ValueError, RecursionError):
            data = None
        self.model = _text(data, "model", "id")
        self.folder = _text(data, "workspace", "project_dir") or _text(data, "cwd")
        self.session, self.transcript = _text(data, "session_id"), _text(data, "transcript_path")


def _text(data: object, *names: str) -> str:
    for name in names:
        data = data.get(name) if isinstance(data, dict) else None
    return data if isinstance(data, str) else ""


def line(report: Report, said: Said, session: Mapping[str, str]) -> str:
    """Return preset, slot and model in use, with ≠ where the session is not on what the pin says.

    `session` are the variables the session works with: the environment of the status line's command. Elsewhere
    than in a session nothing is known of one.
    """
    model = redacted(said.model)
    if report.broken:
        return f"! {BETWEEN} {model}".rstrip(f" {BETWEEN}")
    name = report.name + report.mark
    url = session.get(BASE_URL, "") if session.get("CLAUDECODE") else report.texts.get(BASE_URL, "")
    if url != report.texts.get(BASE_URL, ""):
        host = host_of(url) or ("Anthropic" if not url else redacted(url))
        return f"{name} {DIFFERS} this session is on {host} {BETWEEN} {model}"
    slot = slot_of(said.model, report.texts)
    if not url:  # Claude Code's own backend, and its own names
        return " ".join(part for part in (name, BETWEEN if model else "", model) if part)
    return f"{name} {BETWEEN} {slot} {BETWEEN} {model}" if slot else f"{name} {DIFFERS} {model}".rstrip(f" {DIFFERS}")


def slot_of(model: str, texts: Mapping[str, str]) -> str | None:
    """Return the slot that has this model: the start slot, where several have."""
    plain = _plain(model)
    found = [slot for slot, variable in VARIABLES.items() if plain and _plain(texts.get(variable, "")) == plain]
    start = texts.get(START_MODEL, "")
    return start if start in found else next(iter(found), None)


def _plain(model: str) -> str:
    return model.lower().removesuffix(MILLION)
