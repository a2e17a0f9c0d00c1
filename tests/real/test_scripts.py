"""The two commands of the README, from a fresh copy of the checkout."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from conftest import INSTALLER, git
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from support.tree import ROOT


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    """A copy of what git has, in a folder with a space in its name."""
    folder = tmp_path / "fresh clone"
    names = git(ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")[:-1]
    for name in names:
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


@pytest.mark.timeout(600)  # two environments are made
def test_the_first_run_sets_itself_up_and_the_second_just_runs(fresh: Path, tmp_path: Path) -> None:
    """Answers on stdout only; nothing is installed twice."""
    command = [str(fresh / "scripts" / "llmswitch"), "list"]
    first = subprocess.run(command, capture_output=True, text=True, env=INSTALLER, cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    assert "Setting up" in first.stderr
    assert "openrouter" in first.stdout
    made = {path: path.stat().st_mtime_ns for path in (fresh / ".venv").glob("*")}
    second = subprocess.run(command, capture_output=True, text=True, env=INSTALLER, cwd=tmp_path)
    assert (second.stdout, second.stderr) == (first.stdout, "")
    assert {path: path.stat().st_mtime_ns for path in (fresh / ".venv").glob("*")} == made
    moved = fresh.rename(tmp_path / "renamed clone")  # its command would still start what was at the old place
    third = subprocess.run([moved / "scripts/llmswitch", "list"], capture_output=True, text=True, env=INSTALLER)
    assert (third.returncode, third.stdout) == (0, first.stdout), third.stderr
    assert "Setting up" in third.stderr


@pytest.mark.timeout(600)
def test_an_interrupted_setup_is_done_again(fresh: Path, tmp_path: Path) -> None:
    """A half-made .venv is no reason to fail."""
    (fresh / ".venv" / "bin").mkdir(parents=True)
    (fresh / ".venv" / "bin" / "python").symlink_to("/nowhere/python")
    command = [str(fresh / "scripts" / "llmswitch"), "--version"]
    done = subprocess.run(command, capture_output=True, text=True, env=INSTALLER, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("llmswitch, version")


LOCKS = sorted((ROOT / "scripts" / "locks").glob("*.txt"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]


def locked(path: Path) -> dict[str, str]:
    """Return {package: version} of a lock, and check that each has hashes and nothing else to get it by."""
    found: dict[str, str] = {}
    for entry in path.read_text().replace("\\\n", "").splitlines():
        requirement, *hashes = entry.split(" --hash=sha256:")
        assert hashes, entry
        assert all(re.fullmatch(r"[0-9a-f]{64}\s*", each) for each in hashes), entry
        name, version = requirement.partition(";")[0].strip().split("==")
        found[canonicalize_name(name)] = version
    return found


def wanted(requirements: Iterable[str]) -> Iterator[Requirement]:
    """Yield what is asked for, an extra of our own as what it asks for."""
    for requirement in map(Requirement, requirements):
        if requirement.name == "llmswitch":
            yield from wanted(each for extra in requirement.extras for each in EXTRAS[extra])
        else:
            yield requirement


def test_there_is_a_lock_for_each_extra_and_for_none() -> None:
    """`translate` is `gateway`, by its older name."""
    assert {path.stem for path in LOCKS} == {"run", *EXTRAS} - {"translate"}


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.stem)
def test_a_lock_has_what_pyproject_asks_for(path: Path) -> None:
    """Each package once, with hashes, in a version that the bounds allow, and the same one as in the tests."""
    found = locked(path)
    for requirement in wanted([*PROJECT["dependencies"], *EXTRAS.get(path.stem, ()), "hatchling", "pip"]):
        assert found[canonicalize_name(requirement.name)] in requirement.specifier, str(requirement)
    tested = locked(ROOT / "scripts" / "locks" / "test.txt")
    assert {name: tested[name] for name in found if name in tested} == {n: v for n, v in found.items() if n in tested}


def test_bounds_stay_wide() -> None:
    """A library's user has versions of his own: none is pinned there."""
    assert not any("==" in each for part in (PROJECT["dependencies"], *EXTRAS.values()) for each in part)


@pytest.mark.timeout(600)
def test_another_file_than_the_locked_one_is_not_installed(fresh: Path, tmp_path: Path) -> None:
    """Whatever an index gives in its place; and the next run tries again."""
    lock = fresh / "scripts" / "locks" / "run.txt"
    lock.write_text(re.sub(r"sha256:[0-9a-f]{8}", "sha256:00000000", lock.read_text()))
    done = subprocess.run([fresh / "scripts" / "llmswitch", "list"], capture_output=True, text=True, env=INSTALLER)
    assert (done.returncode, done.stdout) == (1, "")
    assert "pip could not get" in done.stderr
    assert not list((fresh / ".venv").glob("installed*"))
