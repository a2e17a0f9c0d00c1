"""Our effective values held against what Claude Code itself says: a new rule of its shows here first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from llmswitch.base.errors import LlmswitchError
from llmswitch.base.fastjson import loads
from llmswitch.base.problem import Problem
from llmswitch.claude import control
from llmswitch.claude.effective import Value
from llmswitch.claude.more_names import HANDED_ON
from llmswitch.claude.variables import ALLOWED, BASE_URL, INSIDE, OURS, SAVED_MODEL, TOP_MEMBERS, as_text, shown
from llmswitch.doctor.observed import Observed

MOST = 5
FIX = "Believe Claude Code, not `llmswitch status`, and report it with the versions of both."


def findings(observed: Observed, environ: Mapping[str, str]) -> list[Problem]:
    """Ask Claude Code, started here as from the user's shell, and return where it contradicts us, or that it agrees."""
    if not observed.program:
        return []  # said already
    if environ.get(INSIDE):  # then the environment is the pin of the session we run in
        left_out = (*OURS, *HANDED_ON, INSIDE)
        environ = {name: text for name, text in environ.items() if name not in left_out}
    try:
        found = list(compare(observed.values, control.ask(observed.program, observed.report.worktree, environ)))
    except LlmswitchError as error:
        return [Problem("client-silent", "warning", error.args[0], "claude doctor")]
    count = sum(value.origin != "shell" for value in observed.values.values())
    return found or [Problem("client-agrees", "ok", f"Claude Code itself says the same of all {count} settings.")]


def compare(values: Mapping[str, Value], answers: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield what differs: first the merged settings files, then the base URL with the shell under it.

    `answers` are those of control.ask; a secret in them is only ever shown masked.
    """
    files = {name: value.text for name, value in values.items() if value.origin != "shell"}
    theirs = _merged(answers["get_settings"].get("effective"))
    different = sorted(name for name in {*files, *theirs} if _plain(name, files) != _plain(name, theirs))
    if different:
        words = [
            f"{name} is {shown(name, theirs.get(name))}, not {shown(name, files.get(name))}"
            for name in different[:MOST]
        ]
        more = f", and {len(different) - MOST} more" if len(different) > MOST else ""
        yield Problem("client-differs", "error", f"For Claude Code {'; '.join(words)}{more}.", FIX)
    rows = _rows(answers["get_status"])
    url, ours = rows.get("Anthropic base URL", ""), values[BASE_URL].text if BASE_URL in values else ""
    if url.rstrip("/") != ours.strip().rstrip("/"):
        message = f"For Claude Code the base URL is {shown(BASE_URL, url)}, not {shown(BASE_URL, ours)}."
        yield Problem("client-differs", "error", message, FIX)


def _plain(name: str, values: Mapping[str, str]) -> object:
    """Return a value to compare: of the list of models its members, whose order means nothing."""
    return sorted(loads(values[name])) if name == ALLOWED and name in values else values.get(name)


def _merged(effective: Any) -> dict[str, str]:
    settings = effective if isinstance(effective, dict) else {}
    top = {name: as_text(settings[name], name) for name in (*TOP_MEMBERS, SAVED_MODEL) if name in settings}
    return {str(name): str(text) for name, text in (settings.get("env") or {}).items()} | top


def _rows(status: Any) -> dict[str, str]:
    sections = status.get("sections", []) if isinstance(status, dict) else []
    rows = [row for section in sections for row in section.get("rows", [])]
    return {str(row.get("label")): str(row.get("value")) for row in rows if isinstance(row, dict)}
