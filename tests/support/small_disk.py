"""One switch on a file system of its own, in a private mount namespace: `unshare --mount python small_disk.py CASE`.

Prints what happened as JSON: exit code, standard error, whether the file is the old one, its mode, what lies around.
"""

from __future__ import annotations

import json
import os
import resource
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

OLD = '{"a": 1}'


def fill(disk: Path) -> None:
    """Take all the space there is."""
    with open(disk / "filler", "wb", buffering=0) as file:
        try:
            while file.write(b"x" * 512):
                pass
        except OSError:
            pass


def use_up_inodes(disk: Path) -> None:
    """Take all the inodes there are."""
    try:
        for number in range(10_000):
            (disk / f"filler{number}").touch()
    except OSError:
        pass


def read_only(disk: Path) -> None:
    """Remount read-only."""
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)


def no_growth(disk: Path) -> None:
    """Allow this process no file of any size."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))


def nothing(disk: Path) -> None:
    """Do no harm."""


# Case: mount options, the harm, which of the folders lie on the small disk.
CASES: dict[str, tuple[str, Callable[[Path], None], tuple[str, ...]]] = {
    "full": ("size=256k", fill, ("plain",)),
    "full, in a repository": ("size=1m", fill, ("repo",)),
    "full, no file yet": ("size=256k", fill, ("new",)),
    "tiny": ("size=8k", fill, ("plain",)),
    "no inodes": ("nr_inodes=40", use_up_inodes, ("plain",)),
    "no inodes, in a repository": ("nr_inodes=80", use_up_inodes, ("repo",)),
    "read-only": ("size=256k", read_only, ("plain",)),
    "read-only, in a repository": ("size=1m", read_only, ("repo",)),
    "size limit": ("size=256k", no_growth, ("plain",)),
    "full state folder": ("size=256k", fill, ("home",)),
    "read-only state folder": ("size=256k", read_only, ("home",)),
    "room enough": ("size=1m", nothing, ("plain", "home")),
}


def prepare(folder: Path, disk: Path, on_disk: tuple[str, ...]) -> tuple[Path, Path]:
    """Make the home and the folder that is switched; return both."""
    home = (disk if "home" in on_disk else folder) / "another home"
    home.mkdir()
    place = (folder if on_disk == ("home",) else disk) / "place"
    place.mkdir()
    if "repo" in on_disk:
        subprocess.run(["git", "init", "--quiet", "--template=", str(place)], check=True)
    if "new" not in on_disk:
        path = place / ".claude" / "settings.local.json"
        path.parent.mkdir()
        path.write_text(OLD)
        path.chmod(0o640)
    return home, place


def main(case: str, folder: Path) -> None:
    """Run one case in that empty folder."""
    options, harm, on_disk = CASES[case]
    disk = folder / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(disk)], check=True)
    home, place = prepare(folder, disk, on_disk)
    harm(disk)
    environ = {**os.environ, "HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1"}
    argv = [sys.executable, "-m", "llmswitch", "openrouter"]
    done = subprocess.run(argv, cwd=place, env=environ, capture_output=True, text=True)
    path = place / ".claude" / "settings.local.json"
    there = path.exists()
    litter = [path.name for root in (place, home) for path in root.rglob(".llmswitch-*")]
    report = {
        "code": done.returncode,
        "err": done.stderr,
        "path": str(path),
        "content": path.read_text() if there else None,
        "mode": stat.S_IMODE(path.stat().st_mode) if there else None,
        "litter": litter,
    }
    sys.stdout.write(json.dumps(report))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
