"""What is shipped: the wheel, built from the sdist, installed somewhere else."""

from __future__ import annotations

import json
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

from conftest import INSTALLER
from support.tree import ROOT

from llmswitch import __version__


def files_of_a_wheel() -> set[str]:
    """Return what has to be in it: the package with its guide, the catalog, the manual page, and what describes it."""
    package = [path for path in (ROOT / "src").rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    about, data = f"llmswitch-{__version__}.dist-info", f"llmswitch-{__version__}.data"
    return {
        *(path.relative_to(ROOT / "src").as_posix() for path in package),
        *(f"llmswitch/presets/data/{path.name}" for path in (ROOT / "presets").iterdir()),
        f"{data}/data/share/man/man1/llmswitch.1",
        *(f"{about}/{name}" for name in ("METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE")),
    }


def test_the_installed_wheel_lists_the_presets_of_the_folder(tmp_path: Path) -> None:
    """Outside the checkout, in a clean environment; with presets/ missing a wheel would still build."""
    build = [sys.executable, "-m", "build", "--outdir", str(tmp_path / "dist"), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True, env=INSTALLER, cwd=tmp_path)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    assert set(zipfile.ZipFile(wheel).namelist()) == files_of_a_wheel()
    venv.create(tmp_path / "clean", with_pip=True)
    python = tmp_path / "clean" / "bin" / "python"
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", str(wheel)]
    subprocess.run(install, check=True, capture_output=True, env=INSTALLER)
    done = subprocess.run(
        [tmp_path / "clean/bin/llmswitch", "list", "--json"],
        capture_output=True, check=True, cwd=tmp_path, env=INSTALLER,
    )  # fmt: skip
    rows = json.loads(done.stdout)
    assert {row["name"] for row in rows} == {path.stem for path in (ROOT / "presets").glob("*.json5")}
    assert all(row["file"].startswith(str(tmp_path / "clean")) for row in rows)
    assert (
        "# Keys"
        in subprocess.run(
            [tmp_path / "clean/bin/llmswitch", "help", "keys"],
            capture_output=True,
            check=True,
            text=True,
            env=INSTALLER,
        ).stdout
    )
    assert (tmp_path / "clean/share/man/man1/llmswitch.1").exists()
    module = str(python), "-m", "llmswitch", "--version"
    assert b"llmswitch, version" in subprocess.run(module, capture_output=True, check=True, env=INSTALLER).stdout
