"""Runs the real Claude Code client with nothing of the caller's and no way out but loopback."""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llmswitch.claude.versions import LAST, NEWEST

from .messages_server import Answer, Internet, Request, make_certificate
from .programs import require
from .tree import ROOT, SOURCE

PROGRAM_VARIABLE = "LLMSWITCH_TEST_CLAUDE"
INSTALL_FOLDER = Path(".cache") / f"claude-code-{NEWEST}"
ANTHROPIC_HOST = "api.anthropic.com"
CONTROL_ARGUMENTS = ("-p", "--input-format", "stream-json", "--output-format", "stream-json", "--verbose")
QUIET = {
    "DISABLE_AUTOUPDATER": "1",
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "CLAUDE_CODE_DISABLE_OFFICIAL_MARKETPLACE_AUTOINSTALL": "1",
    "CLAUDE_CODE_MAX_RETRIES": "0",
}


def find_program() -> str | None:
    """Return the client the tests should run, or None when there is none."""
    if named := os.environ.get(PROGRAM_VARIABLE):
        return named
    cached = ROOT / INSTALL_FOLDER / "node_modules" / ".bin" / "claude"
    return str(cached) if cached.exists() else None


def require_program() -> str:
    """Return the client, or skip the test; in CI a missing client is a failure."""
    if program := find_program():
        return program
    reason = f"no Claude Code client: run scripts/claude-code, or set {PROGRAM_VARIABLE}"
    require(reason)
    raise AssertionError(reason)


def require_last_program() -> str:
    """Return the older of the two clients, or skip the test; in CI a missing one is a failure."""
    program = ROOT / ".cache" / f"claude-code-{LAST}" / "node_modules" / ".bin" / "claude"
    require(None if program.exists() else f"no Claude Code {LAST}: run scripts/claude-code --last")
    return str(program)


@dataclass(frozen=True)
class Outcome:
    """What one run of the client left behind."""

    returncode: int
    stdout: str
    stderr: str
    outside: list[Request]

    @property
    def outside_hosts(self) -> set[str]:
        """Every host beyond loopback the client asked for, answered or refused."""
        return {request.host for request in self.outside}

    @property
    def outside_messages(self) -> list[Request]:
        """The requests for a message that went beyond loopback."""
        return [request for request in self.outside if request.is_message]

    @property
    def result(self) -> dict[str, Any]:
        """The object `--output-format json` prints."""
        value: dict[str, Any] = json.loads(self.stdout)
        return value


class ControlError(Exception):
    """The client did not answer a control request."""


class ClaudeClient:
    """The client, in a home of its own, with an internet that holds only the named hosts.

    Anthropic's host has to answer: refused, it is asked again for some 18 s when the environment has a key.
    """

    def __init__(self, program: str | Path, home: Path, tmp: Path, hosts: Sequence[str] = (ANTHROPIC_HOST,)) -> None:
        self.program = str(program)
        self.home = home
        self.tmp = tmp
        self.hosts = tuple(hosts)
        self.answer: Answer | None = None  # what the internet answers; None for its own
        self._certificate = tmp / "internet.pem"
        for folder in (home, tmp):
            folder.mkdir(parents=True, exist_ok=True)
        make_certificate(self._certificate, self.hosts)

    def run(
        self,
        cwd: Path,
        *args: str,
        prompt: str = "hi",
        env: Mapping[str, str] | None = None,
        timeout: float = 60,
    ) -> Outcome:
        """Send one prompt; env adds to an otherwise fixed environment."""
        return self._start(cwd, ("-p", prompt, *args, "--output-format", "json"), None, env, timeout)

    def control(
        self,
        cwd: Path,
        *subtypes: str,
        args: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        timeout: float = 60,
    ) -> dict[str, dict[str, Any]]:
        """Ask the client about itself, without a prompt."""
        lines = "".join(_question(subtype) + "\n" for subtype in subtypes)
        outcome = self._start(cwd, (*CONTROL_ARGUMENTS, *args), lines, env, timeout)
        answers = _answers(outcome.stdout)
        if missing := set(subtypes) - answers.keys():
            raise ControlError(f"no answer to {sorted(missing)}: exit {outcome.returncode}, {outcome.stderr}")
        return answers

    def log_in(self, access_token: str = "fake-login-access-token") -> None:
        """Store a fake login in the home."""
        login = {
            "accessToken": access_token,
            "refreshToken": "fake-login-refresh-token",
            "expiresAt": 4102444800000,  # 2100, or the client would try to refresh it
            "scopes": ["user:inference", "user:profile"],
            "subscriptionType": "max",
        }
        path = self.home / ".claude" / ".credentials.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps({"claudeAiOauth": login}))

    def environment(self, proxy: str) -> dict[str, str]:
        """Return the whole environment of a run."""
        return QUIET | {
            "PATH": _search_path(),
            "HOME": str(self.home),
            "TMPDIR": str(self.tmp),
            "TERM": "dumb",
            "LANG": "C.UTF-8",
            "PYTHONPATH": SOURCE,  # for the llmswitch that it starts
            "HTTP_PROXY": proxy,
            "HTTPS_PROXY": proxy,
            "NO_PROXY": "127.0.0.1,localhost",
            "NODE_EXTRA_CA_CERTS": str(self._certificate),
        }

    def _start(
        self,
        cwd: Path,
        args: Sequence[str],
        feed: str | None,
        env: Mapping[str, str] | None,
        timeout: float,
    ) -> Outcome:
        """Run the program once with an internet of its own."""
        with Internet(self.hosts, self._certificate, self.answer) as internet:
            whole = self.environment(internet.url) | dict(env or {})
            code, out, err = _communicate([self.program, *args], cwd, whole, feed, timeout)
            return Outcome(code, out, err, internet.requests)


def _search_path() -> str:
    """Return a PATH with git and the shell tools, and nothing a user installed."""
    git = shutil.which("git")
    folders = [*([str(Path(git).parent)] if git else []), "/usr/bin", "/bin"]
    return os.pathsep.join(dict.fromkeys(folders))


def _communicate(
    command: Sequence[str], cwd: Path, env: Mapping[str, str], feed: str | None, timeout: float
) -> tuple[int, str, str]:
    """Run a command in a process group of its own, which does not outlive a time-out."""
    with subprocess.Popen(
        command,
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL if feed is None else subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        start_new_session=True,
    ) as process:
        try:
            out, err = process.communicate(feed, timeout)
        except BaseException:
            # Still unreaped here, so the group id cannot have gone to anyone else.
            os.killpg(process.pid, signal.SIGKILL)
            raise
    return process.returncode, out, err


def _question(subtype: str) -> str:
    """Write one control request; its id is its subtype."""
    request = {"type": "control_request", "request_id": subtype, "request": {"subtype": subtype}}
    return json.dumps(request)


def _answers(stdout: str) -> dict[str, dict[str, Any]]:
    """Pick the successful control answers out of the client's lines."""
    lines = (json.loads(line) for line in stdout.splitlines() if line.startswith("{"))
    answers = (line["response"] for line in lines if line.get("type") == "control_response")
    return {answer["request_id"]: answer["response"] for answer in answers if "response" in answer}
