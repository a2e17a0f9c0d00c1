"""`llmswitch doctor --client`: the installed Claude Code as the judge of what we say."""

from __future__ import annotations

from llmswitch import second_opinion
from llmswitch.errors import LlmswitchError
from llmswitch.problems import Problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from llmswitch.facts import Facts


def client(facts: Facts, ask: Callable[[], Mapping[str, Any]]) -> list[Problem]:
    """Return where Claude Code contradicts us, or that it agrees; `ask` gets its answers."""
    if not facts.program:
        return []  # said already
    try:
        found = list(second_opinion.compare(facts.values, ask()))
    except LlmswitchError as error:
        return [Problem("client-silent", "warning", error.args[0], "claude doctor")]
    count = sum(value.origin != "shell" for value in facts.values.values())
    return found or [Problem("client-agrees", "ok", f"Claude Code itself says the same of all {count} settings.")]
