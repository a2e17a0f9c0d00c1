"""The first replies on a machine that has no keyring, no key and no `llmswitch` on PATH can be followed there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import KEY, Cli, Reply, settings_of
from support.terminal import Terminal
from support.tree import ROOT

from llmswitch.base import extras, install

WAYS = ("LLMSWITCH_KEY_OPENROUTER", "--key-stdin", "GNOME Keyring")


@pytest.fixture
def bare(sealed: dict[str, str]) -> dict[str, str]:
    """An environment in which the keyring library finds nothing by itself."""
    del sealed["PYTHON_KEYRING_BACKEND"]
    return sealed


@pytest.fixture
def typing(bare: dict[str, str], repo: Path) -> Iterator[Terminal]:
    """`llmswitch openrouter` on a terminal of such a machine."""
    with Terminal([sys.executable, "-m", "llmswitch", "openrouter"], repo, bare) as terminal:
        yield terminal


@pytest.mark.parametrize("command", [["openrouter"], ["save-key", "openrouter"], ["print-key", "openrouter"]])
def test_without_a_keyring_nobody_is_sent_to_one(
    bare: dict[str, str], cli: Cli, repo: Path, command: list[str]
) -> None:
    """What is advised works there; a keyring that could be installed is named; nothing is told to be unlocked."""
    reply = cli(*command, cwd=repo)
    assert reply.code == 4
    assert "There is no keyring here." in reply.err
    assert "nlock" not in reply.err
    assert "save-key" not in reply.err
    assert all(word in reply.err.replace("<NAME>", "OPENROUTER") for word in WAYS), reply
    assert command[0] != "openrouter" or "pipe the key in: llmswitch openrouter --key-stdin." in reply.err


def test_a_bare_enter_ends_the_question(typing: Terminal, repo: Path) -> None:
    """What is awaited is said first; an empty line is exit 4, and nothing is written."""
    typing.expect("Paste it and press Enter; it is not shown. An empty line stops.")
    typing.expect("openrouter key: ")
    typing.send("\n")
    assert typing.wait() == 4
    assert "No key was given. Nothing was changed." in typing.output
    assert not settings_of(repo).exists()


def test_a_typed_key_is_asked_for_once(typing: Terminal, cli: Cli, repo: Path) -> None:
    """The pin of this worktree has it: another switch to the same preset asks nobody, one to another preset does."""
    typing.expect("openrouter key: ")
    typing.send(f"{KEY}\n")
    assert typing.wait() == 0
    again = cli("openrouter", cwd=repo)
    assert (again.code, again.out[:13]) == (0, "Nothing to do")
    assert cli("openrouter", "--haiku", "qwen/qwen3-coder", cwd=repo).code == 0
    values = json.loads(settings_of(repo).read_text())["env"]
    assert values["ANTHROPIC_AUTH_TOKEN"] == KEY
    settings_of(repo).write_text(settings_of(repo).read_text().replace("https://openrouter.ai", "https://evil.example"))
    assert cli("openrouter", cwd=repo).code == 4  # somebody changed where it goes
    assert cli("devstral", cwd=repo).code == 4


def test_outside_a_repository_it_is_said_that_no_rule_keeps_the_key(cli: Cli, tmp_path: Path, key: str) -> None:
    """For a file with a key, and only when it is written."""
    folder = tmp_path / "plain"
    folder.mkdir()
    assert "no ignore rule" in cli("openrouter", cwd=folder).err
    assert "no ignore rule" not in cli("openrouter", cwd=folder).err
    assert "no ignore rule" not in cli("claude", cwd=folder).err


def test_no_tab_or_other_control_character_is_spelled_out(cli: Cli) -> None:
    """What click writes with a tab."""
    reply = cli("shell-init")
    assert reply.code == 2
    assert "\\t" not in reply.err
    assert "  bash," in reply.err


def test_the_help_explains_the_words(cli: Cli) -> None:
    """Those that every reply uses."""
    words = cli("--help").out
    assert all(f"  {word} " in words for word in ("preset", "slot", "pin", "start"))
    assert "fable" in words


class Copy:
    """An installed copy: its prefix, with what an installer leaves there, and its direct_url.json."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self.prefix, self._patch = folder / ".venv", monkeypatch
        self.prefix.mkdir()
        monkeypatch.setattr(sys, "prefix", str(self.prefix))

    def has(self, name: str) -> None:
        """Leave an installer's file."""
        (self.prefix / name).touch()

    def came_from(self, origin: object) -> None:
        """Say where the copy came from."""

        class Distribution:
            def read_text(self, name: str) -> str:
                return json.dumps(origin)

        self._patch.setattr(extras, "distribution", lambda name: Distribution())


@pytest.fixture
def copy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Copy:
    """A copy of llmswitch that came from a folder."""
    made = Copy(monkeypatch, tmp_path)
    made.came_from({"url": "file:///src/llmswitch", "dir_info": {}})
    return made


@pytest.mark.parametrize(
    ("left", "command"),
    [
        ("made-for", "{folder}/scripts/setup gateway"),
        ("pipx_metadata.json", "pipx install --force 'llmswitch[gateway] @ file:///src/llmswitch'"),
        ("uv-receipt.toml", "uv tool install --force 'llmswitch[gateway] @ file:///src/llmswitch'"),
        ("pyvenv.cfg", "{python} -m pip install 'llmswitch[gateway] @ file:///src/llmswitch'"),
    ],
)
def test_an_extra_is_named_in_the_way_this_copy_was_installed(
    copy: Copy, tmp_path: Path, left: str, command: str
) -> None:
    """By what the installer left in the environment, and from where it came."""
    copy.has(left)
    assert extras.add_extra("gateway") == command.format(folder=tmp_path, python=sys.executable)


@pytest.mark.parametrize(
    ("origin", "wanted"),
    [
        ({"url": "https://x.example/l.git", "vcs_info": {"vcs": "git"}}, "'llmswitch[gateway] @ git+https://x.example/l.git'"),
        ({"url": "file:///src/l", "dir_info": {"editable": True}}, "--editable '/src/l[gateway]'"),
        ({}, "'llmswitch[gateway]'"),
    ],
)  # fmt: skip
def test_an_extra_comes_from_where_the_copy_came_from(copy: Copy, origin: object, wanted: str) -> None:
    """A repository, a folder that is being worked on, or an index."""
    copy.came_from(origin)
    assert extras.add_extra("gateway") == f"{sys.executable} -m pip install {wanted}"


def test_a_checkout_says_how_to_be_used_elsewhere(copy: Copy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a shell does not find `llmswitch`, advice names the script."""
    copy.has("made-for")
    monkeypatch.setattr(sys, "argv", [str(copy.prefix / "bin" / "llmswitch")])
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    script = f"{tmp_path}/scripts/llmswitch"
    assert install.off_path()[0].startswith(f"`llmswitch` here means {script}.")
    monkeypatch.setattr(sys, "argv", ["/somewhere/else.py"])
    assert install.off_path() == []


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The script in a clone whose environment is a stand-in, in a folder with a space."""
    root = tmp_path / "my clone"
    for name, text in (
        ("scripts/llmswitch", (ROOT / "scripts/llmswitch").read_text()),
        ("scripts/setup", "#!/bin/sh\n"),
        (".venv/bin/llmswitch", '#!/bin/sh\necho "ran $1"\n[ "$1" != glm ] || echo {} >.claude/settings.local.json\n'),
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
        (root / name).chmod(0o755)
    return root


def script(program: Path, *words: str, cwd: Path | str = "/") -> Reply:
    """Run the script."""
    environ = {**os.environ, "PATH": "/usr/bin:/bin"}  # where no llmswitch of the machine is
    done = subprocess.run([program, *words], capture_output=True, text=True, cwd=cwd, env=environ)
    return Reply(done.returncode, done.stdout, done.stderr)


def test_the_script_works_by_links(clone: Path, tmp_path: Path) -> None:
    """From ~/bin, by a chain of relative and absolute links; the first time it says how to be used elsewhere."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/first").symlink_to("../my clone/scripts/llmswitch")
    (tmp_path / "bin/llmswitch").symlink_to(tmp_path / "bin/first")
    reply = script(tmp_path / "bin/llmswitch", "x y")
    assert (reply.code, reply.out) == (0, "ran x y\n"), reply
    assert f"{clone}/scripts/llmswitch" in reply.err
    (clone / ".venv/installed").touch()
    assert script(tmp_path / "bin/llmswitch", "x").err == ""


def test_a_switch_of_the_clone_itself_is_pointed_out(clone: Path) -> None:
    """Most people mean another folder; what switches nothing says nothing."""
    (clone / ".venv/installed").touch()
    (clone / ".claude").mkdir()
    assert script(clone / "scripts/llmswitch", "status", cwd=clone).err == ""
    reply = script(clone / "scripts/llmswitch", "glm", cwd=clone)
    assert (reply.code, reply.out) == (0, "ran glm\n")
    assert f"cd there, then {clone}/scripts/llmswitch glm" in reply.err


ODD = "LLMSWITCH_KEY_ZAI has the form of a key of openrouter, and is sent to api.z.ai. Is it the right one?"


@pytest.mark.parametrize("options", [[], ["--key-helper"]])
def test_an_exported_key_of_another_provider_is_told_at_the_switch(cli: Cli, repo: Path, options: list[str]) -> None:
    """At once, and by doctor afterwards; the right one is not."""
    odd = cli("glm", *options, cwd=repo, env={"LLMSWITCH_KEY_ZAI": "sk-or-v1-0123456789abcdef0123456789abcdef"})
    assert (odd.code, odd.err.count(f"warning: {ODD}")) == (0, 1), odd
    if not options:
        assert "The key in the file has the form of a key of openrouter" in cli("doctor", cwd=repo).out
    right = cli("glm", *options, cwd=repo, env={"LLMSWITCH_KEY_ZAI": "0123456789abcdef0123456789abcdef.abcdefgh"})
    assert (right.code, "form of a key" in right.err) == (0, False)
    assert "form of a key" not in cli("doctor", cwd=repo).out


def test_a_key_of_the_commonest_form_is_no_other_providers(cli: Cli, repo: Path) -> None:
    """`sk-` is the beginning of many; a longer one that is known tells."""
    assert "form of a key" not in cli("deepseek-direct", cwd=repo, env=of_direct("sk-0123456789abcdef0123456789")).err
    assert "a key of openrouter, and is" in cli("deepseek-direct", cwd=repo, env=of_direct(f"sk-or-v1-{'0a' * 16}")).err


def of_direct(key: str) -> dict[str, str]:
    """Return an environment with a key of DeepSeek's own endpoint."""
    return {"LLMSWITCH_KEY_DEEPSEEK_DIRECT": key}
