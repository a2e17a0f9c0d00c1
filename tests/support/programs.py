"""The programs that tests start beside Python: one list, scripts/programs, which scripts/test installs from."""

from __future__ import annotations

import os
import shutil

import pytest

from support.tree import ROOT

LINES = (ROOT / "scripts" / "programs").read_text().splitlines()
PACKAGES = dict(line.split() for line in LINES if not line.startswith("#"))


def absent(*programs: str) -> str | None:
    """Name those of the programs that are not installed, with one line to type; None where all are there."""
    missing = [program for program in programs if shutil.which(program) is None]
    packages = " ".join(sorted({PACKAGES.get(program, program) for program in missing}))
    return f"not installed: {', '.join(missing)} (apt-get install {packages})" if missing else None


def require(missing: str | None) -> None:
    """Skip a test for the reason `missing`, None for no reason; in CI nothing may be missing."""
    if missing and os.environ.get("CI"):
        pytest.fail(missing)
    if missing:
        pytest.skip(missing)


def require_root(why: str) -> None:
    """Skip a test that takes root; CI is root."""
    if os.geteuid() != 0:
        pytest.skip(f"needs root, {why}")
