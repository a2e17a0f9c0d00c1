"""What can go wrong, as exceptions that say what to type next. One exit code a kind (see `llmswitch --help`)."""

from __future__ import annotations

# A preset of such a name is reached by `llmswitch use`.
COMMANDS = ("-", "use", "run", "list", "show", "cost", "save-key", "keys", "print-key", "presets", "ladder", "status",
            "doctor", "statusline", "gateway", "shell-init", "help", "log", "renew", "usage", "env", "apply", "hook",
            "models", "balance")  # fmt: skip

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


class LlmswitchError(Exception):
    """A failure the user can act on; `hint` is the next thing to type, `changed` what was touched before it."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "", changed: str = "Nothing was changed.") -> None:
        super().__init__(message)
        self.hint, self.changed = hint, changed

    def __str__(self) -> str:
        """Return the whole message: what happened, whether anything changed, what next."""
        return " ".join(part for part in (self.args[0], self.changed, self.hint) if part)


class UsageProblem(LlmswitchError):
    """The command line asks for something that does not exist or does not fit together."""

    exit_code = 2


class PresetProblem(LlmswitchError):
    """A preset cannot be used. `found`: every (field, what is wrong); `root`: what is wrong with a file it needs."""

    found: Sequence[tuple[str, str]] = ()
    root = ""


class KeyProblem(LlmswitchError):
    """A key is missing or locked, or the keyring cannot be used."""

    exit_code = 4


class Refused(LlmswitchError):
    """Going on could leak a key or lose something of the user's."""

    exit_code = 5
