"""A `claude` that does not read the --settings it is started with is found, once for each program."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from conftest import Cli, settings_of

VERSION = "2.1.332 (Claude Code)"
# As Claude Code does: of two --settings the last counts, and one that is not there is an error, for --version too.
REAL = f"""#!/bin/sh
last=; asked=; all="$*"
while [ $# -gt 0 ]; do
  case $1 in --settings) last=$2; shift;; --version) asked=1;; esac
  shift
done
[ -z "$last" ] || [ -e "$last" ] || {{ echo "Error: Settings file not found: $last" >&2; exit 1; }}
[ -z "$asked" ] || {{ echo asked >>"$LOG"; echo '{VERSION}'; exit 0; }}
echo "started $all"
"""


@pytest.fixture
def bin_(tmp_path: Path) -> Path:
    """A folder at the front of PATH, with settings that a wrapper appends."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (tmp_path / "real").write_text(REAL)
    (tmp_path / "real").chmod(0o755)
    (tmp_path / "wrap.json").write_text("{}")
    return folder


def put(bin_: Path, script: str) -> None:
    """Put a `claude` on PATH; REAL and WRAP stand for the program itself and the settings of a wrapper."""
    path = bin_ / "claude"
    path.unlink(missing_ok=True)
    path.write_text(script.replace("REAL", str(bin_.parent / "real")).replace("WRAP", str(bin_.parent / "wrap.json")))
    path.chmod(0o755)


@pytest.fixture
def env(bin_: Path, sealed: dict[str, str]) -> dict[str, str]:
    """The environment with that folder."""
    return {"PATH": f"{bin_}:{sealed['PATH']}", "LOG": str(bin_.parent / "log")}


LOST = {
    "appends its own": '#!/bin/sh\nexec REAL "$@" --settings WRAP\n',
    "answers --version itself": f'#!/bin/sh\ncase "$*" in *--version*) echo "{VERSION}"; exit;; esac\nexec REAL "$@"\n',
}
FINE = {
    "the program": '#!/bin/sh\nexec REAL "$@"\n',
    "its own first": '#!/bin/sh\nexec REAL --settings WRAP "$@"\n',
    "older than 2.1.169": "#!/bin/sh\necho '2.1.100 (Claude Code)'\n",
    "says no version": '#!/bin/sh\necho "started $*"\n',
}


@pytest.mark.parametrize("kind", LOST)
def test_run_refuses_a_program_that_does_not_read_the_pin(
    cli: Cli, repo: Path, key: str, bin_: Path, env: dict[str, str], kind: str
) -> None:
    """With both causes; --anyway goes on, doctor has it as an error, and without an overlay nothing is asked."""
    put(bin_, LOST[kind])
    assert cli("run", "--", "-p", "hi", cwd=repo, env=env).code == 0
    reply = cli("run", "openrouter", "--", "-p", "hi", cwd=repo, env=env)
    assert (reply.code, reply.out) == (5, "")
    assert "adds a --settings of its own" in reply.err
    assert "answers --version itself" in reply.err
    assert cli("run", "openrouter", "--anyway", "--", "-p", "hi", cwd=repo, env=env).out.startswith("started")
    problems = json.loads(cli("doctor", "--json", cwd=repo, env=env).out)["problems"]
    assert [each["level"] for each in problems if each["code"] == "overlay-lost"] == ["error"]


@pytest.mark.parametrize("kind", FINE)
def test_run_goes_on_where_ours_is_read_or_nobody_can_say(
    cli: Cli, repo: Path, key: str, bin_: Path, env: dict[str, str], kind: str
) -> None:
    """A program of which nothing is known is no reason to refuse."""
    put(bin_, FINE[kind])
    assert cli("run", "openrouter", "--", "-p", "hi", cwd=repo, env=env).code == 0


def test_a_program_is_asked_once_until_it_changes(
    cli: Cli, repo: Path, key: str, bin_: Path, env: dict[str, str]
) -> None:
    """It is known by path, inode and time."""
    put(bin_, LOST["appends its own"])
    for _ in range(3):
        assert cli("run", "openrouter", cwd=repo, env=env).code == 5
    assert Path(env["LOG"]).read_text() == "asked\n"
    put(bin_, FINE["the program"])
    assert cli("run", "openrouter", cwd=repo, env=env).code == 0
    os.utime(bin_ / "claude", (1, 1))
    assert cli("run", "openrouter", cwd=repo, env=env).code == 0


def test_what_is_remembered_may_be_broken(cli: Cli, repo: Path, key: str, bin_: Path, env: dict[str, str]) -> None:
    """Then the program is asked again."""
    put(bin_, LOST["appends its own"])
    cli("run", "openrouter", cwd=repo, env=env)
    (remembered,) = Path(env["LOG"]).parent.glob("home/**/clients.json")
    remembered.write_text("[1")
    assert cli("run", "openrouter", cwd=repo, env=env).code == 5
    assert not settings_of(repo).exists()
