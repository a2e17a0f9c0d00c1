"""Regenerates src/llmswitch/claude/schema.json; run through scripts/schema.

The names that are tried are all that stand in the program; what the client complains about is what it knows. A name
below which it complains about any name at all is a table, whose own names are free: they stand there as `*`.
"""

from __future__ import annotations

import json
import mmap
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from support.claude_client import ClaudeClient, find_program

from llmswitch.claude.schema import DATA, PROBES, RULED

DEPTH = 3
ANY = "nobodyKnowsThis"
FAULTY = (-1.5, "x")  # what is right in hardly any place
PER_FILE = 3  # objects with every name in them; a file of more than 2 MiB is not read
# Of a member whose value a call makes.
NAME = rb"[{,\"]([A-Za-z$][A-Za-z0-9]{1,45})\"?:(?:\(\)=>|[A-Za-z_$][\w$]{0,4}[.(])"
Settings = dict[str, Any]
Complaints = dict[str, str]


class Asked:
    """The client in a home of its own, with the three files that a session reads."""

    def __init__(self, program: str, folder: Path) -> None:
        repo, home = folder / "repo", folder / "home"
        for each in (repo / ".claude", home / ".claude"):
            each.mkdir(parents=True)
        subprocess.run(["git", "init", "--quiet"], cwd=repo, check=True)  # noqa: S607
        self._client, self._repo = ClaudeClient(program, home, folder / "tmp"), repo
        local = [repo / ".claude" / name for name in ("settings.json", "settings.local.json")]
        self._files = [home / ".claude" / "settings.json", *local]

    def complaints(self, roots: Iterable[Settings]) -> Iterator[Complaints]:
        """Yield for each of these settings what the client says of which path."""
        waiting = list(roots)
        while waiting:
            some, waiting = waiting[: len(self._files)], waiting[len(self._files) :]
            for path in self._files:
                path.unlink(missing_ok=True)
            for path, root in zip(self._files, some, strict=False):
                path.write_text(json.dumps(root))
            answer = self._client.control(self._repo, "get_settings", timeout=300)["get_settings"]
            for path in self._files[: len(some)]:
                errors = [error for error in answer.get("errors", []) if error["file"] == str(path)]
                yield {error["path"]: error.get("message") or "" for error in errors}


def nested(path: str, value: Any) -> Settings:
    """Return settings with a value at a path; `*` is a name that nobody knows."""
    for part in reversed(path.split(".")):
        value = {ANY if part == "*" else part: value}
    return dict(value)


def merge(into: Settings, root: Settings) -> None:
    """Put settings into others, object by object."""
    for name, value in root.items():
        if isinstance(value, dict) and isinstance(into.get(name), dict):
            merge(into[name], value)
        else:
            into[name] = value


def starred(complaints: Mapping[str, str]) -> Complaints:
    """Return complaints with the free names of a table as `*`, and those about an item as about its list."""
    return {re.sub(r"(\.\d+)+$", "", path).replace(ANY, "*"): text for path, text in complaints.items()}


def inner(asked: Asked, prefixes: Sequence[str], names: Sequence[str]) -> set[str]:
    """Return the paths just below these that the client knows: those with which it finds fault."""
    starts = [f"{prefix}." if prefix else "" for prefix in prefixes]
    free = [merged((start + "*", value) for start in starts if start) for value in FAULTY]
    tables = {path for said in asked.complaints(free) for path in starred(said) if path.endswith(".*")}
    starts = [start for start in starts if start + "*" not in tables]
    roots = []
    for value in FAULTY:
        for at in range(0, len(starts), PER_FILE):
            some = starts[at : at + PER_FILE]
            roots.append(merged((start + name, value) for start in some for name in names))
    found = tables & {f"{prefix}.*" for prefix in prefixes}
    depth = starts[0].count(".") if starts else 0
    for said in asked.complaints(roots):
        found |= {path for path in starred(said) if path.count(".") == depth}
    return found


def merged(members: Iterable[tuple[str, Any]]) -> Settings:
    """Return settings with a value at each of these paths."""
    root: Settings = {}
    for path, value in members:
        merge(root, nested(path, value))
    return root


def taken(asked: Asked, paths: Sequence[str]) -> dict[str, dict[str, str | None]]:
    """Return for each path what the client says of each kind of value there, None where it takes it."""
    answers: dict[str, dict[str, str | None]] = {path: {} for path in paths}
    roots: list[Settings] = []
    for value in PROBES.values():
        roots.append(merged((path, value) for path in paths))
    for kind, said in zip(PROBES, asked.complaints(roots), strict=True):
        about = starred(said)
        for path in paths:
            answers[path][kind] = about.get(path)
    return answers


def main() -> None:
    """Ask, and write the data."""
    program = sys.argv[1] if len(sys.argv) > 1 else find_program()
    if program is None:
        sys.exit("There is no client: run scripts/claude-code.")
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)  # noqa: S603
    version = done.stdout.split()[0]
    with open(program, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
        names = sorted({name.decode() for name in re.findall(NAME, text)})
    members: dict[str, str | list[str]] = {}
    needed: dict[str, list[str]] = {}
    with tempfile.TemporaryDirectory(prefix="schema-") as folder:
        asked = Asked(program, Path(folder))
        prefixes, parents = [""], list[str]()
        for _ in range(DEPTH):
            paths = sorted(inner(asked, prefixes, names))
            paths = [path for path in paths if path.partition(".")[0] not in RULED]
            prefixes = []
            for path, said in taken(asked, paths).items():
                listed = re.findall(r'"([^"]+)"', (said["text"] or "").partition("one of")[2])
                kinds = [kind for kind in PROBES if said[kind] is None]
                members[path] = [*listed, *(["null"] if "null" in kinds else [])] if listed else " ".join(kinds)
                if "object" in kinds:
                    prefixes.append(path)
            parents += prefixes
        [said] = asked.complaints([merged((path, {}) for path in parents)])
        for at in starred(said):
            if at not in parents and at.rpartition(".")[0] in parents:
                needed.setdefault(at.rpartition(".")[0], []).append(at.rpartition(".")[2])
    data = {"client": version, "members": members, "needed": needed}
    Path(DATA).write_text(json.dumps(data, indent=1, sort_keys=True) + "\n")
    print(f"{len(members)} members of Claude Code {version}: {DATA}")


if __name__ == "__main__":
    main()
