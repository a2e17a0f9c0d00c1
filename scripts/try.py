"""The sandbox behind scripts/try: two worktrees at two backends, a fake key, a fake provider, a small fake client.

Everything is in one temporary folder and on 127.0.0.1; nothing of the user's is read, and nothing is left behind.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PORT = 28765
KEY = "sk-or-v1-" + "0" * 44 + "fake"
# What stands in for Claude Code: it takes its settings as Claude Code does, the main checkout's left out, asks once,
# and prints the answer. It is in the sandbox's PATH, so `llmswitch run` finds it too.
CLIENT = """
import json, os, subprocess, sys, urllib.request
from pathlib import Path
words = sys.argv[1:]
files = [Path(".claude/settings.local.json"), *(Path(words[i + 1]) for i, w in enumerate(words) if w == "--settings")]
found = [json.loads(file.read_text()) for file in files if file.exists()]
values = {**os.environ, **{name: text for each in found for name, text in each.get("env", {}).items()}}
helper = [each["apiKeyHelper"] for each in found if each.get("apiKeyHelper")]
url = values.get("ANTHROPIC_BASE_URL")
if not url:
    sys.exit("claude: no base URL is set here: the real one would now ask api.anthropic.com, with your login.")
token = values.get("ANTHROPIC_AUTH_TOKEN")
if helper:
    token = subprocess.run(helper[-1], shell=True, capture_output=True, text=True, check=True).stdout.strip()
start = values.get("ANTHROPIC_MODEL") or "opus"
model = values.get(f"ANTHROPIC_DEFAULT_{start.upper()}_MODEL", start)
body = {"model": model, "max_tokens": 20, "messages": [{"role": "user", "content": "Who are you?"}]}
head = {"authorization": f"Bearer {token}", "content-type": "application/json", "anthropic-version": "2023-06-01"}
request = urllib.request.Request(url + "/v1/messages", json.dumps(body).encode(), head)
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
with opener.open(request, timeout=20) as answer:
    print(json.load(answer)["content"][0]["text"])
"""


class Provider(BaseHTTPRequestHandler):
    """Answers every message with what it was asked: the model, and the end of the key it came with."""

    def do_POST(self) -> None:
        """Answer one message, as the Messages API does."""
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        end = self.headers.get("authorization", "")[-4:]
        text = f"I am the fake provider. You asked for {asked['model']}, with the key that ends in {end}."
        content, usage = [{"type": "text", "text": text}], {"input_tokens": 9, "output_tokens": 20}
        answer = {"type": "message", "role": "assistant", "model": asked["model"], "content": content, "usage": usage}
        data = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *said: object) -> None:
        """Print nothing: the requests are shown by who sent them."""


def provider() -> ThreadingHTTPServer:
    """Return the fake provider, on a port that is the same in every run where it is free."""
    try:
        return ThreadingHTTPServer(("127.0.0.1", PORT), Provider)
    except OSError:
        return ThreadingHTTPServer(("127.0.0.1", 0), Provider)


class Sandbox:
    """A home, a repository with two worktrees beside it, and the environment in which they are all there is."""

    def __init__(self, folder: Path, port: int) -> None:
        self.home, self.app, self.url = folder / "home", folder / "home/app", f"http://127.0.0.1:{port}"
        programs = folder / "bin"
        for made in (self.app, programs):
            made.mkdir(parents=True)
        self._program(programs / "llmswitch", f'exec "{sys.executable}" -P -m llmswitch "$@"')
        (folder / "client.py").write_text(CLIENT)
        self._program(programs / "claude", f'exec "{sys.executable}" -I "{folder}/client.py" "$@"')
        kept = {name: os.environ[name] for name in ("TERM", "LANG", "LC_ALL", "NO_COLOR") if name in os.environ}
        self.environ = {
            **kept,
            "HOME": str(self.home),
            "PATH": f"{programs}:{os.environ.get('PATH', os.defpath)}",
            "TMPDIR": str(folder),
            "PYTHONPATH": str(ROOT / "src"),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONUTF8": "1",
            "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
            "DBUS_SESSION_BUS_ADDRESS": f"unix:path={folder}/no-bus",
            "LLMSWITCH_KEY_OPENROUTER": KEY,
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_NOSYSTEM": "1",
            **{f"GIT_{who}_{what}": "try@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
        }

    @staticmethod
    def _program(path: Path, line: str) -> None:
        path.write_text(f"#!/bin/sh\n{line}\n")
        path.chmod(0o755)

    def run(self, command: str, folder: str = "app", why: str = "") -> None:
        """Run a command as a person would, and show it, after a word on why; SystemExit where it fails."""
        if why:
            print(f"\n# {why}")
        print(f"~/{folder} $ {command}", flush=True)
        done = subprocess.run(  # noqa: S603  # the commands of `story`
            ["/bin/sh", "-c", command], cwd=self.home / folder, env=self.environ, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False,
        )  # fmt: skip
        print(done.stdout, end="", flush=True)
        if done.returncode:
            sys.exit(f"scripts/try: this failed (exit {done.returncode}).")


def story(sandbox: Sandbox) -> None:
    """Do the main job, with a word on each step."""
    sandbox.run("git init --quiet -b main . && git commit --quiet --allow-empty -m first", why="A repository ...")
    sandbox.run("git worktree add --quiet -b glm ../app-glm && git worktree add --quiet -b cheap ../app-cheap",
                why="... with two worktrees. The key is a fake one, in LLMSWITCH_KEY_OPENROUTER.")  # fmt: skip
    sandbox.run(f"llmswitch openrouter --base-url {sandbox.url}", "app-glm",
                "One at openrouter (--base-url: at the fake provider, which runs on this machine) ...")  # fmt: skip
    sandbox.run(f"llmswitch deepseek --base-url {sandbox.url}", "app-cheap", "... the other one at deepseek.")
    sandbox.run("llmswitch status --all", why="What is in use where?")
    sandbox.run("claude", "app-glm", "Claude Code (here a small fake one) now asks the backend of its worktree:")
    sandbox.run("claude", "app-cheap")
    sandbox.run("llmswitch status", "app-glm", "One worktree, slot by slot:")
    sandbox.run("llmswitch claude && llmswitch status --short", "app-glm", "Back to Claude Code's own backend:")
    sandbox.run("git status --short", "app-glm", "git saw nothing of it:")


def main() -> None:
    """Make the sandbox, run the story, open a shell if that was asked, and take everything away."""
    parser = argparse.ArgumentParser(prog="scripts/try", description="See llmswitch work, with nothing of yours in it.")
    parser.add_argument("--shell", action="store_true", help="end in a shell in the sandbox")
    shell = parser.parse_args().shell
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, frame: sys.exit(128 + number))
    with (
        tempfile.TemporaryDirectory(prefix="llmswitch-try-") as folder,
        provider() as server,
    ):
        threading.Thread(target=server.serve_forever, daemon=True).start()
        sandbox = Sandbox(Path(folder).resolve(), server.server_port)
        story(sandbox)
        if shell:
            print("\n# A shell in the sandbox; `exit` takes it all away. Try: llmswitch list, llmswitch -, claude")
            chosen = [os.environ.get("SHELL", "/bin/sh")]
            subprocess.run(chosen, cwd=sandbox.app, env=sandbox.environ, check=False)  # noqa: S603  # the user's own
        server.shutdown()
    print("\nThe sandbox is gone: nothing of it is left on this machine.")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
