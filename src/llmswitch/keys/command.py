"""A key that a password manager's command prints."""

from __future__ import annotations

import subprocess

from llmswitch.base.errors import KeyProblem
from llmswitch.base.secret import redacted

COMMAND_SECONDS = 30.0
LONGEST = 8192


def output(command: list[str]) -> str:
    """Return the one line that a password manager's command prints; its complaint is shown only if it fails."""
    try:
        done = subprocess.run(  # noqa: S603  # argv from the user's own preset; no shell
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=COMMAND_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise KeyProblem(f"{command[0]} gave no key within {COMMAND_SECONDS:.0f} seconds.") from None
    except OSError as error:
        raise KeyProblem(f"{command[0]} cannot be run: {error.strerror}.") from None
    if done.returncode != 0:
        complaint = redacted(done.stderr.decode(errors="replace").strip()[:500])
        raise KeyProblem(f"{command[0]} failed (exit {done.returncode}): {complaint}")
    text = done.stdout.decode(errors="replace").removesuffix("\n")
    if len(text) > LONGEST or "\n" in text:
        raise KeyProblem(f"{command[0]} printed more than one line; a key is one line.")
    return text
