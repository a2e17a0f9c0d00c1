"""What the installed Claude Code itself says it will use, asked over its control protocol: no request is made.

The protocol is undocumented (measured on 2.1.329): one JSON request a line on standard input, and the answers
among the lines of `--output-format stream-json`. They hold raw secrets and are never logged.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Mapping
from typing import Any

from llmswitch.base.errors import LlmswitchError

Answers = dict[str, dict[str, Any]]

ARGUMENTS = ("-p", "--input-format", "stream-json", "--output-format", "stream-json", "--verbose")
QUESTIONS = ("get_settings", "get_status")
SECONDS = 60.0
# It shall answer and nothing else.
QUIET = {
    "DISABLE_AUTOUPDATER": "1",
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "CLAUDE_CODE_DISABLE_OFFICIAL_MARKETPLACE_AUTOINSTALL": "1",
}


def ask(program: str, folder: str, environ: Mapping[str, str], seconds: float = SECONDS) -> Answers:
    """Return {question: answer} of a Claude Code that starts in `folder`; LlmswitchError where one is missing."""
    lines = [{"type": "control_request", "request_id": name, "request": {"subtype": name}} for name in QUESTIONS]
    code, out = _run([program, *ARGUMENTS], folder, {**environ, **QUIET}, lines, seconds)
    answers = _answers(out)
    if missing := [name for name in QUESTIONS if name not in answers]:
        raise LlmswitchError(f"Claude Code did not answer {', '.join(missing)} (exit {code}).", changed="")
    return answers


def _run(
    argv: list[str], folder: str, environ: Mapping[str, str], lines: list[Any], seconds: float
) -> tuple[int, bytes]:
    text = "".join(json.dumps(line) + "\n" for line in lines).encode()
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    try:
        with subprocess.Popen(argv, cwd=folder, env=dict(environ), start_new_session=True, **pipes) as process:  # type: ignore[call-overload]  # noqa: S603
            try:
                out, _ = process.communicate(text, seconds)
            except BaseException:
                os.killpg(process.pid, signal.SIGKILL)  # not reaped yet, so the number is still its own
                raise
    except subprocess.TimeoutExpired:
        raise LlmswitchError(f"Claude Code did not answer within {seconds:.0f} seconds.", changed="") from None
    except OSError as error:
        raise LlmswitchError(f"{argv[0]} cannot be started: {error.strerror}.", changed="") from None
    return process.returncode, out


def _answers(out: bytes) -> Answers:
    found: Answers = {}
    for line in out.splitlines():
        try:
            message = json.loads(line)
        except ValueError:
            continue
        response = message.get("response") if isinstance(message, dict) else None
        if isinstance(response, dict) and isinstance(response.get("response"), dict):
            found[str(response.get("request_id"))] = response["response"]
    return found
