"""Makes the pictures of the README and the guide from real runs in a real terminal. Usage: pictures.py CLAUDE-CODE"""

from __future__ import annotations

import importlib
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich import terminal_theme
from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / ".github/pictures"
_INK = [(40, 40, 40), (190, 30, 30), (30, 120, 40), (150, 100, 0), (30, 70, 180), (140, 40, 140), (0, 120, 130),
        (95, 95, 95)]  # fmt: skip
THEMES = {
    "light": terminal_theme.TerminalTheme((255, 255, 255), (30, 30, 30), _INK, [(110, 110, 110), *_INK[1:]]),
    "dark": terminal_theme.MONOKAI,
}
# Without the web fonts: a picture fetches nothing.
FORMAT = re.sub(r"@font-face \{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
ENVIRON = {
    "LANG": "C.UTF-8", "TERM": "xterm-256color", "PS1": "$ ", "DISABLE_AUTOUPDATER": "1",
    "LLMSWITCH_KEY_OPENROUTER": "sk-or-v1-0123456789abcdef0123456789abcdef",
    "LLMSWITCH_KEY_MINIMAX": "0123456789abcdef0123456789abcdef.0123456789abcdef",
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "HTTPS_PROXY": "http://127.0.0.1:9",
}  # fmt: skip
ANIMAL = "▛███▛█"  # of Claude Code 2.1.332
SECONDS = 30.0


class Screen:
    """A terminal of tmux with a shell in it, in the sandbox of scripts/try, with nothing else in its environment."""

    def __init__(self, folder: Path, home: Path, environ: Mapping[str, str], columns: int, rows: int) -> None:
        self._tmux = ["tmux", "-f", "/dev/null", "-S", str(folder / f"tmux-{columns}")]
        shell = ["env", "-i", *(f"{name}={value}" for name, value in environ.items()), "bash", "--norc", "--noprofile"]
        self._run("new-session", "-d", "-x", str(columns), "-y", str(rows), "-c", str(home / "app"), *shell)
        self.columns, self._home = columns, str(home)
        self.until("$")

    def _run(self, *arguments: str) -> str:
        return subprocess.run([*self._tmux, *arguments], check=True, capture_output=True, text=True).stdout  # noqa: S603

    def type(self, line: str) -> None:
        """Type a line."""
        self._run("send-keys", "-l", line)
        self._run("send-keys", "Enter")

    def run(self, line: str) -> None:
        """Type a line and wait until the shell is back."""
        self.type(line)
        self.until(line, back=True)

    def alone(self, text: str) -> None:
        """Wait until the screen shows a text and nothing else."""
        end = time.monotonic() + SECONDS
        while (shown := self._run("capture-pane", "-pJ").strip()) != text:
            if time.monotonic() > end:
                raise SystemExit(f"The screen does not become clear:\n{shown}")
            time.sleep(0.05)

    def until(self, text: str, back: bool = False) -> None:
        """Wait until the screen shows a text and, with `back`, the prompt of the shell as its last line."""
        end = time.monotonic() + SECONDS
        while text not in (shown := self._run("capture-pane", "-pJ").rstrip()) or (back and not shown.endswith("\n$")):
            if time.monotonic() > end:
                raise SystemExit(f"{text!r} did not come:\n{shown}")
            time.sleep(0.05)

    def picture(self, *words: str) -> str:
        """Return what is on the screen, with its colours, without the empty lines at its end.

        That is a screen with all the words, which stays as it is for a second.
        """
        shown, end, since = "", time.monotonic() + SECONDS, time.monotonic()
        while time.monotonic() < since + 1:
            if (now := self._run("capture-pane", "-ep").rstrip()) != shown or not all(word in now for word in words):
                shown, since = now, time.monotonic()
            if time.monotonic() > end:
                raise SystemExit(f"No screen with {words} stays for a second:\n{shown}")
            time.sleep(0.05)
        return shown

    def close(self) -> None:
        """End the terminal and what runs in it."""
        self._run("kill-server")
        end = time.monotonic() + SECONDS
        while any(folder_of(pid).startswith(self._home) for pid in filter(str.isdigit, os.listdir("/proc"))):
            if time.monotonic() > end:
                raise SystemExit("What ran in the terminal does not end.")
            time.sleep(0.05)


def folder_of(pid: str) -> str:
    """Return the folder that a process is in, "" where that cannot be known."""
    try:
        return os.readlink(f"/proc/{pid}/cwd")
    except OSError:
        return ""


def draw(name: str, title: str, screen: str, columns: int) -> None:
    """Write a screen as pictures, light and dark."""
    for theme, colours in THEMES.items():
        console = Console(record=True, width=columns, file=io.StringIO(), force_terminal=True, color_system="truecolor")
        console.print(Text.from_ansi(screen), overflow="crop", no_wrap=True)
        svg = console.export_svg(title=title, theme=colours, code_format=FORMAT, unique_id=f"{name}-{theme}")
        (FOLDER / f"{name}-{theme}.svg").write_text("\n".join(line.rstrip() for line in svg.splitlines()) + "\n")


def worktrees(folder: Path, home: Path, environ: Mapping[str, str]) -> None:
    """Two worktrees of one repository at two backends."""
    screen = Screen(folder, home, environ, 130, 30)
    screen.run("(llmswitch minimax -w ../app-cheap; llmswitch openrouter -w ../app-fix) >/dev/null 2>&1")
    screen.run("cd ../app-fix")
    screen.type("clear")
    screen.alone("$")
    screen.run("llmswitch status")
    screen.run("llmswitch status --all")
    draw("worktrees", "Two worktrees at two backends", screen.picture(), screen.columns)
    screen.close()


def statusline(folder: Path, home: Path, environ: Mapping[str, str]) -> None:
    """Claude Code's own screen, with our line in its status line."""
    screen = Screen(folder, home, environ, 88, 20)
    screen.type("cd ../app-fix; clear; claude")
    # It draws its screen in several steps, its animal among the last, and says of none that it was the last.
    draw("statusline", "claude", screen.picture("openrouter ·", ANIMAL, "/effort"), screen.columns)
    screen.close()


def main(arguments: Sequence[str]) -> None:
    """Make all pictures."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="pictures-", dir="/tmp") as name:
        folder = Path(name).resolve()
        sandbox = importlib.import_module("try").Sandbox(folder, 9)  # which no statement can import by that name
        home, client = sandbox.home, folder / "bin/claude"
        client.unlink()  # the small one; for pictures it is the real one
        client.symlink_to(Path(arguments[0]).absolute())
        sandbox.run("git init --quiet -b main . && git commit --quiet --allow-empty -m first")
        sandbox.run("git worktree add --quiet -b fix ../app-fix && git worktree add --quiet -b cheap ../app-cheap")
        (home / ".claude").mkdir()
        line = {"type": "command", "command": "llmswitch statusline"}
        (home / ".claude/settings.json").write_text(json.dumps({"statusLine": line}))
        trusted = {str(path): {"hasTrustDialogAccepted": True} for path in home.glob("app*")}
        about = {"hasCompletedOnboarding": True, "theme": "dark-ansi", "projects": trusted}
        (home / ".claude.json").write_text(json.dumps(about))
        for draw_one in (worktrees, statusline):
            draw_one(folder, home, {**sandbox.environ, **ENVIRON})


if __name__ == "__main__":
    main(sys.argv[1:])
