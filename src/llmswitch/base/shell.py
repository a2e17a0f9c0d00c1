"""Command lines as a shell takes them: what a message tells to type, and what Claude Code runs as a helper."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping

from llmswitch.base.typed import switching


def own_command() -> list[str]:
    """Return the command that starts this llmswitch, whatever folder it is started from.

    With -P, since a module of that name in the current folder must not run in its place.
    """
    program = os.path.abspath(sys.argv[0])
    return [program] if os.access(program, os.X_OK) else [sys.executable, "-P", "-m", "llmswitch"]


def helper(*words: str) -> str:
    """Return the shell command that starts this llmswitch with these words."""
    return shlex.join([*own_command(), *words])


def spelled(preset: str, overrides: Mapping[str, str], key_helper: bool = False) -> str:
    """Return the command line that switches to a preset with these overrides."""
    climbed = overrides.get("ladder", "")  # the slots that a ladder gave, and the ladder
    own = {name: text for name, text in overrides.items() if name not in ("ladder", *climbed.partition("[")[0].split())}
    parts = {name: text.split() if name == "also" else [text] for name, text in own.items()}
    said = [(name, text) for name, texts in parts.items() for text in texts]
    options = [word for name, text in said for word in (f"--{name.replace('_', '-')}", text)]
    options += ["--ladder"] if climbed else []
    return shlex.join([*switching(preset).split(), *options, *(["--key-helper"] if key_helper else [])])
