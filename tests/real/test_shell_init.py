"""`shell-init` in the real shells: what Tab makes of a line, and the function `claude`."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Cli, git, require
from support.programs import absent
from support.terminal import Terminal

from llmswitch.presets.files import shipped_folder

LLMSWITCH = Path(sys.executable).parent / "llmswitch"
START_FILES = {"bash": "~/.bashrc", "zsh": "~/.zshrc", "fish": "~/.config/fish/config.fish"}
# Prints the words of a command as the shell would hand them to it.
SHOW = {
    "bash": "function show { printf '{{%s}}' \"$@\"; echo '{{}}'; }",
    "zsh": "function show { printf '{{%s}}' \"$@\"; echo '{{}}'; }",
    "fish": "function show; printf '{{%s}}' $argv; echo '{{}}'; end",
}
START_OF_LINE, LEFT = "\x01", "\x1b[D"
# A few models whatever the shipped data knows, some with a colon or a tilde, which a shell may take for its own.
MORE_MODELS = """
from llmswitch.cli.front import main
from llmswitch.presets.models import Models
names = ("deepseek/deepseek-v3.2", "google/gemini-2.5-pro", "qwen/q3:free", "qwen/q3:exacto", "~odd/model")
Models.windows = lambda self: dict.fromkeys(names, 1)
main()
"""
# What is typed before Tab, and the words the shell has then (a folder's last slash aside).
LINES = {
    "llmswitch openr": ["openrouter"],
    "llmswitch pri": ["print-key"],
    "llmswitch openrouter --so": ["openrouter", "--sonnet"],
    "llmswitch use openr": ["use", "openrouter"],
    "llmswitch show cl": ["show", "claude"],
    "llmswitch run openr": ["run", "openrouter"],
    "llmswitch run -- in": ["run", "--", "in ner"],
    "llmswitch keys delete openr": ["keys", "delete", "openrouter"],
    "llmswitch openrouter --start lar": ["openrouter", "--start", "large"],
    "llmswitch openrouter --sonnet deepseek/deepseek-v": ["openrouter", "--sonnet", "deepseek/deepseek-v3.2"],
    "llmswitch openrouter --sonnet=deepseek/deepseek-v": ["openrouter", "--sonnet=deepseek/deepseek-v3.2"],
    "llmswitch openrouter --sonnet qwen/q": ["openrouter", "--sonnet", "qwen/q3:"],
    "llmswitch openrouter --sonnet qwen/q3:f": ["openrouter", "--sonnet", "qwen/q3:free"],
    "llmswitch openrouter --sonnet=qwen/q3:f": ["openrouter", "--sonnet=qwen/q3:free"],
    'llmswitch openrouter --sonnet "qwen/q3:f': ["openrouter", "--sonnet", "qwen/q3:free"],
    "llmswitch openrouter --sonnet qwen/q3:free --start lar": [
        "openrouter", "--sonnet", "qwen/q3:free", "--start", "large",
    ],
    "llmswitch openrouter --sonnet '~o": ["openrouter", "--sonnet", "~odd/model"],
    "llmswitch openrouter -w in": ["openrouter", "-w", "in ner"],
    "llmswitch openrouter --worktree=in": ["openrouter", "--worktree=in ner"],
    "llmswitch status -w in\\ n": ["status", "-w", "in ner"],
    "llmswitch openrouter -w ~/de": ["openrouter", "-w", "{home}/deep er"],
    "llmswitch openrouter -w {other}/x\\ y": ["openrouter", "-w", "{other}/x y:z"],
    f"llmswitch  --all{LEFT * 6}openr": ["openrouter", "--all"],
    "llmswitch openrouter --base-url x": ["openrouter", "--base-url", "x"],
}  # fmt: skip

Suggest = Callable[..., list[str]]
Start = Callable[..., Terminal]


@pytest.fixture(params=START_FILES)
def shell(request: pytest.FixtureRequest, sealed: dict[str, str], cli: Cli) -> str:
    """A shell with the line that the help shows in its start file, and `show` behind it."""
    name: str = request.param
    require(absent(name))
    require(None if LLMSWITCH.exists() else "llmswitch is not installed in this environment")
    sealed.update(PATH=f"{LLMSWITCH.parent}:{sealed['PATH']}", TERM="xterm")
    told = re.search(rf"{START_FILES[name]} +(.*)", cli("shell-init", "--help").out)
    assert told
    file = Path(START_FILES[name]).expanduser()
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"{told[1]}\n{SHOW[name]}\n")
    return name


@pytest.fixture
def start(shell: str, sealed: dict[str, str]) -> Start:
    """Start the shell in a folder, as a person's or for one command."""

    def start(cwd: Path, command: str | None = None) -> Terminal:
        return Terminal([shell, "-i"] if command is None else [shell, "-ic", command], cwd, sealed)

    return start


@pytest.fixture
def suggest(cli: Cli) -> Suggest:
    """Ask as fish does for what could stand at the end of a line; that is all that is printed."""

    def suggest(line: str, **how: object) -> list[str]:
        environ = {"_LLMSWITCH_COMPLETE": "fish_complete", "COMP_WORDS": line}
        reply = cli(env={**environ, **how.pop("env", {})}, **how)  # type: ignore[dict-item]
        assert (reply.code, reply.err) == (0, "")
        return [found.partition(",")[2].partition("\t")[0] for found in reply.out.splitlines()]

    return suggest


def program(path: Path, text: str) -> None:
    """Write an executable file."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def after_tab(terminal: Terminal, typed: str) -> list[str]:
    """Type the start of a command and Tab, and return the words the shell has then, but for the first."""
    seen = len(terminal.output)
    terminal.send(f"{typed}\t{START_OF_LINE}show \n")
    terminal.expect("{{}}")
    words = re.findall(r"\{\{(.*?)\}\}", terminal.output[seen:])
    return [word.rstrip("/") for word in words[1:-1]]


def ready(terminal: Terminal) -> None:
    """Wait until the shell takes commands."""
    terminal.send("echo RE''ADY\n")
    terminal.expect("READY")


def test_tab_completes_lines(start: Start, sealed: dict[str, str], repo: Path, tmp_path: Path) -> None:
    """Each to the words that were meant, although folders are called like presets."""
    other, code = tmp_path.resolve() / "elsewhere", tmp_path / "more_models.py"
    git(repo, "worktree", "add", "--quiet", "--detach", str(other / "x y:z"))
    for folder in (repo / "in ner", repo / "openrouter", Path.home() / "deep er"):
        folder.mkdir()
    code.write_text(MORE_MODELS)
    program(tmp_path / "bin" / "llmswitch", f'#!/bin/sh\nexec {shlex.join([sys.executable, str(code)])} "$@"\n')
    sealed["PATH"] = f"{tmp_path}/bin:{sealed['PATH']}"
    places = {"home": str(Path.home()), "other": str(other)}
    expected = {typed: [word.format(**places) for word in words] for typed, words in LINES.items()}
    with start(repo) as terminal:
        ready(terminal)
        assert {typed: after_tab(terminal, typed.format(**places)) for typed in LINES} == expected


def test_tab_completes_a_worktree_elsewhere(start: Start, repo: Path, tmp_path: Path) -> None:
    """Its path is quoted, whatever is in it; of a bare repository it is the only one."""
    bare, other = tmp_path / "bare.git", tmp_path.resolve() / "x 'y:z$"
    git(tmp_path, "clone", "--quiet", "--bare", str(repo), str(bare))
    git(bare, "worktree", "add", "--quiet", "--detach", str(other))
    with start(other) as terminal:
        ready(terminal)
        assert after_tab(terminal, "llmswitch openrouter -w ") == ["openrouter", "-w", str(other)]


def test_claude_goes_through_run(
    start: Start, sealed: dict[str, str], repo: Path, cli: Cli, key: str, tmp_path: Path
) -> None:
    """Arguments arrive as they were given and the exit code comes back; `command claude` goes past it."""
    program(tmp_path / "bin" / "claude", '#!/bin/sh\nprintf "%s\\0" "$@" > "$HOME/arguments"\nexit 7\n')
    sealed["PATH"] = f"{tmp_path}/bin:{sealed['PATH']}"
    given = ["-p", "two words", "", "it's $HOME *", "--", "--model", "ü"]

    def ran(command: str) -> list[str]:
        with start(repo, f"{command} {shlex.join(given)}") as terminal:
            assert terminal.wait() == 7, terminal.output
        return (Path.home() / "arguments").read_text().split("\0")[:-1]

    assert ran("claude")[2:] == given  # behind --session-id ID
    assert cli("openrouter", cwd=repo).code == 0
    found = ran("claude")
    assert "--settings" in found[:4]
    assert found[4:] == given
    assert ran("command claude") == given


@pytest.mark.parametrize("name", ["bash", "zsh"])
def test_an_alias_called_claude_does_no_harm(name: str, sealed: dict[str, str], repo: Path) -> None:
    """The function is claude's all the same, and an alias that only adds arguments reaches it."""
    require(absent(name))
    sealed["PATH"] = f"{LLMSWITCH.parent}:{sealed['PATH']}"
    alias = "shopt -s expand_aliases 2>/dev/null\nalias claude='claude --more'\n"
    code = f'{alias}eval "$(llmswitch shell-init {name})"\nfunction llmswitch {{ echo "$@"; }}\nclaude x\n'
    done = subprocess.run([name], cwd=repo, env=sealed, input=code, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("run -- --more x\n", "")


def test_an_unknown_shell(cli: Cli) -> None:
    """Is wrong usage."""
    reply = cli("shell-init", "tcsh")
    assert (reply.code, reply.out) == (2, "")


@pytest.mark.parametrize("name", START_FILES)
def test_the_script_is_the_same_on_every_machine(name: str, cli: Cli, tmp_path: Path) -> None:
    """It calls llmswitch by name, and holds no path and nothing from the environment."""
    script = cli("shell-init", name, env={"LLMSWITCH_KEY_OPENROUTER": "sk-or-v1-0123456789abcdef"}).out
    assert "llmswitch run -- " in script
    assert not [part for part in (str(tmp_path), sys.prefix, "sk-or", os.getcwd()) if part in script]


def test_commands_and_presets(suggest: Suggest) -> None:
    """All of them, a user's own preset included."""
    own = Path.home() / ".config" / "llmswitch" / "presets"
    own.mkdir(parents=True)
    (own / "mine.json5").write_text('{extends: "openrouter", key: "work"}')
    (own / "no name.json5").write_text("{}")
    presets = {"mine", *(path.stem for path in Path(shipped_folder()).glob("*.json5"))}
    assert {"status", "run", "shell-init", *presets} <= set(suggest("llmswitch "))
    assert set(suggest("llmswitch use ")) == presets
    assert suggest("llmswitch min") == ["mine", "minimax", "minimax-cn"]
    assert {"mine", "openrouter", "work"} <= set(suggest("llmswitch save-key "))


def test_slots_and_models(suggest: Suggest) -> None:
    """A session cannot start on the subagents' slot."""
    assert {"opus", "large", "subagent", "deepseek/deepseek-v3.2"} <= set(suggest("llmswitch openrouter --model "))
    starts = ["haiku", "sonnet", "opus", "fable", "small", "medium", "large"]
    assert suggest("llmswitch openrouter --start ") == starts


@pytest.mark.parametrize("command", ["openrouter", "use openrouter", "status", "-"])
def test_worktrees(command: str, suggest: Suggest, repo: Path, tmp_path: Path) -> None:
    """Every one that can be used, but not twice: the shell completes folders beside what was typed itself."""
    for name in ("x y:z", "gone", "line\nbreak"):
        git(repo, "worktree", "add", "--quiet", "--detach", str(tmp_path / "elsewhere" / name))
    shutil.rmtree(tmp_path / "elsewhere" / "gone")
    main, other = str(repo.resolve()), str((tmp_path / "elsewhere" / "x y:z").resolve())
    assert suggest(f"llmswitch {command} -w ", cwd=repo) == [".", main, other]
    assert suggest(f"llmswitch {command} -w {tmp_path.resolve()}/", cwd=repo) == [".", other]


@pytest.mark.parametrize("line", ["openrouter -w ", "status -w x", "save-key ", "nosuch --mo", "--wrong -x ", "'", ""])
def test_where_nothing_is_in_order(line: str, suggest: Suggest, tmp_path: Path) -> None:
    """No repository, a preset that cannot be read, no git: fewer suggestions and not a word."""
    own = Path.home() / ".config" / "llmswitch" / "presets"
    own.mkdir(parents=True)
    (own / "broken.json5").write_text("{")
    (tmp_path / ".git").write_text("nonsense")
    suggest(f"llmswitch {line}")
    suggest(f"llmswitch {line}", env={"PATH": "/nowhere"})


def test_no_keyring_and_no_trace(suggest: Suggest, repo: Path, tmp_path: Path) -> None:
    """A keyring could ask for a password in the middle of a word."""
    (tmp_path / "telltale.py").write_text(f"open({str(tmp_path / 'asked')!r}, 'w')\nclass Keyring: pass\n")
    environ = {"PYTHON_KEYRING_BACKEND": "telltale.Keyring", "PYTHONPATH": str(tmp_path)}
    for line in ("", "keys delete ", "print-key ", "openrouter -w ", "run "):
        assert suggest(f"llmswitch {line}", cwd=repo, env=environ)
    assert not (tmp_path / "asked").exists()
    assert not list(Path.home().iterdir())
