"""The commands of the README and of the guide give the replies that they show, and their links lead somewhere."""

from __future__ import annotations

import contextlib
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest
from conftest import Cli, git, require, settings_of
from support import secret_service
from support.terminal import Terminal
from support.tree import ROOT, of_this_tree

from llmswitch.presets.listing import names

README = ROOT / "README.md"
GUIDE = sorted((ROOT / "src/llmswitch/help").glob("*.md"))
PAGES = {path.stem: path for path in (README, *GUIDE)}
PROMPT = "openrouter key:"
ASKED = ("Paste it and press Enter; it is not shown. An empty line stops.", PROMPT)
MARK = "READY> "
KEY = "sk-or-v1-0123456789abcdef0123456789abcdef"


def sessions(page: Path) -> list[tuple[str, list[str]]]:
    """Return (command, lines of its reply) for every `$ ` line in the console blocks of a page, in order."""
    found: list[tuple[str, list[str]]] = []
    for block in re.findall(r"```console\n(.*?)```", page.read_text(), re.DOTALL):
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
    """Within 40 lines, of 150 at most."""
    lines = README.read_text().splitlines()
    assert "Switched" in "\n".join(lines[:40])
    assert len(lines) <= 150


@pytest.mark.parametrize("name", [name for name, page in PAGES.items() if sessions(page)])
def test_every_command_replies_as_shown(name: str, tmp_path: Path) -> None:
    """Each page in one session, with a real Secret Service, in ~/src/app; the guide's with a key that is saved."""
    require(secret_service.missing())
    with secret_service.SecretService(tmp_path / "bus") as service:
        folder = Path(service.environ["HOME"], "src", "app")
        folder.mkdir(parents=True)
        git(folder, "init", "--quiet", "-b", "main")
        git(folder, "commit", "--quiet", "--allow-empty", "-m", "first")
        (folder / ".gitignore").write_text(".claude/\n")
        if name != "README":
            _problem("llmswitch save-key openrouter", [PROMPT], folder, service.environ)
        wrong = [
            problem
            for command, reply in sessions(PAGES[name])
            if (problem := _problem(command, reply, folder, service.environ))
        ]
    assert not wrong, "\n\n".join(wrong)


@pytest.mark.parametrize("keyring", [True, False], ids=["keyring", "exported"])
def test_the_readmes_commands_in_order_on_a_terminal(keyring: bool, sealed: dict[str, str], tmp_path: Path) -> None:
    """In one shell from a clean home; without a keyring with the exported key in place of `save-key`."""
    require(secret_service.missing() if keyring else None)
    with secret_service.SecretService(tmp_path / "bus") if keyring else contextlib.nullcontext() as service:
        environ = {**(service.environ if service else sealed), "TERM": "dumb", "PS1": MARK, "NO_COLOR": "1"}
        if not keyring:
            environ["LLMSWITCH_KEY_OPENROUTER"] = KEY
        (tmp_path / "bin").mkdir()
        wrapper = tmp_path / "bin/llmswitch"
        wrapper.write_text(f'#!/bin/sh\nexec {shlex.join([sys.executable, "-m", "llmswitch"])} "$@"\n')
        wrapper.chmod(0o755)
        environ["PATH"] = f"{wrapper.parent}:{environ['PATH']}"
        folder = Path(environ["HOME"], "src", "app")
        folder.mkdir(parents=True)
        git(folder, "init", "--quiet", "-b", "main")
        git(folder, "commit", "--quiet", "--allow-empty", "-m", "first")
        with Terminal(
            ["bash", "--norc", "--noprofile", "--noediting", "-i"], folder, of_this_tree(environ)
        ) as terminal:
            terminal.expect(MARK)
            for command, reply in [("stty cols 200", []), *sessions(README)]:
                if not keyring and PROMPT in reply:
                    continue
                before = len(terminal.output)
                terminal.send(f"{command}\r")
                if PROMPT in reply:
                    terminal.expect(PROMPT)
                    terminal.send(f"{KEY}\r")
                terminal.expect(MARK)
                shown = [line.rstrip() for line in terminal.output[before:].splitlines()[1:-1]]
                wanted = [line if keyring else line.replace("Secret Service", "LLMSWITCH_KEY_OPENROUTER")
                          for line in reply]  # fmt: skip
                assert fits(wanted, shown), f"$ {command}\n" + "\n".join(shown)
            assert KEY not in terminal.output


def _problem(command: str, reply: list[str], folder: Path, environ: dict[str, str]) -> str | None:
    argv = shlex.split(command.partition("<")[0])
    program = {"llmswitch": [sys.executable, "-m", "llmswitch"], "git": ["git"]}[argv[0]]
    typed = KEY + "\n" if PROMPT in reply else ""
    done = subprocess.run(
        [*program, *argv[1:]],
        cwd=folder, env=environ, input=typed, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    expected = [line for line in reply if line not in ASKED]  # asked for on a terminal only; here the key is piped in
    actual = done.stdout.replace(environ["HOME"], "/home/you").splitlines()
    return None if fits(expected, actual) else f"$ {command}\n" + "\n".join(actual)


@pytest.mark.parametrize("name", PAGES)
def test_every_option_exists(name: str) -> None:
    """In the command line's own definitions, or in those of Claude Code, git, npm and systemctl."""
    from llmswitch.cli.main import cli
    from llmswitch.cli.switch import switch_command

    known = {name for command in _below(cli, switch_command("openrouter")) for param in command.params
             for name in param.opts}  # fmt: skip
    text = PAGES[name].read_text().replace("pipx install --force", "")
    options = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text))
    assert options - known <= {"--user", "--now", "--settings", "--cached", "--global", "--add"}


@pytest.mark.parametrize("name", PAGES)
def test_every_command_exists(name: str) -> None:
    """Behind each `llmswitch` in code: a command, an option, a preset or a word in capitals for one."""
    from llmswitch.base.errors import COMMANDS
    from llmswitch.presets.catalog import Catalog
    from llmswitch.presets.files import shipped_folder

    text = PAGES[name].read_text()
    blocks = re.compile(r"```\w*\n(.*?)```", re.DOTALL)
    code = [*(line.partition("#")[0] for block in blocks.findall(text) for line in block.splitlines()),
            *re.findall(r"`([^`]+)`", blocks.sub("", text))]  # fmt: skip
    words = {word for line in code for word in re.findall(r"(?<![\w.-])llmswitch ([a-zA-Z-]+)", line)}
    known = {*COMMANDS, *names(Catalog(shipped_folder(), "/nowhere")), "PRESET", "app"}
    assert {word for word in words - known if not word.startswith("--")} == set()


@pytest.mark.parametrize("name", PAGES)
def test_every_link_leads_to_a_file(name: str) -> None:
    """Pages, pictures and CONTRIBUTING."""
    page = PAGES[name]
    links = re.findall(r'\]\(([^)#:]+)\)|(?:src|srcset)="([^"]+)"', page.read_text())
    assert [link for pair in links if not (page.parent / (link := "".join(pair))).exists()] == []


def test_the_readme_has_the_whole_guide() -> None:
    """A page that no table names is found by nobody."""
    assert {f"src/llmswitch/help/{path.name}" for path in GUIDE} <= set(
        re.findall(r"\]\(([^)]+)\)", README.read_text())
    )


def test_the_messages_in_the_guide_are_those_of_the_tool() -> None:
    """The first column of the first table, up to what differs from case to case."""
    text = PAGES["troubleshooting"].read_text().partition("## What llmswitch says")[2].partition("## What Claude")[0]
    ours = "".join(path.read_text() for path in sorted((ROOT / "src/llmswitch").rglob("*.py")))
    ours = re.sub(r'"\s*\n\s*f?"', "", ours)
    told = [part.strip() for row in re.findall(r"^\| `([^`]+)`", text, re.MULTILINE) for part in row.split("…")]
    told = [part.replace("no openrouter key", "no {name} key") for part in told if len(part) > 3]
    assert len(told) > 8
    assert [part for part in told if part not in ours] == []


def test_the_hook_of_the_guide_tells_of_a_pin_changed_by_hand(
    cli: Cli, repo: Path, key: str, sealed: dict[str, str], tmp_path: Path
) -> None:
    """After a change of branch only: nothing is said while the pin is as it was put, or where a file is checked out."""
    (lines,) = re.findall(
        r"```sh\n# \.git/hooks/post-checkout [^\n]*\n(.*?)```", PAGES["prompts"].read_text(), re.DOTALL
    )
    hook, program = repo / ".git/hooks/post-checkout", tmp_path / "bin/llmswitch"
    hook.parent.mkdir(exist_ok=True)
    program.parent.mkdir()
    hook.write_text(f"#!/bin/sh\n{lines}")
    program.write_text(f'#!/bin/sh\nexec {shlex.join([sys.executable, "-m", "llmswitch"])} "$@"\n')
    hook.chmod(0o755)
    program.chmod(0o755)
    (repo / "file").write_text("x")
    git(repo, "add", "file")
    git(repo, "commit", "--quiet", "-m", "second")
    environ = of_this_tree({**sealed, "PATH": f"{program.parent}:{sealed['PATH']}"})

    def checkout(*words: str) -> str:
        argv = ["git", "checkout", "--quiet", *words]
        done = subprocess.run(argv, cwd=repo, env=environ, capture_output=True, text=True, check=True)
        return done.stdout + done.stderr

    assert cli("openrouter", cwd=repo).code == 0
    assert (checkout("-b", "other"), checkout("file")) == ("", "")
    path = settings_of(repo)
    path.write_text(path.read_text().replace("mistralai/devstral-2512", "mine/changed"))
    assert checkout("file") == ""
    assert checkout("-b", "third") == "llmswitch: the pin is not as it was put here\n"


def test_the_manual_page_is_up_to_date() -> None:
    """`scripts/man` makes it."""
    code = "import os; os.environ['COLUMNS'] = '100'; import man; print(man.page(), end='')"
    environ = {"PYTHONPATH": f"{ROOT / 'scripts'}:{ROOT / 'src'}", "PATH": "/usr/bin:/bin"}
    done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True)
    assert done.stdout == (ROOT / "src/llmswitch/help/llmswitch.1").read_text(), done.stderr


@pytest.mark.parametrize("topic", [None, "keys", "save-key", "openrouter", "nothing"])
def test_help_shows_a_page_or_a_command(cli: Cli, topic: str | None) -> None:
    """What there is not is named."""
    reply = cli("help", *filter(None, [topic]))
    expected = {None: "troubleshooting", "keys": "# Keys", "save-key": "--from-env-file", "openrouter": "--haiku"}
    assert (reply.code, reply.err if topic == "nothing" else "") == (2 if topic == "nothing" else 0, reply.err)
    assert expected.get(topic, "There is no page about 'nothing'.") in reply.out + reply.err
    assert "<picture>" not in reply.out
    assert "\\n" not in reply.out


def _below(*commands: click.Command) -> list[click.Command]:
    """Return commands with all that groups among them hold."""
    groups = [(group, click.Context(group)) for group in commands if isinstance(group, click.Group)]
    found = [(group, context, name) for group, context in groups for name in group.list_commands(context)]
    inner = [one for group, context, name in found if (one := group.get_command(context, name))]
    return [*commands, *(_below(*inner) if inner else [])]
