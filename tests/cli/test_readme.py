"""The README's commands give the replies that it shows."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest
from conftest import git, require
from support import secret_service
from support.tree import ROOT

README = (ROOT / "README.md").read_text()
PROMPT = "openrouter key:"
KEY = "sk-or-v1-0123456789abcdef0123456789abcdef"


def sessions() -> list[tuple[str, list[str]]]:
    """Return (command, lines of its reply) for every `$ ` line in the README's console blocks, in order."""
    found: list[tuple[str, list[str]]] = []
    for block in re.findall(r"```console\n(.*?)```", README, re.DOTALL):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], []))
            else:
                found[-1][1].append(line)
    return found


def fits(expected: list[str], actual: list[str]) -> bool:
    """Say whether the lines are the same; a line that is only `…` stands for any number of lines."""
    if "…" not in expected:
        return expected == actual
    cut = expected.index("…")
    tail = expected[cut + 1 :]
    return expected[:cut] == actual[:cut] and tail == actual[len(actual) - len(tail) :]


def test_the_first_useful_command_and_its_reply_come_early() -> None:
    """Within 15 lines."""
    assert "Switched" in "\n".join(README.splitlines()[:15])


def test_every_command_of_the_readme_replies_as_shown(tmp_path: Path) -> None:
    """In one session, with a real Secret Service, in ~/src/app-glm."""
    require(secret_service.missing())
    with secret_service.SecretService(tmp_path / "bus") as service:
        folder = Path(service.environ["HOME"], "src", "app-glm")
        folder.mkdir(parents=True)
        git(folder, "init", "--quiet", "-b", "main")
        git(folder, "commit", "--quiet", "--allow-empty", "-m", "first")
        (folder / ".gitignore").write_text(".claude/\n")
        wrong = [
            problem for command, reply in sessions() if (problem := _problem(command, reply, folder, service.environ))
        ]
    assert not wrong, "\n\n".join(wrong)


def _problem(command: str, reply: list[str], folder: Path, environ: dict[str, str]) -> str | None:
    argv = shlex.split(command.partition("<")[0])
    program = {"llmswitch": [sys.executable, "-m", "llmswitch"], "git": ["git"]}[argv[0]]
    typed = KEY + "\n" if PROMPT in reply else ""
    done = subprocess.run(
        [*program, *argv[1:]],
        cwd=folder, env=environ, input=typed, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    expected = [line for line in reply if line != PROMPT]  # asked for on a terminal only; here the key is piped in
    actual = done.stdout.replace(environ["HOME"], "/home/you").splitlines()
    return None if fits(expected, actual) else f"$ {command}\n" + "\n".join(actual)


@pytest.mark.parametrize("option", sorted(set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", README))))
def test_every_option_of_the_readme_exists(option: str) -> None:
    """In the command line's own definitions, or in those of the installers and of systemctl."""
    from llmswitch.cli.main import cli
    from llmswitch.cli.switch import switch_command

    known = {name for command in _below(cli, switch_command("openrouter")) for param in command.params
             for name in param.opts}  # fmt: skip
    assert option in known | {"--from", "--user", "--now"}


def _below(*commands: click.Command) -> list[click.Command]:
    """Return commands with all that groups among them hold."""
    groups = [(group, click.Context(group)) for group in commands if isinstance(group, click.Group)]
    names = [(group, context, name) for group, context in groups for name in group.list_commands(context)]
    inner = [one for group, context, name in names if (one := group.get_command(context, name))]
    return [*commands, *(_below(*inner) if inner else [])]
