"""The gateway's process, from outside."""

from __future__ import annotations

import os
import subprocess

from llmswitch.gateway import starting


def test_a_process_that_ended_and_was_not_reaped_does_not_run() -> None:
    """As the PID 1 of many containers leaves them."""
    with subprocess.Popen(["sleep", "60"]) as process:
        assert starting._runs(process.pid)
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # it has ended, and stays a zombie
        assert not starting._runs(process.pid)
    assert not starting._runs(process.pid)
