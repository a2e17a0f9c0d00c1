"""The tests themselves: none can touch a real HOME, keyring, git config or Claude Code configuration."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from conftest import Cli, git


def test_home_and_git_config_are_throwaway(tmp_path: Path) -> None:
    """Whatever a test starts sees only this folder."""
    assert Path.home().is_relative_to(tmp_path)
    assert Path(os.path.expanduser("~")).is_relative_to(tmp_path)
    assert git(tmp_path, "config", "--global", "--list").startswith("user.name=A Tester")
    assert not any(name.startswith(("ANTHROPIC", "CLAUDE", "XDG", "OPENROUTER")) for name in os.environ)


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
