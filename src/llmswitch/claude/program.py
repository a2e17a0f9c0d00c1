"""The user's Claude Code: where it is, and whether it obeys the main checkout's local file in linked worktrees."""

from __future__ import annotations

import os
import re
import resource
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence

from llmswitch.base import files
from llmswitch.base.errors import LlmswitchError
from llmswitch.base.secret import limits_before

MAIN_RULE_SINCE = (2, 1, 211)
VERSION_SECONDS = 10.0


def find(environ: Mapping[str, str]) -> str:
    """Return the path of `claude`; LlmswitchError where there is none on PATH."""
    program = path(environ)
    if program is None:
        raise LlmswitchError(
            "Claude Code was not found: there is no `claude` on PATH.",
            hint="Install it: npm install --global @anthropic-ai/claude-code",
        )
    return program


def path(environ: Mapping[str, str]) -> str | None:
    """Return the path of `claude`, None where there is none on PATH."""
    return shutil.which("claude", path=environ.get("PATH"))


def main_rules(environ: Mapping[str, str]) -> bool:
    """Say whether main's local file wins in linked worktrees: since 2.1.211; yes when unknown."""
    found = version(environ)
    return found is None or found >= MAIN_RULE_SINCE


def version(environ: Mapping[str, str]) -> tuple[int, ...] | None:
    """Return the version of Claude Code, None where there is none or it does not say."""
    try:
        argv = [find(environ), "--version"]
        done = subprocess.run(  # noqa: S603  # the user's own claude
            argv, capture_output=True, stdin=subprocess.DEVNULL, timeout=VERSION_SECONDS, check=False
        )
    except (LlmswitchError, OSError, subprocess.TimeoutExpired):
        return None
    match = re.match(rb"(\d+)\.(\d+)\.(\d+)", done.stdout)
    return tuple(int(part) for part in match.groups()) if match else None


def become(program: str, arguments: Sequence[str], environ: Mapping[str, str]) -> None:
    """Replace this process by Claude Code, so that signals, exit code, terminal and limits are its own."""
    for name in ("SIGPIPE", "SIGXFSZ"):  # ignored by Python, and so they would be by all that Claude Code starts
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_DFL)
    if limits_before:
        resource.setrlimit(resource.RLIMIT_CORE, limits_before[0])
    try:
        os.execve(program, [program, *arguments], dict(environ))  # noqa: S606
    except OSError as error:
        raise LlmswitchError(f"{program} cannot be started: {error.strerror}.") from None


def overlay_file(path: str, settings: str) -> str:
    """Write a --settings file without secrets at its fixed place and return its path; raises LlmswitchError."""
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        files.replace(os.path.realpath(path), settings.encode(), 0o600)
    except OSError as error:
        raise LlmswitchError(f"{path}: cannot write it: {error.strerror}.") from None
    return path


def overlay_in_memory(settings: str) -> str:
    """Return the path of a --settings file with secrets, which is on no disk and goes away with the process.

    Raises LlmswitchError where the system has no such files.
    """
    if not hasattr(os, "memfd_create"):  # Linux 3.17
        raise LlmswitchError(
            "The key that is exported here could only be handed on in a file, which llmswitch does not do.",
            hint="Free the main checkout instead: llmswitch claude -w MAIN",
        )
    file = os.memfd_create("llmswitch", 0)  # no CLOEXEC: Claude Code reads it after the exec
    os.write(file, settings.encode())
    return f"/proc/self/fd/{file}"
