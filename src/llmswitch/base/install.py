"""Where this copy of llmswitch is: in a checkout or not, and what its command is called here."""

from __future__ import annotations

import os
import shutil
import sys
from shlex import quote

NAME = "llmswitch"


def checkout() -> str:
    """Return the checkout whose private environment this is, "" where there is none."""
    folder, name = os.path.split(sys.prefix)
    made = os.path.join(sys.prefix, "made-for")  # written by scripts/setup
    return folder if name == ".venv" and os.path.exists(made) else ""


def off_path() -> list[str]:
    """Return what to type in the place of `llmswitch`, where a shell would not find that; else nothing."""
    if not (folder := checkout()) or shutil.which(NAME) or os.path.basename(sys.argv[0]) != NAME:
        return []
    script = quote(os.path.join(folder, "scripts", NAME))
    return [f"`{NAME}` here means {script}. To type it short: ln -s {script} FOLDER, one that is on your PATH."]
