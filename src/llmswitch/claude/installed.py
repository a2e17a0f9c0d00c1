"""Which Claude Code is installed, without starting it: from its path, or from the package it lies in."""

from __future__ import annotations

import os

from llmswitch.base.fastjson import loads
from llmswitch.base.opened import bytes_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PACKAGE = "@anthropic-ai/claude-code"
_ABOVE = 3  # folders of the program in which its package.json may lie


def version(search: str) -> str:
    """Return the version of the first `claude` in the folders of a PATH, "" where there is none or it is not known."""
    for folder in search.split(os.pathsep):
        program = os.path.join(folder, "claude")
        if os.access(program, os.X_OK) and not os.path.isdir(program):
            return _version(os.path.realpath(program))
    return ""


def _version(program: str) -> str:
    name = os.path.basename(program)  # the native installer's: …/claude/versions/2.1.332
    if name.replace(".", "").isdigit() and name.count(".") == 2:
        return name
    folder = program
    for _ in range(_ABOVE):
        folder = os.path.dirname(folder)
        try:
            found: Any = loads(bytes_of(os.path.join(folder, "package.json")).decode())
        except (OSError, ValueError):
            continue
        if isinstance(found, dict) and found.get("name") == PACKAGE:
            return str(found.get("version", ""))
    return ""
