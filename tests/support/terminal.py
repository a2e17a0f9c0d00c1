"""A command on a real pseudo-terminal, for what happens only in front of a person."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

LIMIT = 30.0  # seconds, for every wait
INTERRUPT = b"\x03"

# Makes standard input the controlling terminal, without which Ctrl-C and /dev/tty lead nowhere, and becomes
# the command. Neither preexec_fn nor pty.fork, which warn in a process with threads (pytest-xdist).
ATTACH = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execvp(sys.argv[1], sys.argv[1:])"


class Terminal:
    """A running command whose standard input, output and errors are one terminal; `with` ends it."""

    def __init__(self, argv: Sequence[str], cwd: Path, env: Mapping[str, str]) -> None:
        self._seen = 0
        self._bytes = bytearray()
        self._master, slave = pty.openpty()
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", ATTACH, *argv],
                stdin=slave,
                stdout=slave,
                stderr=slave,
                cwd=cwd,
                env=env,
                start_new_session=True,
            )
        except BaseException:
            os.close(self._master)
            raise
        finally:
            os.close(slave)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            # Unreaped, so the group id cannot have gone to anyone else.
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(LIMIT)
        if self._master >= 0:
            os.close(self._master)

    @property
    def output(self) -> str:
        """All that was on the terminal so far: what the command wrote, and what the terminal echoed."""
        return self._bytes.decode(errors="replace")

    def expect(self, text: str, timeout: float = LIMIT) -> None:
        """Wait until the text appears behind what was expected before it."""
        deadline = time.monotonic() + timeout
        while (at := self._bytes.find(text.encode(), self._seen)) < 0:
            if not self._read(deadline):
                raise AssertionError(f"{text!r} is not on the terminal:\n{self.output}")
        self._seen = at + len(text.encode())

    def send(self, text: str) -> None:
        """Type the text; expect the prompt first, for a hidden prompt drops what came before it."""
        os.write(self._master, text.encode())

    def waits(self, timeout: float = LIMIT) -> None:
        """Wait until the command sleeps: a signal just before it begins to read would be noticed after that only."""
        deadline = time.monotonic() + timeout
        while not self._sleeps() and time.monotonic() < deadline:
            time.sleep(0.01)

    def _sleeps(self) -> bool:
        try:
            with open(f"/proc/{self._process.pid}/stat", "rb") as file:
                return file.read().rpartition(b") ")[2].startswith(b"S")
        except OSError:  # not Linux
            return True

    def hang_up(self) -> None:
        """Close the terminal, as a window or a connection that goes away does."""
        os.close(self._master)
        self._master = -1

    def interrupt(self) -> None:
        """Press Ctrl-C."""
        os.write(self._master, INTERRUPT)

    def wait(self, timeout: float = LIMIT) -> int:
        """Wait until the command has ended and return its exit code."""
        deadline = time.monotonic() + timeout
        while self._master >= 0 and self._read(deadline):
            pass
        try:
            return self._process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the command runs after {timeout:.0f} s:\n{self.output}") from None

    def _read(self, deadline: float) -> bool:
        """Take what the terminal shows next; False once the time is over or nobody has the terminal open."""
        ready, _, _ = select.select([self._master], [], [], max(0.0, deadline - time.monotonic()))
        try:
            data = os.read(self._master, 65536) if ready else b""
        except OSError:  # how Linux says that the other side is closed
            return False
        self._bytes += data
        return bool(data)
