"""Bad inputs and faults by number, and which tests name each: `scripts/long/safety` prints the list.

A test names a number as `safety-7`, in its docstring or in the id of a parameter.
"""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

TITLES = """
1 no file, no folder · 2 empty or blank file · 3 cut off · 4 NUL bytes · 5 comment · 6 trailing comma ·
7 JSON5 · 8 key twice at the top · 9 key twice in env · 10 root is no object · 11 env is no object ·
12 values that are no text · 13 NaN, Infinity · 14 odd numbers · 15 5000 digits · 16 half a surrogate pair ·
17 byte order mark · 18 CRLF · 19 UTF-16, UTF-32 · 20 Latin-1 · 21 large files · 22 deep nesting ·
23 styles · 24 not ASCII · 25 odd keys · 26 control characters · 27 more text after the end ·
28 linked file · 29 dangling, chained, looping link · 30 linked folder · 31 file in the folder's place ·
32 folder, FIFO, socket, device · 33 hard links · 34 another user's · 35 read-only file ·
36 no access · 37 immutable · 38 too wide a mode · 39 umask · 40 attributes and access lists ·
41 disk full · 42 quota · 43 read-only disk · 44 size limit · 45 I/O error · 46 too many open files ·
47 interrupted call · 48 another device · 49 error after the rename · 50 kill at any call · 51 signals ·
52 random kills · 53 power cut · 54 stdout full or closed · 55 clock · 56 no flock, no folder sync ·
57 Windows · 58 many at once · 59 lock held · 60 writer without a lock · 61 open session ·
62 deleted meanwhile · 63 no bus · 64 no service · 65 locked · 66 nobody unlocks · 67 daemon stopped ·
68 daemon dies · 69 wrong backend · 70 broken keyring configuration · 71 keyring that stores nothing ·
72 plain text, or asking · 73 duplicate items · 74 item that is no text · 75 too long for Windows ·
76 Windows session · 77 shut Keychain · 78 one dialog an item · 79 container, WSL, CI · 80 pasted key ·
81 empty key · 82 Ctrl-C while waiting · 83 key as an argument · 84 errors that quote · 85 tracked file ·
86 not ignored · 87 negated rule · 88 other credentials blanked · 89 keyless · 90 key of another host ·
91 URL without TLS or with userinfo · 92 helper and token · 93 print-key fails · 94 preset of the repository ·
95 key from a command · 96 masking short keys · 97 no git, old git · 98 bare repository ·
99 moved, missing, submodule · 100 odd paths · 101 GIT_ variables · 102 dubious owner ·
103 damaged repository · 104 sparse checkout · 105 .git to nowhere · 106 nested worktree ·
107 main overrides · 108 somebody else's main checkout · 109 session in a subfolder · 110 key of a removed worktree
"""
CASES = {int(number): title for number, title in re.findall(r"(\d+) (.+?)(?: ·|$)", TITLES.replace("·\n", "· "), re.M)}
UNTESTED = {
    75: "on Windows llmswitch runs in WSL, where keys lie in a keyring of Linux",
    76: "on Windows llmswitch runs in WSL, where keys lie in a keyring of Linux",
    110: "keys belong to providers and not to worktrees, so none is left behind",
}
# What is tested through a seam only: the system itself was not at hand.
PRETENDED = {
    53: "no power was cut; the order of the calls is what is checked",
    57: "Windows", 77: "macOS", 78: "macOS",
}  # fmt: skip
TESTS = Path(__file__).parents[1]


def named() -> dict[int, list[str]]:
    """Return {number: tests that name it}, in the order of the files."""
    found: dict[int, list[str]] = {}
    for path in sorted(TESTS.rglob("test_*.py")):
        text = path.read_text(encoding="utf-8")
        lines = text.splitlines()
        for node in ast.parse(text).body:
            label = f"{path.name}::{node.name}" if isinstance(node, ast.FunctionDef) else path.name
            for numbers in re.findall(r"safety-(\d+(?:, -\d+)*)", "\n".join(lines[node.lineno - 1 : node.end_lineno])):
                for number in numbers.split(", -"):
                    places = found.setdefault(int(number), [])
                    places += [label] if label not in places else []
    return found


def main() -> int:
    """Print the list, and say by the exit code whether every case is accounted for."""
    places = named()
    for number, title in CASES.items():
        print(f"{number:4} {title}" + (f" (pretended: {PRETENDED[number]})" if number in PRETENDED else ""))
        for place in places.get(number, [f"not tested: {UNTESTED.get(number, 'NO REASON')}"]):
            print(f"         {place}")
    open_ = set(CASES) - set(places) - set(UNTESTED)
    print(
        f"{len(set(places) & set(CASES))} of {len(CASES)} cases are named by tests, {len(PRETENDED)} of them pretended."
    )
    return 1 if open_ else 0


if __name__ == "__main__":
    sys.exit(main())
