"""A Redis and a Postgres of Debian, each for one test, on loopback."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from .gateway import free_port
from .programs import absent, require

START_SECONDS = 60.0
NOBODY = 65534


@contextmanager
def _running(command: Sequence[str], log: Path, ready: str, end: signal.Signals) -> Iterator[None]:
    """Run a program that says on standard output or error when it is ready."""
    with log.open("wb") as file, subprocess.Popen(command, stdout=file, stderr=file, cwd="/") as process:
        try:
            deadline = time.monotonic() + START_SECONDS
            while ready not in log.read_text():
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.05)
            yield
        finally:
            process.send_signal(end)


@contextmanager
def redis(folder: Path) -> Iterator[str]:
    """Run a Redis that keeps nothing and yield its port."""
    require(absent("redis-server"))
    port = str(free_port())
    command = ["redis-server", "--bind", "127.0.0.1", "--port", port, "--save", "", "--dir", str(folder)]
    with _running(command, folder / "redis.log", "Ready to accept connections", signal.SIGTERM):
        yield port


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """Run a Postgres with an empty database and yield its URL."""
    require(absent("pg_ctlcluster", "psql", "setpriv"))
    programs = max(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[4])).parent
    port = free_port()
    # Its server refuses root, and nobody may look into the folder of a test.
    with tempfile.TemporaryDirectory() as home:
        as_other: list[str] = []
        if os.getuid() == 0:
            os.chown(home, NOBODY, NOBODY)
            as_other = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--"]
        how = ["--auth=trust", "--username=litellm", "--locale=C.UTF-8", "--no-sync"]
        make = [*as_other, str(programs / "initdb"), *how, "-D", f"{home}/data"]
        subprocess.run(make, cwd="/", stdout=subprocess.DEVNULL, check=True)
        settings = ["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "fsync=off"]
        serve = [*as_other, str(programs / "postgres"), "-D", f"{home}/data", "-p", str(port), *settings]
        with _running(serve, folder / "postgres.log", "ready to accept connections", signal.SIGINT):
            yield f"postgresql://litellm@127.0.0.1:{port}/postgres"


def query(url: str, sql: str) -> list[list[str]]:
    """Return the rows that SQL gives in a Postgres."""
    command = ["psql", url, "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "-v", "ON_ERROR_STOP=1"]
    done = subprocess.run(command, input=sql, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return [line.split("|") for line in done.stdout.splitlines()]
