"""A process that looks like an open Claude Code, for what does not need the real one."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def looks_like_a_session(folder: Path, *arguments: str, user: int | None = None) -> Iterator[int]:
    """Run a shell that is called `claude` and waits, in a folder, as `user`; yield its process number."""
    argv = ["claude", "-c", "echo; read line", *arguments]
    with subprocess.Popen(
        argv, executable="/bin/sh", cwd=folder, user=user, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout
        process.stdout.readline()
        try:
            yield process.pid
        finally:
            process.kill()
