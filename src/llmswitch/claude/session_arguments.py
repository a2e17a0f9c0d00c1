"""Claude Code's own arguments that decide which session it starts (2.1.332), and those that start none."""

from __future__ import annotations

import re
from collections.abc import Sequence

OPTION = "--session-id"
# With one of these it goes on with a session there is, starts it elsewhere, or finds an id of its own.
_CHOOSE = frozenset({
    OPTION, "--resume", "--continue", "--from-pr", "--fork-session", "--teleport", "--cloud", "--environment",
    "--desktop", "--bg", "--background",
})  # fmt: skip
_SHORT = re.compile(r"-[a-zA-Z]*[cr]")  # -c, -r, also among others: -pc
_NO_SESSION = frozenset({"-v", "--version", "-h", "--help"})
_SUBCOMMANDS = frozenset({
    "agents", "attach", "auth", "auto-mode", "doctor", "gateway", "import", "install", "logs", "mcp", "plugin",
    "plugins", "purge", "respawn", "rm", "stop", "kill", "setup-token", "ultrareview", "update", "upgrade",
    "config", "migrate-installer", "remote-control", "project", "help",
})  # fmt: skip
_ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def starts_session(given: Sequence[str]) -> bool:
    """Say whether these arguments start a session, and not another of Claude Code's commands."""
    return not _NO_SESSION & {*_options(given)} and (not given or given[0] not in _SUBCOMMANDS)


def chooses(given: Sequence[str]) -> bool:
    """Say whether these arguments choose a session: then it cannot be given an id."""
    return any(word.partition("=")[0] in _CHOOSE or _SHORT.match(word) for word in _options(given))


def chosen(given: Sequence[str]) -> str | None:
    """Return the id of the session that these arguments choose, None where they do not say it as an id."""
    words = [part for word in _options(given) for part in word.split("=", 1)]
    after = [words[at + 1] for at, word in enumerate(words[:-1]) if word in (OPTION, "--resume", "-r")]
    found = after if "--fork-session" not in words else []
    return next((word for word in found if _ID.fullmatch(word)), None)


def _options(given: Sequence[str]) -> Sequence[str]:
    """Return what stands before `--`: behind it is a prompt."""
    return given[: given.index("--")] if "--" in given else given
