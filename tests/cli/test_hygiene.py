"""What keeps keys out of errors, dumps and outputs, for every module and every way of failing."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import KEY

import llmswitch
from llmswitch.cli import console

SOURCES = sorted(Path(llmswitch.__file__).parent.rglob("*.py"))


def handlers(path: Path) -> Iterator[ast.ExceptHandler]:
    """Yield every `except` of a module."""
    yield from (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ExceptHandler))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_no_error_of_ours_carries_the_one_it_came_from(path: Path) -> None:
    """safety-84: that one may hold a file's text or a child's output; `raise … from None` drops it."""
    raised = [node for handler in handlers(path) for node in ast.walk(handler) if isinstance(node, ast.Raise)]
    kept = [node.lineno for node in raised if isinstance(node.exc, ast.Call) and not _is_none(node.cause)]
    assert kept == []


def _is_none(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_no_exception_is_shown_by_its_repr(path: Path) -> None:
    """safety-84: the repr of a UnicodeDecodeError holds the whole file."""
    for handler in handlers(path):
        shown = [node for node in ast.walk(handler) if isinstance(node, ast.FormattedValue) and node.conversion == 114]
        assert not [node for node in shown if isinstance(node.value, ast.Name) and node.value.id == handler.name]
        called = [node for node in ast.walk(handler) if isinstance(node, ast.Call)]
        names = [node.func.id for node in called if isinstance(node.func, ast.Name)]
        assert "repr" not in names
        assert "print_exc" not in names


def test_a_bug_of_ours_shows_where_it_is_and_nothing_that_it_held(capfd: pytest.CaptureFixture[str]) -> None:
    """safety-84: no traceback, and not what the exception says."""

    def buggy() -> None:
        try:
            raise UnicodeDecodeError("utf-8", KEY.encode(), 0, 1, KEY)
        except UnicodeDecodeError:
            raise ValueError(KEY)  # noqa: B904  # as a bug would

    assert console.run(buggy, []) == 1
    shown = "".join(capfd.readouterr())
    assert "a bug in llmswitch (ValueError)" in shown
    assert "test_hygiene.py:" in shown
    assert "Traceback" not in shown
    assert KEY[-12:] not in shown


def test_no_core_dump_while_a_key_may_be_in_memory(sealed: dict[str, str]) -> None:
    """safety-84: every command runs without; Claude Code gets its limit back."""
    script = (
        "import os, resource, sys; from llmswitch.claude.program import become; from llmswitch.cli import console\n"
        "resource.setrlimit(resource.RLIMIT_CORE, (4096, 4096))\n"
        "show = 'import resource; print(resource.getrlimit(resource.RLIMIT_CORE))'\n"
        "def work():\n"
        "    print(resource.getrlimit(resource.RLIMIT_CORE), flush=True)\n"
        "    become(sys.executable, ['-c', show], os.environ)\n"
        "console.run(work, [])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], env=sealed, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["(0, 4096)", "(4096, 4096)"]
