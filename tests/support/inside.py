"""A command line in this very process: the same words, environment, folder and replies as a process of its own."""

from __future__ import annotations

import gc
import io
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from llmswitch.base.errors import COMMANDS
from llmswitch.cli import console, front
from llmswitch.cli.app import App

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run(arguments: list[str], cwd: Path | str, environ: Mapping[str, str], text: str) -> tuple[int, str, str]:
    """Return exit code, stdout and stderr of a command line."""
    handlers = {number: signal.getsignal(number) for number in SIGNALS}
    given = io.TextIOWrapper(io.BytesIO(text.encode()), encoding="utf-8")
    streams = [io.TextIOWrapper(io.BytesIO(), encoding="utf-8") for _ in range(2)]
    with pytest.MonkeyPatch.context() as patch:
        for name in os.environ:
            patch.delenv(name)
        for name, value in environ.items():
            patch.setenv(name, value)
        patch.chdir(cwd)
        patch.setattr(sys, "argv", ["llmswitch"])
        patch.setattr(sys, "stdin", given)
        patch.setattr(sys, "stdout", streams[0])
        patch.setattr(sys, "stderr", streams[1])
        console.lost.clear()
        if "keyring.core" in sys.modules:  # it keeps what it chose in the last environment
            patch.setattr("keyring.core._keyring_backend", None)
        try:
            code = console.run(lambda: front.answer(App(os.environ, COMMANDS, arguments), arguments), arguments)
        finally:
            gc.enable()
            for number, handler in handlers.items():
                signal.signal(number, handler)
    out, err = (stream.buffer.getvalue().decode() for stream in streams if isinstance(stream.buffer, io.BytesIO))
    return code, out, err
