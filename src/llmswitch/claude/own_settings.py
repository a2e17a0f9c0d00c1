"""Whether the `claude` on PATH reads the --settings that it is started with.

Of two --settings the last counts, whole (since 2.1.169): a `claude` that appends its own takes ours away, silently.
With a file that is not there Claude Code fails, even for --version (2.1.330, 2.1.332): just when ours is the one read.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Mapping

from llmswitch.base import files
from llmswitch.base.opened import bytes_of
from llmswitch.claude.program import VERSION_SECONDS

LAST_COUNTS_SINCE = (2, 1, 169)
CAUSES = "It adds a --settings of its own, of which the last counts, or it answers --version itself"
NAME = "clients.json"
_VERSION = re.compile(rb"(\d+)\.(\d+)\.(\d+)[^\n]*\s*")


def are_read(program: str, state_folder: str, environ: Mapping[str, str]) -> bool:
    """Say whether the program reads them: asked once for each program as it is; yes where the answer is no version."""
    path = os.path.join(state_folder, NAME)
    try:
        status = os.stat(program)
    except OSError:
        return True
    looks, known = [status.st_ino, status.st_mtime_ns], _known(path)
    entry = known.get(program)
    if isinstance(entry, list) and entry[:2] == looks and entry[2:] in ([True], [False]):
        return bool(entry[2])
    found = _asked(program, environ)
    if found is None:
        return True
    try:
        files.make_folder(state_folder, 0o700)
        files.replace(path, json.dumps({**known, program: [*looks, found]}).encode(), 0o600)
    except OSError:  # then it is asked again the next time
        pass
    return found


def _known(path: str) -> dict[str, object]:
    try:
        found = json.loads(bytes_of(path))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _asked(program: str, environ: Mapping[str, str]) -> bool | None:
    """Ask the program for its version with settings that are not there; None where it gives no answer in time."""
    missing = f"/nonexistent/llmswitch-{os.getpid()}.json"
    try:
        done = subprocess.run(  # noqa: S603  # the user's own claude
            [program, "--settings", missing, "--version"],
            capture_output=True, stdin=subprocess.DEVNULL, timeout=VERSION_SECONDS, check=False, env=dict(environ),
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return None
    version = _VERSION.fullmatch(done.stdout)
    return bool(done.returncode) or version is None or tuple(map(int, version.groups())) < LAST_COUNTS_SINCE
