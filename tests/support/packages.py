"""An llmswitch of any version, installed in a folder of its own."""

from __future__ import annotations

import shutil
from pathlib import Path

from llmswitch import __version__

from .tree import ROOT, SOURCE


def installed(folder: Path, version: str) -> None:
    """Put a package of that version where another one may lie.

    At once, by a link: without any, Python would find the one of this tree, which no user has.
    """
    made = folder.with_name(f"{folder.name}-{version}")
    package = made / "llmswitch"
    shutil.copytree(Path(SOURCE, "llmswitch"), package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "presets", package / "presets" / "data")
    about = package / "__init__.py"
    about.write_text(about.read_text().replace(f'"{__version__}"', f'"{version}"'))
    link = folder.with_name(f"{folder.name}-new")
    link.symlink_to(made)
    link.replace(folder)
