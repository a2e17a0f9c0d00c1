"""Runs of the command that are killed, or whose system calls fail, one call at a time (strace)."""

from __future__ import annotations

import os
import re
import shutil
import signal
import stat
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from support.tree import SOURCE
from support.warm import Ended, Warm

KEY = "sk-or-v1-faults-0123456789abcdef0123456789"
# With a list of models and a window of the user's own, which a pin displaces and the way back brings again.
USERS = (
    b'\xef\xbb\xbf{\r\n\t"permissions": {"allow": []},\r\n"availableModels" : ["opus"],\r\n'
    b'  "env" : { "EDITOR":"vi", "CLAUDE_CODE_DISABLE_1M_CONTEXT":"0" }\r\n}'
)
LONG_AGO = 1_000_000_000
# What a call can fail with; those that are not here have nothing to do with files or programs.
ERRORS = {
    "openat": ("EACCES", "EMFILE"),
    "newfstatat": ("EIO",),
    "read": ("EIO",),
    "getdents64": ("EIO",),
    "write": ("ENOSPC", "EDQUOT", "EFBIG", "EIO", "EINTR"),
    "pwrite64": ("ENOSPC",),
    "fsync": ("EIO", "ENOSPC", "EINVAL"),
    "close": ("EIO",),
    "renameat": ("EIO", "EACCES", "ENOSPC", "EROFS", "EXDEV"),
    "unlink": ("EIO", "EACCES", "EROFS"),
    "unlinkat": ("EIO", "EACCES", "EROFS"),
    "rmdir": ("EIO",),
    "mkdir": ("ENOSPC", "EROFS", "EACCES", "EDQUOT"),
    "fchmod": ("EPERM", "EIO"),
    "fchown": ("EPERM", "EIO"),
    "listxattr": ("EIO", "EOPNOTSUPP"),
    "flock": ("ENOLCK", "EINTR"),
    "ftruncate": ("EIO",),
    "pipe2": ("EMFILE",),
    "clone3": ("EAGAIN",),
    "vfork": ("EAGAIN",),
}
CREATING = re.compile(
    r"O_CREAT|^(mkdir|renameat|unlink|unlinkat|rmdir|fchmod|fchown|fsync|pwrite64)\(|^write\((?![012],)"
)


class Scenario:
    """What is there before (`steps` that lead to it, from a user's own file or none), and the command that faults."""

    def __init__(self, name: str, users: bytes | None, steps: tuple[str, ...], command: str) -> None:
        self.name, self.users, self.steps, self.command = name, users, steps, command


SCENARIOS = (
    Scenario("first pin", None, (), "openrouter"),
    Scenario("another pin", USERS, ("openrouter",), "deepseek"),
    Scenario("no pin", None, ("openrouter",), "claude"),
)


class Call:
    """A system call of the run: its name, its number among those of that name, and its text."""

    def __init__(self, name: str, number: int, text: str) -> None:
        self.name, self.number, self.text = name, number, text

    def __repr__(self) -> str:
        return f"{self.name} {self.number}: {self.text}"


class Bench:
    """A scenario that is set up anew for each fault, and the checks after it."""

    def __init__(self, folder: Path, scenario: Scenario, warm: Warm) -> None:
        self.folder, self.scenario, self.warm = folder, scenario, warm
        self.repo, self._model = folder / "repo", folder / "model"
        self._state, self._model_state = Path(warm.environ["HOME"], ".local", "state"), folder / "model-state"
        self.settings = self.repo / ".claude" / "settings.local.json"
        self._make()
        self.old = self.content()
        assert self.go(scenario.command).code == 0
        self.new = self.content()
        assert self.old != self.new
        self.reset()

    def _make(self) -> None:
        subprocess.run(["git", "init", "--quiet", "--template=", str(self.repo)], check=True)
        if self.scenario.users is not None:
            self.settings.parent.mkdir()
            self.settings.write_bytes(self.scenario.users)
        for step in self.scenario.steps:
            assert self.go(step).code == 0
        if self.settings.exists():
            os.utime(self.settings, (LONG_AGO, LONG_AGO))
        shutil.copytree(self.repo, self._model)
        self._state.mkdir(parents=True, exist_ok=True)
        shutil.copytree(self._state, self._model_state)
        self._was = self.tree()

    def tree(self) -> dict[str, tuple[int, bytes]]:
        """Return the mode and the bytes of every file."""
        files = [path for path in self.repo.rglob("*") if path.is_file()]
        return {str(path.relative_to(self.repo)): (path.stat().st_mode, path.read_bytes()) for path in files}

    def reset(self) -> None:
        """Put everything back to what it was before the command."""
        for place, model in ((self.repo, self._model), (self._state, self._model_state)):
            shutil.rmtree(place)
            shutil.copytree(model, place)

    def check(self, where: object) -> None:
        """Check what is left, if anything is, and what the next run makes of it; then put everything back."""
        if (left := self.tree()) != self._was:
            self.check_private(left, where)
            self.check_next(where)
            self.reset()

    def go(self, command: str) -> Ended:
        """Run a command undisturbed."""
        return self.warm.run(command, cwd=self.repo)

    def content(self) -> bytes | None:
        """Return the settings file's bytes, None for no file."""
        return self.settings.read_bytes() if self.settings.exists() else None

    def calls(self) -> list[Call]:
        """Return the system calls of the command, from the first that names the settings folder.

        They end where it looks for open sessions among all processes: everything is written then, and how many
        calls there are from there on differs from run to run.
        """
        self.traced()
        found, seen = [], Counter[str]()
        for line in (self.folder / "trace").read_text(errors="replace").splitlines():
            if match := re.match(r"([a-z0-9_]+)\(", line):
                seen[match[1]] += 1
                found.append(Call(match[1], seen[match[1]], line))
        start = next(index for index, call in enumerate(found) if ".claude" in call.text)
        end = next((index for index, call in enumerate(found) if re.search(r"/proc/\d", call.text)), len(found))
        self.reset()
        return found[start:end]

    def traced(self, *inject: str) -> Ended:
        """Run the command under strace, with a fault."""
        pid = self.warm.start(self.scenario.command, cwd=self.repo, stopped=True)
        while stat_letter(pid) != "T":
            time.sleep(0.0005)
        argv = ["strace", "-o", str(self.folder / "trace"), "-s", "300", *inject, "-p", str(pid)]
        with subprocess.Popen(argv, stderr=subprocess.PIPE, text=True) as tracer:
            assert tracer.stderr
            assert "attached" in tracer.stderr.readline()
            os.kill(pid, signal.SIGCONT)
            ended = self.warm.wait()
            tracer.stderr.read()
        return ended

    def killed_at(self, call: Call) -> None:
        """Kill the command when it enters that call, and check what it leaves."""
        assert self.traced("-e", f"inject={call.name}:signal=SIGKILL:when={call.number}").code == 137, call
        assert self.content() in (self.old, self.new), call
        self.check(call)

    def failing_at(self, call: Call, error: str) -> None:
        """Let one call fail, and check what the command says and leaves."""
        ended = self.traced("-e", f"inject={call.name}:error={error}:when={call.number}")
        where = (call, error, ended)
        assert "INJECTED" in (self.folder / "trace").read_text(errors="replace"), where
        now = self.content()
        assert now in (self.old, self.new), where
        assert ended.code in (0, 1, 2, 4, 5), where
        assert ended.code or now == self.new, where
        assert KEY not in ended.out + ended.err, where
        assert "Traceback" not in ended.err, where
        assert "a bug in llmswitch" not in ended.err, where
        if ended.code:
            assert "llmswitch: " in ended.err, where
            assert now == self.old or "Nothing was changed" not in ended.err, where
            assert " /" in ended.err or "llmswitch list" in ended.err or "answer" in ended.err, where
        if not call.text.startswith("unlink"):
            assert self.litter() == [], where
        self.check(where)

    def litter(self) -> list[Path]:
        """Return the temporary files there are."""
        return [path for path in self.repo.rglob(".llmswitch-*") if path.name.endswith(".tmp")]

    def check_private(self, left: dict[str, tuple[int, bytes]], where: object) -> None:
        """Check that only the settings file and its temporary file have the key, and git has neither."""
        holders = [name for name, (_, data) in left.items() if KEY.encode() in data]
        allowed = re.compile(r"\.claude/(settings\.local\.json|\.llmswitch-.*\.tmp)")
        assert all(allowed.fullmatch(name) for name in holders), (where, holders)
        assert all(stat.S_IMODE(left[name][0]) == 0o600 for name in holders), (where, holders)
        argv = ["git", "-C", str(self.repo), "add", "--all", "--dry-run"]
        added = subprocess.run(argv, capture_output=True, check=True, text=True).stdout
        assert not any(f"'{name}'" in added for name in holders), (where, added)

    def check_next(self, where: object) -> None:
        """Check that the command works afterwards, cleans up, and that the way back is there."""
        ended = self.go(self.scenario.command)
        assert ended.code == 0, (where, ended)
        assert self.content() == self.new, (where, ended)
        assert self.litter() == [], where
        if self.scenario.users is not None:
            assert self.go("claude").code == 0, where
            assert self.content() == self.scenario.users, where


def stat_letter(pid: int) -> str:
    """Return the state letter of a process."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def kills(calls: list[Call]) -> list[Call]:
    """Return the calls to be killed at: all from the first that changes something."""
    start = next(index for index, call in enumerate(calls) if CREATING.search(call.text))
    noise = ("mmap", "munmap", "brk", "ioctl", "lseek", "prlimit64", "rt_sigprocmask", "rt_sigaction",
             "exit_group", "pselect6")  # fmt: skip
    return [call for call in calls[start:] if call.name not in noise] + calls[-1:]


def failures(calls: list[Call]) -> Iterator[tuple[Call, str]]:
    """Yield each call with the errors that it can give.

    Before the first change, where nothing can be torn, each call that looks the same only once and with one error.
    """
    lock = next(index for index, call in enumerate(calls) if call.name == "flock")
    seen: set[str] = set()
    for index, call in enumerate(calls):
        errors = ERRORS.get(call.name, ())
        looks = re.sub(r"\d+", "", call.text[:120])
        if index < lock and not CREATING.search(call.text):
            errors = errors[len(seen) % len(errors) :][:1] if errors and looks not in seen else ()
            seen.add(looks)
        for error in errors:
            yield call, error


def environ(home: Path) -> dict[str, str]:
    """Return an environment with a home of its own and a key."""
    return {
        "HOME": str(home),
        "TMPDIR": str(home.parent),
        "PATH": os.environ["PATH"],
        "LANG": "C.UTF-8",
        "PYTHONPATH": SOURCE,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
        "LLMSWITCH_KEY_OPENROUTER": KEY,
    }
