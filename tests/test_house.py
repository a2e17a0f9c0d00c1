"""The house: the order of the folders is the rule of imports, and the hot ways load little."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import llmswitch
from llmswitch.cli import app, front
from llmswitch.cli.main import PLACES

SOURCE = Path(llmswitch.__file__).parent
# From the top down. A module imports from its own folder, from those on the same step and from those further down.
STEPS = (
    ("cli",),
    ("views",),
    ("commands", "doctor", "usage"),
    ("status",),
    ("gateway",),
    ("keys",),
    ("presets", "settings"),
    ("claude",),
    ("worktrees",),
    ("base",),
)
HEIGHT = {folder: height for height, step in enumerate(reversed(STEPS)) for folder in step}
# What only the folders with side effects may import.
OUTSIDE = {"os", "sys", "subprocess", "socket", "click", "git", "keyring", "urllib.request", "http.client", "time"}
PURE = ["claude/effective", "claude/variables", "settings/text", "settings/change",
        "presets/pin", "status/*", "views/*"]  # fmt: skip
# What a hot way must not import: each costs more than all the work.
HEAVY = {
    "click", "json", "re", "json5", "keyring", "git", "subprocess", "pathlib", "dataclasses", "typing",
    "importlib.metadata", "logging", "tempfile", "ssl",
}  # fmt: skip
PLACE = re.compile(r"llmswitch(\.\w+)+:\w+")
# Imports inside functions, each with a word why: an optional extra, the keyring, a heavy library that few runs need, or
# what a hot way needs only where a rare member, variable or error is there.
MOST_DOORS = 60
# Blocks of imports for the type checker only: where these would load a module more on a hot way, close a circle or ask
# for an extra.
MOST_FOR_TYPES = 86


class Imports(ast.NodeVisitor):
    """Collects what a module imports at run time, leaving out what is only for the type checker."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def visit_Constant(self, node: ast.Constant) -> None:
        """Note a place in a table, `llmswitch.a.b:c`."""
        if isinstance(node.value, str) and PLACE.fullmatch(node.value):
            self.names.add(node.value.partition(":")[0])

    def visit_If(self, node: ast.If) -> None:
        """Skip `if TYPE_CHECKING:`."""
        if not (isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"):
            self.generic_visit(node)

    def visit_Import(self, node: ast.Import) -> None:
        """Note `import a.b`."""
        self.names |= {alias.name for alias in node.names}

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        """Note `from a.b import c` as a.b.c where that is a module of ours, else as a.b."""
        for alias in node.names:
            full = f"{node.module}.{alias.name}"
            self.names.add(full if (SOURCE.parent / (full.replace(".", "/") + ".py")).exists() else str(node.module))


@cache
def imports(path: Path) -> set[str]:
    """Return the run-time imports of a file."""
    visitor = Imports()
    visitor.visit(ast.parse(path.read_text()))
    return visitor.names


@cache
def modules() -> dict[str, set[str]]:
    """Return {folder/module: modules of ours that it imports}, in the same form."""
    found = {}
    for path in sorted(SOURCE.glob("*/*.py")):
        ours = [name.removeprefix("llmswitch.") for name in imports(path) if name.startswith("llmswitch.")]
        found[f"{path.parent.name}/{path.stem}"] = {name.replace(".", "/") for name in ours}
    return found


def doors() -> dict[str, str]:
    """Return {folder/module:line: that line} of the imports inside functions, by a statement or a call."""
    found = {}
    for path in SOURCE.rglob("*.py"):
        lines = path.read_text().splitlines()
        functions = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)]
        for node in (each for function in functions for each in ast.walk(function)):
            called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            is_import = isinstance(node, ast.Import | ast.ImportFrom) or called.endswith(
                ("__import__", "import_module")
            )
            if is_import and isinstance(node, ast.stmt | ast.expr):
                found[f"{path.parent.name}/{path.stem}:{node.lineno}"] = lines[node.lineno - 1]
    return found


def test_few_imports_stand_inside_functions() -> None:
    """Everything else is at the top, where a reader looks for it; and each of those says why."""
    found = doors()
    assert len(found) <= MOST_DOORS, "\n".join(found)
    assert [f"{at} {line.strip()}" for at, line in found.items() if "  # " not in line] == []


def test_few_imports_are_for_the_type_checker_only() -> None:
    """Off the hot ways a name that only annotations need is imported as any other."""
    lines = [line for path in SOURCE.rglob("*.py") for line in path.read_text().splitlines()]
    assert lines.count("if TYPE_CHECKING:") <= MOST_FOR_TYPES


def test_what_a_table_names_is_there() -> None:
    """A place in a table of the front door is imported only when somebody types that form."""
    places = [*front.ANSWERS.values(), *app.PLACES.values()]
    places += [f"llmswitch.cli.{place}" for place, _ in PLACES.values()]
    assert len(places) > 30
    assert all(app.at(place) for place in places)


def test_only_the_way_in_lies_above_the_folders() -> None:
    """Everything else is in the folder of its noun."""
    assert {path.name for path in SOURCE.glob("*.py")} == {"__init__.py", "__main__.py"}
    folders = {path.parent.name for path in SOURCE.glob("*/*.py")}
    assert folders <= HEIGHT.keys()


@pytest.mark.parametrize(("module", "used"), modules().items(), ids=modules())
def test_imports_go_sideways_and_down(module: str, used: set[str]) -> None:
    """The order of the folders is the whole rule."""
    height = HEIGHT[module.partition("/")[0]]
    assert [name for name in used if HEIGHT[name.partition("/")[0]] > height] == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    """Inside a folder neither."""
    found = modules()
    left = {name: used & found.keys() for name, used in found.items()}
    while free := [name for name, used in left.items() if not used & left.keys()]:
        for name in free:
            del left[name]
    assert left == {}


@pytest.mark.parametrize("pattern", PURE)
def test_what_only_computes_does_not_reach_outside(pattern: str) -> None:
    """No files, processes, network, terminal or clock."""
    paths = list(SOURCE.glob(pattern + ".py"))
    assert paths
    assert {path.stem: imports(path) & OUTSIDE for path in paths if imports(path) & OUTSIDE} == {}


def test_click_is_known_in_the_command_line_only() -> None:
    """What a command does can be called without a terminal."""
    users = {
        path.parent.name for path in SOURCE.rglob("*.py") if any(n.split(".")[0] == "click" for n in imports(path))
    }
    assert users == {"cli"}


def test_one_module_knows_gitpython_and_few_the_network() -> None:
    """What is heavy and what goes outside stays behind one door each."""
    users = {f"{path.parent.name}/{path.stem}": imports(path) for path in SOURCE.rglob("*.py")}
    assert {name for name, used in users.items() if "git" in used} == {"doctor/history"}
    assert {name for name, used in users.items() if used & {"urllib.request", "http.client", "socket"}} == {
        "commands/prices", "doctor/probe", "gateway/client", "gateway/process", "gateway/supervise", "gateway/outgoing",
        "gateway/incoming",
    }  # fmt: skip


def test_a_preset_cannot_take_the_name_of_a_command() -> None:
    """The reserved names are the commands themselves, and no shipped preset has one."""
    from llmswitch.presets.catalog import Catalog
    from llmswitch.presets.files import shipped_folder
    from llmswitch.presets.listing import names

    assert not set(names(Catalog(shipped_folder(), "/nowhere"))) & set(PLACES)


def test_importing_the_front_door_imports_nothing_heavy() -> None:
    """The least that every run pays."""
    code = "import sys, llmswitch.cli.front; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    bare = subprocess.run([sys.executable, "-c", "import sys; print(*sys.modules)"], capture_output=True, text=True)
    assert not (set(done.stdout.split()) - set(bare.stdout.split())) & HEAVY
