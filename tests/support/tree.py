"""Where this copy of the project lies. Children of the tests run its code and not what their Python has installed."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = str(ROOT / "src")


def of_this_tree(environ: Mapping[str, str]) -> dict[str, str]:
    """Return an environment whose PYTHONPATH ends in this tree's code, behind what a test has put there."""
    before = [part for part in environ.get("PYTHONPATH", "").split(os.pathsep) if part not in ("", SOURCE)]
    return {**environ, "PYTHONPATH": os.pathsep.join([*before, SOURCE])}


def git(folder: Path, *arguments: str) -> str:
    """Run the real git in a folder and return what it prints."""
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, check=True)
    return done.stdout.decode()
