"""The house: the command line on top, the commands, the edges, the pure core; nothing reaches upwards."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import llmswitch

SOURCE = Path(llmswitch.__file__).parent
CORE = {
    "answers",
    "change",
    "checks",
    "checks_around",
    "effective",
    "errors",
    "facts",
    "fields",
    "held",
    "identity",
    "ladder",
    "lines",
    "mend",
    "models",
    "lean",
    "litellm_config",
    "mixed",
    "pin",
    "places",
    "preset",
    "price_sources",
    "pricing",
    "probe_request",
    "problems",
    "recognise",
    "record",
    "report",
    "report_catalog",
    "report_doctor",
    "report_status",
    "report_switch",
    "routes",
    "second_opinion",
    "secret",
    "settings",
    "slot_map",
    "slots",
    "splice",
    "urls",
}
EDGES = {
    "app",
    "app_doctor",
    "atomic",
    "client",
    "client_view",
    "catalog",
    "config",
    "console",
    "env_file",
    "core_dumps",
    "file_object",
    "data_files",
    "folders",
    "git_files",
    "git_program",
    "history",
    "ignore_rule",
    "journal",
    "key_names",
    "keys",
    "layers",
    "local_gateway",
    "lock",
    "new_files",
    "os_keyring",
    "probe",
    "prompts",
    "sessions",
    "rewrite",
    "route_files",
    "settings_file",
    "survey",
    "user_files",
    "worktrees",
}
TOP = {
    "__init__",
    "__main__",
    "cli",
    "cli_catalog",
    "cli_doctor",
    "cli_gateway",
    "cli_keys",
    "cli_shell",
    "cli_switch",
    "completion",
    "everyday",
    "front",
}
PURE = {"__future__", "_blake2", "_json", "collections", "difflib", "hashlib", "json", "re", "textwrap", "typing"}
# What a switch or a status must not import on its way: each costs more than all the work.
HEAVY = {
    "click", "json5", "keyring", "git", "subprocess", "pathlib", "dataclasses", "typing", "importlib.metadata",
    "logging", "tempfile", "ssl",
}  # fmt: skip


class Imports(ast.NodeVisitor):
    """Collects what a module imports at run time, leaving out what is only for the type checker."""

    def __init__(self) -> None:
        self.names: set[str] = set()

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
            ours = (SOURCE.parent / Path(*full.split("."))).with_suffix(".py").exists()
            self.names.add(full if ours else str(node.module))


def imports(module: str) -> set[str]:
    """Return the run-time imports of one of our modules, by the short name for ours."""
    visitor = Imports()
    visitor.visit(ast.parse((SOURCE / f"{module}.py").read_text()))
    return {name.removeprefix("llmswitch.") for name in visitor.names} - {"llmswitch"}


def modules() -> set[str]:
    """Return the names of the top-level modules."""
    return {path.stem for path in SOURCE.glob("*.py")}


def test_every_module_has_its_place() -> None:
    """A new module belongs to a layer, and this list says to which."""
    assert modules() == CORE | EDGES | TOP


@pytest.mark.parametrize("module", sorted(CORE))
def test_the_core_imports_nothing_but_itself_and_pure_parts_of_python(module: str) -> None:
    """No click, keyring, git, files or network."""
    assert imports(module) <= CORE | PURE


@pytest.mark.parametrize("module", sorted(EDGES - {"app", "app_doctor"}))
def test_the_edges_do_not_know_commands_or_the_command_line(module: str) -> None:
    """They may use the core and each other."""
    assert not {name.split(".")[0] for name in imports(module)} & (TOP | {"commands", "app"})


@pytest.mark.parametrize("path", sorted((SOURCE / "commands").glob("*.py")), ids=lambda path: path.stem)
def test_commands_do_not_know_the_command_line(path: Path) -> None:
    """Their dependencies are their arguments: no click, no terminal, no environment, no app."""
    assert not imports(f"commands/{path.stem}") & {"click", "console", "cli", "app", "os", "sys", "os_keyring"}


def test_nothing_but_its_command_imports_the_gateway() -> None:
    """Its libraries are an extra: without them all the rest works."""
    paths = [path.relative_to(SOURCE).with_suffix("") for path in SOURCE.rglob("*.py") if path.parent.name != "gateway"]
    assert {str(path) for path in paths if any(name.startswith("gateway.") for name in imports(str(path)))} == {
        "commands/gateway"
    }


@pytest.mark.parametrize("command", ["switch", "status"])
def test_the_hot_commands_import_nothing_heavy(command: str) -> None:
    """So that the front door can be fast; what needs a heavy library imports it inside a function."""
    needed = [f"commands.{command}", "app", "worktrees", "settings_file", "journal", "ignore_rule", "layers"]
    needed += ["report_status", "report_switch"]
    code = f"import sys, {', '.join('llmswitch.' + name for name in needed)}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    bare = subprocess.run([sys.executable, "-c", "import sys; print(*sys.modules)"], capture_output=True, text=True)
    assert not (set(done.stdout.split()) - set(bare.stdout.split())) & HEAVY


def test_no_module_is_too_long() -> None:
    """Each can be read at a sitting."""
    assert {path.name for path in SOURCE.rglob("*.py") if len(path.read_text().splitlines()) > 250} == set()


def test_a_preset_cannot_take_the_name_of_a_command() -> None:
    """The reserved names are the commands themselves, and no shipped preset has one."""
    from llmswitch.catalog import Catalog
    from llmswitch.cli import cli
    from llmswitch.folders import shipped_folder

    assert not set(Catalog(shipped_folder(), "/nowhere").names()) & set(cli.commands)


def test_one_module_knows_gitpython_and_few_the_network() -> None:
    """What is heavy and what goes outside stays behind one door each."""
    users = {path.stem: imports(path.relative_to(SOURCE).with_suffix("").as_posix()) for path in SOURCE.rglob("*.py")}
    assert {name for name, used in users.items() if "git" in used} == {"history"}
    assert {name for name, used in users.items() if used & {"urllib.request", "http.client", "socket"}} == {
        "local_gateway",
        "probe",
        "process",
        "upstream",
        "user_files",
    }
