"""The tests themselves: none can touch a real HOME, keyring, git config or Claude Code configuration."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Cli, git
from support.tree import SOURCE

import llmswitch


def test_home_and_git_config_are_throwaway(tmp_path: Path) -> None:
    """Whatever a test starts sees only this folder."""
    assert Path.home().is_relative_to(tmp_path)
    assert Path(os.path.expanduser("~")).is_relative_to(tmp_path)
    assert git(tmp_path, "config", "--global", "--list").startswith("user.name=A Tester")
    assert not any(name.startswith(("ANTHROPIC", "CLAUDE", "XDG", "OPENROUTER")) for name in os.environ)


def test_children_run_the_code_of_this_tree(sealed: dict[str, str], tmp_path: Path) -> None:
    """Whatever their Python has installed: another copy of the tree may lie there."""
    argv = [sys.executable, "-c", "import llmswitch; print(llmswitch.__file__)"]
    found = subprocess.run(argv, env=sealed, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert found.strip() == llmswitch.__file__ == str(Path(SOURCE, "llmswitch", "__init__.py"))


def test_no_keyring_can_be_reached(cli: Cli) -> None:
    """A test that wants one brings its own."""
    reply = cli("print-key", "openrouter")
    assert reply.code == 4
    assert "fail" in reply.err


def test_the_keyring_of_this_process_is_sealed_too() -> None:
    """In-process code gets the failing backend."""
    import keyring
    import keyring.errors

    with pytest.raises(keyring.errors.NoKeyringError):
        keyring.get_password("llmswitch:openrouter", "openrouter")
