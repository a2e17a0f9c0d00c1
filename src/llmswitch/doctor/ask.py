"""What `llmswitch doctor` finds out by asking: the installed Claude Code (--client), git's history (--history)."""

from __future__ import annotations

from llmswitch.base.errors import LlmswitchError
from llmswitch.base.problem import Problem
from llmswitch.base.secret import Secret
from llmswitch.claude.variables import CREDENTIALS
from llmswitch.doctor import second_opinion

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from llmswitch.doctor.facts import Facts
    from llmswitch.doctor.history import Leak


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


def history(facts: Facts, walk: Callable[[], Sequence[Leak]]) -> list[Problem]:
    """Return each version of a settings file in git's history that holds a credential; `walk` finds them."""
    try:
        leaks = walk()
    except LlmswitchError as error:
        return [Problem("history-unread", "warning", error.args[0], "git fsck")]
    in_use = {Secret(facts.text(name)) for name in CREDENTIALS.values() if facts.text(name)}
    found = [_leak(leak, bool(in_use & set(leak.secrets)), facts) for leak in leaks]
    clean = "No version of a settings file in git's history holds a credential."
    return found or [Problem("history-clean", "ok", clean)]


def _leak(leak: Leak, in_use: bool, facts: Facts) -> Problem:
    which = "the credential that is in use here" if in_use else "a credential"
    message = f"Commit {leak.commit} of {leak.day} holds {which}, in {leak.path}. Every clone has it."
    place = facts.preset.key_url if facts.preset and facts.preset.key_url else "the provider"
    name = facts.preset.key if facts.preset and facts.preset.key else "NAME"
    fix = f"First revoke that key at {place}, then: llmswitch save-key {name}"
    return Problem("history-key", "error" if in_use else "warning", message, fix)
