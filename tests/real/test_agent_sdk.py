"""The Claude Agent SDK with a pin, and with what `llmswitch env` says of one (run with 0.2.189)."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from conftest import KEY, Cli
from support.claude_client import ClaudeClient, require_program
from support.messages_server import Internet, MessagesServer, Request
from support.tree import ROOT
from test_real_client import write_preset

PYTHON = ROOT / ".cache" / "agent-sdk-0.2.189" / "bin" / "python"
pytestmark = pytest.mark.long  # 400 MB to install
AGENT = """
import asyncio, json, sys
from claude_agent_sdk import ClaudeAgentOptions, query
async def main():
    async for _ in query(prompt="hi", options=ClaudeAgentOptions(**json.loads(sys.argv[1]))): pass
asyncio.run(main())
"""


@pytest.fixture(scope="module")
def program() -> str:
    """Find the client, before any test's environment is replaced."""
    if not PYTHON.exists():
        pytest.skip("no Claude Agent SDK: scripts/long/agent-sdk")
    return require_program()


class Agent:
    """Runs an agent in a home with a login, and tells where its requests went."""

    def __init__(self, program: str, server: MessagesServer, tmp: Path, environ: Mapping[str, str]) -> None:
        self._server, self._environ, self._tmp = server, environ, tmp
        self._client = ClaudeClient(program, tmp / "client", tmp / "tmp")
        self._client.log_in()

    def run(self, folder: Path, more: Mapping[str, str], **options: object) -> tuple[list[Request], list[Request]]:
        """Return the messages that went to the pin, and those that went beyond loopback."""
        before = len(self._server.messages)
        with Internet(self._client.hosts, self._tmp / "tmp" / "internet.pem", None) as internet:
            whole = {**self._client.environment(internet.url), **self._environ, **more}
            asked = json.dumps({"cli_path": self._client.program, "cwd": str(folder), **options})
            argv = [str(PYTHON), "-c", AGENT, asked]
            done = subprocess.run(argv, env=whole, cwd=folder, capture_output=True, text=True, timeout=120)
            assert done.returncode == 0, done
            outside = [request for request in internet.requests if request.is_message]
        return self._server.messages[before:], outside


def test_the_sdk_goes_where_the_pin_says(
    program: str, cli: Cli, repo: Path, tmp_path: Path, sealed: dict[str, str]
) -> None:
    """By the exports, in its `env` or in its environment, and by the file: but not where it reads no settings."""
    with MessagesServer() as server:
        extra = write_preset(tmp_path, "mine", base_url=server.url, key="mine")
        sealed.update(extra, LLMSWITCH_KEY_MINE=KEY)
        agent = Agent(program, server, tmp_path, extra)
        exports = json.loads(cli("env", "mine", "--format", "json", "--with-key", cwd=repo).out)
        shell = f"{cli('env', 'mine', cwd=repo).out}\nenv -0"
        listed = subprocess.run(["sh", "-c", shell], env=sealed, capture_output=True, text=True, check=True).stdout
        exported = dict(line.split("=", 1) for line in listed.split("\0") if line.startswith(("ANTHROPIC", "CLAUDE")))
        sent, outside = agent.run(repo, {}, env=exports)
        assert ({request.bearer for request in sent}, outside) == ({KEY}, [])
        sent, outside = agent.run(repo, exported)
        assert ({request.bearer for request in sent}, outside) == ({KEY}, [])
        assert cli("mine", cwd=repo).code == 0
        sent, outside = agent.run(repo, {})
        assert ({request.bearer for request in sent}, outside) == ({KEY}, [])
        sent, outside = agent.run(repo, {}, setting_sources=[])
        assert (sent, bool(outside)) == ([], True)
