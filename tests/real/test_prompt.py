"""The prompt functions of `shell-init`: they say what `status --short` says, and start nothing without a change."""

from __future__ import annotations

import json
import os
import random
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import KEY, Cli, git, require, settings_of
from support.programs import absent
from support.tree import ROOT, of_this_tree

from llmswitch.claude.effective import RULING
from llmswitch.claude.variables import ALLOWED, HELPER
from llmswitch.cli.prompt_shells import BEGIN, NAMES

LOOP = "while read -l line; eval $line; end"  # it reads a whole pipe before it does the first line
START = {"bash": ["bash", "--norc", "--noprofile"], "zsh": ["zsh", "-f"], "fish": ["fish", "--no-config", "-c", LOOP]}
SAY = {"bash": "llmswitch_prompt; echo $llmswitch_preset", "fish": "llmswitch_prompt"}
SAY["zsh"] = SAY["bash"]


class Shell:
    """One shell that goes on, in which the function keeps its answers; every start of llmswitch is noted."""

    def __init__(self, name: str, cli: Cli, environ: dict[str, str], tmp: Path, folder: Path) -> None:
        self._name, self._noted = name, tmp / "starts"
        (tmp / "bin").mkdir()
        wrapper = tmp / "bin" / "llmswitch"
        start = shlex.join([sys.executable, "-m", "llmswitch"])
        wrapper.write_text(f'#!/bin/sh\necho x >> {shlex.quote(str(self._noted))}\nexec {start} "$@"\n')
        wrapper.chmod(0o755)
        self._noted.touch()
        whole = of_this_tree({**environ, "PATH": f"{tmp / 'bin'}:{environ['PATH']}"})
        self._process = subprocess.Popen(
            START[name], cwd=folder, env=whole, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        init = tmp / "init"
        init.write_text(cli("shell-init", name).out)
        self.run(f"source {shlex.quote(str(init))}")

    def run(self, command: str) -> str:
        """Run a command and return its last line."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{command}\necho END-OF-IT\n")
        self._process.stdin.flush()
        lines = list(iter(lambda: self._process.stdout.readline().rstrip("\n"), "END-OF-IT"))  # type: ignore[union-attr]
        return lines[-1] if lines else ""

    def prompt(self) -> tuple[str, int]:
        """Return what the prompt shows, and how often llmswitch was started for it."""
        before = self._noted.stat().st_size
        said = self.run(SAY[self._name])
        return said, (self._noted.stat().st_size - before) // 2

    def truth(self) -> str:
        """Return what `status --short` says in the shell's folder and environment."""
        return self.run("llmswitch status --short 2>/dev/null")

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.communicate()


class World:
    """A repository with a linked worktree, a home and presets, and what somebody may do to them."""

    def __init__(self, cli: Cli, shell: Shell, repo: Path, home: Path, own: Path, choose: random.Random) -> None:
        self._cli, self._shell, self._repo, self._home, self._own = cli, shell, repo, home, own
        self._choose, self._moves = choose, 0
        self.linked = repo.parent / "linked"

    def changes(self) -> list[Callable[[], object]]:
        """Return everything that can be done."""
        return [
            self.switch, self.edit, self.break_it, self.remove, self.older_in_its_place, self.user_settings,
            self.project_settings, self.export, self.unset, self.go, self.move, self.preset, self.lose_state,
            self.login, self.link, self.nothing,
        ]  # fmt: skip

    def _place(self) -> Path:
        return self._choose.choice([self._repo, self.linked])

    def switch(self) -> None:
        """Another preset, or none."""
        self._cli(self._choose.choice(["openrouter", "deepseek", "claude"]), "--anyway", cwd=self._place())

    def edit(self) -> None:
        """One member by hand."""
        path = settings_of(self._place())
        path.parent.mkdir(exist_ok=True)
        data = json.loads(path.read_text()) if path.exists() and path.read_text()[-2:-1] == "}" else {}
        name = self._choose.choice(["ANTHROPIC_BASE_URL", "ANTHROPIC_MODEL", "ANTHROPIC_DEFAULT_OPUS_MODEL"])
        data.setdefault("env", {})[name] = self._choose.choice(["https://x.example", "opus", ""])
        path.write_text(json.dumps(data) + "\n")

    def break_it(self) -> None:
        """No JSON any more."""
        settings_of(self._place()).parent.mkdir(exist_ok=True)
        settings_of(self._place()).parent.mkdir(exist_ok=True)
        for place in (self._repo, self.linked):
            if settings_of(place).parent.is_dir():
                settings_of(place).write_text("{")

    def remove(self) -> None:
        """The whole folder goes."""
        shutil.rmtree(self._place() / ".claude", ignore_errors=True)

    def older_in_its_place(self) -> None:
        """A file that was made long ago is moved into the place of the settings file."""
        place = self._place()
        old = place.parent / "an-old-file"
        old.write_text('{"env": {"ANTHROPIC_BASE_URL": "https://old.example", "ANTHROPIC_AUTH_TOKEN": "t"}}')
        os.utime(old, (1_000_000_000, 1_000_000_000))
        settings_of(place).parent.mkdir(exist_ok=True)
        old.rename(settings_of(place))

    def user_settings(self) -> None:
        """They come and go."""
        self._toggle(self._home / ".claude" / "settings.json")

    def project_settings(self) -> None:
        """So do the repository's."""
        self._toggle(self._place() / ".claude" / "settings.json")

    def _toggle(self, path: Path) -> None:
        if path.exists():
            return path.unlink()
        path.parent.mkdir(exist_ok=True)
        path.write_text('{"env": {"ANTHROPIC_BASE_URL": "https://elsewhere.example"}}')
        return None

    def export(self) -> None:
        """A variable that decides, or one that does not."""
        name = self._choose.choice(["ANTHROPIC_BASE_URL", "CLAUDE_CODE_USE_BEDROCK", "ANTHROPIC_MODEL", "OTHER"])
        self._shell.run(f"export {name}=1")

    def unset(self) -> None:
        """All of them gone."""
        for name in ("ANTHROPIC_BASE_URL", "CLAUDE_CODE_USE_BEDROCK", "ANTHROPIC_MODEL"):
            self._shell.run(f"unset {name}" if self._shell._name != "fish" else f"set -e {name}")

    def go(self) -> None:
        """To another folder."""
        place = self._choose.choice([self._repo, self.linked, self._repo / "sub", self._repo.parent])
        place.mkdir(exist_ok=True)
        self._shell.run(f"cd {shlex.quote(str(place))}")

    def move(self) -> None:
        """The linked worktree is somewhere else, and the shell may have been in it."""
        self._moves += 1
        new = self._repo.parent / f"moved-{self._moves}"
        git(self._repo, "worktree", "move", "--force", str(self.linked), str(new))
        self.linked = new

    def preset(self) -> None:
        """A preset of the user's own in front of a shipped one, or no more."""
        path = self._own / "openrouter.json5"
        if path.exists():
            path.unlink()
        else:
            path.write_text('{extends: "openrouter", slots: {opus: "z-ai/glm-5.3"}}')

    def lose_state(self) -> None:
        """The record of the last switch is gone."""
        (self._repo / ".git" / "llmswitch" / "state.json").unlink(missing_ok=True)

    def login(self) -> None:
        """A login comes or goes."""
        path = self._home / ".claude" / ".credentials.json"
        path.parent.mkdir(exist_ok=True)
        if path.exists():
            path.unlink()
        else:
            path.write_text('{"claudeAiOauth": {"accessToken": "x"}}')

    def link(self) -> None:
        """The home's settings folder is a link, to one place and then to another."""
        folder = self._home / ".claude"
        for number in (1, 2):
            there = self._home / f"dotfiles-{number}"
            there.mkdir(exist_ok=True)
            (there / "settings.json").write_text('{"env": {"ANTHROPIC_MODEL": "m"}}' if number == 1 else "{}")
        if folder.is_symlink():
            target = "dotfiles-2" if os.readlink(folder).endswith("1") else "dotfiles-1"
            folder.unlink()
        else:
            shutil.rmtree(folder, ignore_errors=True)
            target = "dotfiles-1"
        folder.symlink_to(self._home / target)

    def nothing(self) -> None:
        """Nothing at all."""


def age(*folders: Path) -> None:
    """Make everything an hour older than it is: what changed in the last two seconds is not kept."""
    for folder in folders:
        for path in [folder, *folder.rglob("*")]:
            if not path.is_symlink() and path.exists():
                status = path.stat()
                os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns - 3600 * 10**9))


@pytest.fixture(params=START)
def shell(
    request: pytest.FixtureRequest, cli: Cli, repo: Path, own: Path, sealed: dict[str, str], tmp_path: Path
) -> Iterator[Shell]:
    """Each of the shells, in the repository, with a key that is exported."""
    require(absent(request.param))
    sealed["LLMSWITCH_KEY_OPENROUTER"] = KEY
    running = Shell(request.param, cli, sealed, tmp_path, repo)
    yield running
    running.close()


@pytest.mark.parametrize("steps", [12, pytest.param(60, marks=pytest.mark.long)])
def test_after_every_change_it_says_what_status_says(
    shell: Shell, cli: Cli, repo: Path, own: Path, sealed: dict[str, str], steps: int
) -> None:
    """And starts nothing while nothing has changed."""
    git(repo, "worktree", "add", "--quiet", str(repo.parent / "linked"))
    choose = random.Random(f"{steps}{shell._name}")
    world = World(cli, shell, repo, Path(sealed["HOME"]), own, choose)
    order = [change for _ in range(steps) for change in choose.sample(world.changes(), 16)][:steps]
    kept = 0
    for change in order:
        age(repo, world.linked, Path(sealed["HOME"]) / ".claude", own)
        shell.prompt()
        said, started = shell.prompt()
        kept += started == 0
        assert said == shell.truth(), change.__name__
        change()
        assert shell.prompt()[0] == shell.truth(), change.__name__
    assert kept >= steps // 2  # where the layout is unusual git is asked, and the answer is not kept


def test_a_young_file_is_not_trusted(shell: Shell, cli: Cli, repo: Path) -> None:
    """It may change again within the clock's smallest step."""
    cli("openrouter", cwd=repo)
    assert shell.prompt() == ("openrouter", 1)
    assert shell.prompt() == ("openrouter", 1)
    age(repo)
    assert shell.prompt() == ("openrouter", 1)
    assert shell.prompt() == ("openrouter", 0)


def test_tmux_shows_the_preset_of_the_panes_folder(
    cli: Cli, repo: Path, sealed: dict[str, str], tmp_path: Path
) -> None:
    """The guide's line, in folders whose names are words and quotes to a shell."""
    require(absent("tmux"))
    line = re.search(r"status-right '#\((.*)\)'", (ROOT / "src/llmswitch/help/prompts.md").read_text())
    assert line
    (tmp_path / "bin").mkdir()
    wrapper = tmp_path / "bin" / "llmswitch"
    wrapper.write_text(f'#!/bin/sh\nexec {shlex.join([sys.executable, "-m", "llmswitch"])} "$@"\n')
    wrapper.chmod(0o755)
    env = of_this_tree({**sealed, "PATH": f"{tmp_path / 'bin'}:{sealed['PATH']}", "LLMSWITCH_KEY_OPENROUTER": KEY})
    sockets = Path(tempfile.mkdtemp(dir="/tmp", prefix="t"))
    tmux = ["tmux", "-f", "/dev/null", "-S", str(sockets / "s")]
    answer = tmp_path / "answer"
    try:
        for name, preset in (("plain", "openrouter"), ('it\'s "q" $(touch made) & ;x', "deepseek")):
            place = repo.parent / name
            git(repo, "worktree", "add", "--quiet", "-b", preset, str(place))
            assert cli(preset, cwd=place, env={"LLMSWITCH_KEY_OPENROUTER": KEY}).code == 0
            subprocess.run([*tmux, "new-session", "-d", "-s", preset, "-c", place, "sleep 60"], env=env, check=True)
            path = [*tmux, "display-message", "-p", "-t", f"{preset}:", "#{pane_current_path}"]
            while subprocess.run(path, env=env, stdout=subprocess.PIPE, text=True, check=True).stdout != f"{place}\n":
                pass  # its process has not gone there yet
            asked = f"({line[1]}) > {shlex.quote(str(answer))}"
            subprocess.run([*tmux, "run-shell", "-t", f"{preset}:", asked], env=env, check=True)
            assert answer.read_text() == f"{preset}\n"
            assert not list(tmp_path.rglob("made"))
    finally:
        subprocess.run([*tmux, "kill-server"], env=env, check=False)
        shutil.rmtree(sockets)


def test_the_exit_code_before_the_prompt_stays(shell: Shell, repo: Path) -> None:
    """A prompt that shows it shows the user's own command's."""
    if shell._name != "fish":  # which shows it before the function runs
        assert shell.run("(exit 7); llmswitch_prompt; echo $?") == "7"


def test_every_variable_that_decides_is_looked_at() -> None:
    """Those that are members of settings files alone aside."""
    missing = {name for name in RULING if not name.startswith(BEGIN) and name not in NAMES}
    assert missing <= {ALLOWED, HELPER}
