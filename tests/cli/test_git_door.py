"""Git is asked in one way: no program of a repository's runs, no key is handed on, and nobody waits for ever."""

from __future__ import annotations

import ast
import os
import shutil
import stat
from pathlib import Path

import pytest
from conftest import Cli, git, settings_of
from test_house import SOURCE

from llmswitch.worktrees import program
from llmswitch.worktrees.program import GUARDS, LATE

# Module → the programs it starts; git is in one of them.
STARTERS = {
    "worktrees/program": "git",
    "claude/program": "Claude Code",
    "claude/control": "Claude Code",
    "claude/own_settings": "Claude Code",
    "claude/sessions_ps": "ps and lsof",
    "keys/command": "the command of a preset",
    "gateway/starting": "llmswitch itself",
    "cli/picker": "fzf",
    "gateway/supervise": "systemctl or launchctl",
}
STARTING = {"posix_spawn", "posix_spawnp", "execv", "execve", "execvp", "execvpe", "spawnv", "system", "popen", "fork"}
COMMANDS = (
    ["status"], ["status", "--short"], ["status", "--all"], ["statusline"], ["doctor"], ["doctor", "--history"],
    ["openrouter"], ["deepseek", "--dry-run"], ["openrouter", "--all"], ["-"], ["claude"], ["ladder"], ["list"],
    ["doctor", "--fix"], ["apply"], ["env"], ["log"], ["usage"], ["keys"], ["renew"], ["status", "--everywhere"],
    ["run", "--", "-p", "x"], ["use", "deepseek"], ["save-key"], ["presets", "check"],
)  # fmt: skip
# What makes git start a program in a repository whose configuration has it.
HOSTILE = {
    "core.fsmonitor": "{program}",
    "core.hooksPath": "{folder}",
    "core.pager": "{program}",
    "core.editor": "{program}",
    "core.sshCommand": "{program}",
    "core.askPass": "{program}",
    "credential.helper": "!{program}",
    "gpg.program": "{program}",
    "log.showSignature": "true",
    "diff.external": "{program}",
    "diff.evil.textconv": "{program}",
    "diff.evil.command": "{program}",
    "filter.evil.clean": "{program}",
    "filter.evil.smudge": "{program}",
    "filter.evil.process": "{program}",
    "alias.ls-files": "!{program}",
    "alias.rev-parse": "!{program}",
    "core.alternateRefsCommand": "{program}",
    "remote.origin.url": "ext::{program}",
    "remote.origin.promisor": "true",
    "protocol.ext.allow": "always",
    "extensions.partialClone": "origin",
}
HOOKS = ("post-index-change", "reference-transaction", "post-checkout", "fsmonitor-watchman", "pre-auto-gc")


@pytest.fixture
def ran(repo: Path, tmp_path: Path) -> Path:
    """The file in which a program of the hostile repository says that it ran."""
    trap, mark = tmp_path / "trap", tmp_path / "ran"
    trap.mkdir()
    for name in ("program", *HOOKS):
        (trap / name).write_text(f'#!/bin/sh\n{{ echo "$0" "$@"; env; }} >>{mark}\n')
        (trap / name).chmod(0o755)
    (repo / ".gitattributes").write_text("* diff=evil filter=evil\n")
    (repo / ".worktreeinclude").write_text(".claude/\n")
    for hook in HOOKS:
        shutil.copy(trap / hook, repo / ".git" / "hooks" / hook)
    for name, value in HOSTILE.items():
        git(repo, "config", name, value.format(program=trap / "program", folder=trap))
    mark.unlink(missing_ok=True)  # git config may have run some
    return mark


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_no_program_of_a_repository_runs(cli: Cli, repo: Path, ran: Path, key: str, words: list[str]) -> None:
    """Whatever its configuration names, whichever command is typed; in the main checkout and with a pin there."""
    assert cli("openrouter", cwd=repo).code == 0
    cli(*words, cwd=repo)
    assert not ran.exists(), ran.read_text()


def test_the_trap_works(repo: Path, ran: Path) -> None:
    """A plain git does run what the repository names."""
    git(repo, "ls-files", "--others")
    assert ran.exists()


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_git_is_started_through_the_door(
    cli: Cli, repo: Path, tmp_path: Path, key: str, words: list[str]
) -> None:
    """With the guards first, without a key of ours, and without what would move the repository."""
    assert cli("openrouter", cwd=repo).code == 0
    fake, calls = tmp_path / "bin", tmp_path / "calls"
    fake.mkdir()
    real = shutil.which("git")
    (fake / "git").write_text(f'#!/bin/sh\n{{ echo "CALL $*"; env; }} >>{calls}\nexec {real} "$@"\n')
    (fake / "git").chmod(0o755)
    git(repo, "worktree", "add", "--quiet", "--detach", str(tmp_path / "linked"))
    (repo / ".worktreeinclude").write_text(".claude/\n")
    moving = {"GIT_INDEX_FILE": "/nowhere", "GIT_LITERAL_PATHSPECS": "1", "GIT_GLOB_PATHSPECS": "1"}
    cli(*words, cwd=repo, env={"PATH": f"{fake}:{os.environ['PATH']}", **moving})
    lines = calls.read_text().splitlines() if calls.exists() else []
    started = [line for line in lines if line.startswith("CALL ")]
    # GitPython asks for the version when it is imported.
    plain = [line for line in started if not line.startswith(f"CALL {' '.join(GUARDS)} ")]
    assert all(line == "CALL version" for line in plain), plain
    assert not [line for line in lines if line.startswith(("LLMSWITCH_KEY_", *moving))]


def starters() -> set[str]:
    """Return the modules that can start a program."""
    found = set()
    for path in SOURCE.glob("*/*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            called = node.attr if isinstance(node, ast.Attribute) else ""
            if "subprocess" in names or "pty" in names or called in STARTING:
                found.add(f"{path.parent.name}/{path.stem}")
    return found


def test_few_modules_start_programs_and_one_of_them_git() -> None:
    """A new call of git somewhere else is seen here."""
    assert starters() == set(STARTERS)
    users = {f"{path.parent.name}/{path.stem}" for path in SOURCE.glob("*/*.py") if '["git"' in path.read_text()}
    assert users == {"worktrees/program"}


def test_git_that_does_not_answer_is_ended(repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the time that is given, with a complaint that says so."""
    fake = tmp_path / "bin"
    fake.mkdir()
    (fake / "git").write_text("#!/bin/sh\nexec sleep 60\n")
    (fake / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake}:{os.environ['PATH']}")
    code, out, complaint = program.run_git("status", folder=str(repo), seconds=0.2)
    assert (code, out) == (LATE, "")
    assert "longer than" in complaint


def test_a_long_complaint_blocks_nobody(repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than the 64 KiB of a pipe on both sides, which is read as it comes; and it becomes one line."""
    fake = tmp_path / "bin"
    fake.mkdir()
    once = "head -c 300000 /dev/zero | tr '\\0' e >&2; echo >&2; head -c 300000 /dev/zero"
    (fake / "git").write_text(f"#!/bin/sh\n{once}; {once}\n")
    (fake / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake}:{os.environ['PATH']}")
    code, out, complaint = program.run_git("status", folder=str(repo))
    assert (code, len(out), complaint.count("e"), complaint.count("\n")) == (0, 600_000, 600_000, 0)


def test_a_container_can_say_whom_git_trusts(cli: Cli, repo: Path, key: str) -> None:
    """GIT_CONFIG_COUNT and its like go on to git."""
    environ = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*"}
    for path in (repo, repo / ".git"):
        os.chown(path, 12345, 12345) if os.geteuid() == 0 else None
    refused = cli("openrouter", cwd=repo)
    assert refused.code == (5 if os.geteuid() == 0 else 0)
    assert cli("openrouter", cwd=repo, env=environ).code == 0
    assert stat.S_IMODE(settings_of(repo).stat().st_mode) == 0o600
