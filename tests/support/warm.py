"""The whole command in a process that is forked from a warm one: a run costs milliseconds, not a Python start.

A helper process (this file as a script) imports everything once. For each request it forks a child that runs the
command line as `llmswitch` does, in the folder and with the environment that are asked for. A child can be told to
stop itself first, so that strace can be attached before its first system call.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self


class Ended:
    """How a run ended: `code` as a shell gives it (137 for SIGKILL), and what it printed."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    def __repr__(self) -> str:
        return f"exit {self.code}\n--- stdout\n{self.out}\n--- stderr\n{self.err}"


class Warm:
    """`with Warm(environ) as warm: warm.run("openrouter", cwd=…)`."""

    def __init__(self, environ: dict[str, str]) -> None:
        self.environ = environ

    def __enter__(self) -> Self:
        source = str(Path(__file__).parents[2] / "src")
        environ = {**self.environ, "PYTHONPATH": source, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0"}
        self._files = tempfile.TemporaryDirectory(prefix="warm-", dir=self.environ.get("TMPDIR"))
        argv = [sys.executable, __file__, self._files.name]
        self._helper = subprocess.Popen(argv, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._helper.communicate()
        self._files.cleanup()

    def run(self, *arguments: str, cwd: Path | str, **options: Any) -> Ended:
        """Run a command to its end."""
        self.start(*arguments, cwd=cwd, **options)
        return self.wait()

    def start(self, *arguments: str, cwd: Path | str, stopped: bool = False, times: int = 1, **env: str) -> int:
        """Start a command (`times` in a row) and return its process id; one at a time."""
        request = {"arguments": arguments, "cwd": str(cwd), "env": env, "stopped": stopped, "times": times}
        return int(self._ask(request))

    def wait(self) -> Ended:
        """Wait for the end of what was started."""
        code = int(self._ask({}))
        out, err = (Path(self._files.name, name).read_text(errors="replace") for name in ("out", "err"))
        return Ended(code, out, err)

    def _ask(self, request: dict[str, object]) -> str:
        assert self._helper.stdin
        assert self._helper.stdout
        self._helper.stdin.write(json.dumps(request) + "\n")
        self._helper.stdin.flush()
        return self._helper.stdout.readline()


def serve(folder: str) -> None:
    """Answer requests on standard input until it ends."""
    from llmswitch.claude import sessions

    run = _prepared()
    # The processes of this machine are not the command's own doing: at every system call there would be others.
    sessions.PROC = folder
    pid = 0
    for line in sys.stdin:
        request = json.loads(line)
        if request:
            pid = os.fork()
            if pid == 0:
                os._exit(_child(request, folder, run))
            print(pid, flush=True)
        else:
            print(_shell_code(os.waitpid(pid, 0)[1]), flush=True)


def _shell_code(status: int) -> int:
    code = os.waitstatus_to_exitcode(status)
    return 128 - code if code < 0 else code


def _prepared() -> Callable[[list[str]], int]:
    """Import what a run imports, by way of a switch that is thrown away."""
    from llmswitch.base.errors import COMMANDS
    from llmswitch.cli import console
    from llmswitch.cli.app import App
    from llmswitch.cli.front import answer

    def run(arguments: list[str]) -> int:
        app = App(os.environ, COMMANDS)
        return console.run(lambda: answer(app, arguments), arguments)

    with tempfile.TemporaryDirectory() as folder:
        environ = {**os.environ, "LLMSWITCH_KEY_OPENROUTER": "sk-or-v1-warm-up", "XDG_STATE_HOME": folder + "/state"}
        pid = os.fork()  # learn the names; what a run leaves behind in memory goes away with the child
        if pid == 0:
            with contextlib.suppress(BaseException):
                _into(os.devnull, os.devnull)
                _surroundings(folder, environ)
                for arguments in (["openrouter"], ["deepseek"], ["claude"], ["-n", "nonsense"]):
                    run(arguments)
                (Path(folder) / "modules").write_text("\n".join(sys.modules))
            os._exit(0)
        os.waitpid(pid, 0)
        # And what a run imports only where something is wrong or new: no fault of an import is meant here.
        source = Path(__file__).parents[2] / "src" / "llmswitch"
        folders = ("base", "claude", "commands", "keys", "presets", "settings", "status", "worktrees")
        rare = [f"llmswitch.{folder}.{path.stem}" for folder in folders for path in (source / folder).glob("*.py")]
        for name in [*(Path(folder) / "modules").read_text().split(), *rare]:
            if name != "__main__":
                with contextlib.suppress(ImportError):
                    __import__(name)
    return run


def _surroundings(folder: str, environ: dict[str, str]) -> None:
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environ)


def _into(out: str, err: str, source: str = os.devnull) -> None:
    for number, path in ((0, source), (1, out), (2, err)):
        flags = os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        file = os.open(path, flags, 0o600)
        os.dup2(file, number)
        os.close(file)


def _child(request: dict[str, Any], folder: str, run: Callable[[list[str]], int]) -> int:
    out = request["env"].pop("STDOUT", os.path.join(folder, "out"))
    _into(out, os.path.join(folder, "err"), request["env"].pop("STDIN", os.devnull))
    os.umask(int(request["env"].pop("UMASK", "0o022"), 8))
    _surroundings(request["cwd"], {**os.environ, **request["env"]})
    if request["stopped"]:
        os.kill(os.getpid(), signal.SIGSTOP)
    code = 0
    try:
        for _ in range(request["times"]):
            code = code or run(list(request["arguments"]))
    except SystemExit as end:
        return int(end.code or 0)
    return code


if __name__ == "__main__":
    serve(sys.argv[1])
