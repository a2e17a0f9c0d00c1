"""An open session of the real Claude Code client without a terminal, which takes prompts and questions until it ends.

It reads changed settings as a session in a terminal does (2.1.329): about a second after the edit.
"""

import json
import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from .claude_client import CONTROL_ARGUMENTS, ClaudeClient
from .messages_server import Internet, Request

LIMIT = 30.0  # seconds, for every wait
PAUSE = 0.05  # seconds between two looks

Message = dict[str, Any]


class LiveSession:
    """A running session; `with` ends it. It has the client's home, and an internet of its own.

    `launcher` is the command that starts the client in its place and takes the client's arguments.
    """

    def __init__(
        self, client: ClaudeClient, cwd: Path, launcher: Sequence[str] = (), env: Mapping[str, str] | None = None
    ) -> None:
        self._client, self._cwd, self._env = client, cwd, dict(env or {})
        self._argv = [*(launcher or [client.program]), *CONTROL_ARGUMENTS]
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._noise: list[str] = []
        self._questions = 0

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            certificate = Path(self._client.environment("")["NODE_EXTRA_CA_CERTS"])
            self._internet = stack.enter_context(Internet(self._client.hosts, certificate))
            self._process = stack.enter_context(self._start())
            reader = threading.Thread(target=self._read, daemon=True)
            reader.start()
            stack.callback(reader.join, LIMIT)
            stack.callback(self._kill)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @property
    def outside_messages(self) -> list[Request]:
        """The requests for a message that went beyond loopback so far."""
        return self._internet.messages

    @property
    def base_url(self) -> str | None:
        """The base URL the session works with now, None for Anthropic's; what its settings say may be newer."""
        sections = self.ask("get_status")["sections"]
        rows = {row["label"]: row["value"] for section in sections for row in section["rows"]}
        return rows.get("Anthropic base URL")

    @property
    def applied(self) -> dict[str, Any]:
        """What the session works with now: `model`, `effort` and others."""
        applied: dict[str, Any] = self.ask("get_settings")["applied"]
        return applied

    def say(self, prompt: str) -> None:
        """Take one turn: send a prompt and wait until it is answered."""
        self._send({"type": "user", "message": {"role": "user", "content": prompt}})
        result = self._next(lambda message: message.get("type") == "result")
        assert not result["is_error"], result

    def say_and_interrupt(self, prompt: str, when: threading.Event) -> None:
        """Send a prompt, press Esc once `when` is set, and wait until the turn is over."""
        self._send({"type": "user", "message": {"role": "user", "content": prompt}})
        assert when.wait(LIMIT)
        self.ask("interrupt")
        self._next(lambda message: message.get("type") == "result")

    def ask(self, subtype: str, **fields: str) -> dict[str, Any]:
        """Ask the session about itself, or tell it what to change."""
        self._questions += 1
        number = str(self._questions)
        self._send({"type": "control_request", "request_id": number, "request": {"subtype": subtype, **fields}})
        answer = self._next(lambda message: message.get("response", {}).get("request_id") == number)["response"]
        assert answer["subtype"] == "success", answer
        found: dict[str, Any] = answer.get("response", {})
        return found

    def until(self, seen: Callable[[], bool]) -> None:
        """Look again and again until `seen` says so."""
        deadline = time.monotonic() + LIMIT
        while not seen():
            assert time.monotonic() < deadline, f"the session did not take the change within {LIMIT:.0f} s"
            time.sleep(PAUSE)

    def _start(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self._argv,
            cwd=self._cwd,
            env=self._client.environment(self._internet.url) | self._env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            start_new_session=True,
        )

    def _kill(self) -> None:
        if self._process.poll() is None:
            # Unreaped, so the group id cannot have gone to anyone else.
            os.killpg(self._process.pid, signal.SIGKILL)

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put(None)

    def _send(self, message: Message) -> None:
        assert self._process.stdin
        self._process.stdin.write(json.dumps(message) + "\n")
        self._process.stdin.flush()

    def _next(self, wanted: Callable[[Message], bool]) -> Message:
        """Wait for the first message that is wanted and pass over those before it."""
        deadline = time.monotonic() + LIMIT
        while (line := self._line(deadline)) is not None:
            message = json.loads(line) if line.startswith("{") else {}
            if wanted(message):
                return message
            self._noise += [] if message else [line]
        raise AssertionError(f"the session has no answer: {''.join(self._noise)}")

    def _line(self, deadline: float) -> str | None:
        try:
            return self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            return None
