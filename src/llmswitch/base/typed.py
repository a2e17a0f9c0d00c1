"""What to type to switch, as every message says it."""

from llmswitch.base.errors import COMMANDS


def switching(preset: str) -> str:
    """Return how a command line begins that switches to a preset; one that is named like a command too."""
    return f"llmswitch use {preset}" if preset in COMMANDS else f"llmswitch {preset}"


def quoted(path: str) -> str:
    """Return a path as a shell takes it, in quotes; shlex would import re, which is slow."""
    return "'" + path.replace("'", "'\\''") + "'"
