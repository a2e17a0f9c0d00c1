"""`doctor` where a real keyring holds the key, and with the real Claude Code."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

from conftest import KEY, Cli
from support.claude_client import find_program, require_program
from support.secret_service import SecretService
from test_doctor import House, house

__all__ = ["house"]  # the fixture

PROGRAM = find_program()


def test_a_healthy_set_up_has_no_finding(cli: Cli, repo: Path, service: SecretService, sealed: dict[str, str]) -> None:
    """A real client, a real keyring, a pin from it, and unpinned; the keyring is left as it was."""
    assert PROGRAM or require_program()
    assert cli("save-key", cwd=repo, text=KEY).code == 0
    house = House(cli, repo, sealed)
    house.program("claude", f'exec {shlex.quote(str(PROGRAM))} "$@"')
    assert house.doctor() == {}
    text = cli("doctor", cwd=repo)
    assert "Claude Code  2.1." in text.out
    assert "Secret Service" in text.out
    assert "Nothing wrong found." in text.out
    house.run("claude")
    assert house.doctor() == {}
    items = subprocess.run(
        ["secret-tool", "search", "--all", "application", "Python keyring library"],
        env=sealed, capture_output=True, text=True,
    )  # fmt: skip
    assert "llmswitch:openrouter" in items.stdout + items.stderr
    assert "trial" not in items.stdout + items.stderr


def test_keys_and_presets(house: House, cli: Cli, service: SecretService) -> None:
    """A saved key without a preset, a preset nobody looked at for long, one that cannot be read."""
    folder = house.home.parent / "own"
    (folder / "presets").mkdir(parents=True)
    mine = folder / "presets" / "mine.json5"
    mine.write_text("{extends: 'openrouter', verified: '2020-01-01'}")
    house.environ["LLMSWITCH_HOME"] = str(folder)
    assert cli("save-key", "nobody", cwd=house.repo, text=KEY).code == 0
    house.run("mine")
    found = house.doctor()
    assert found["unused-key"]["fix"] == "llmswitch keys delete nobody"
    assert "2020-01-01" in found["old-preset"]["message"]
    house.run("keys", "delete", "nobody")
    (folder / "presets" / "bad.json5").write_text("{")
    found = house.doctor()
    assert "bad.json5" in found["preset-unusable"]["message"]
    assert "unused-key" not in found
    (folder / "presets" / "bad.json5").unlink()
    mine.chmod(0o666)
    assert f"chmod go-w {mine}" in house.doctor()["preset-unusable"]["fix"]
