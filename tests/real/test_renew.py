"""Rotation with a real keyring: save, renew, delete and restore, over repositories with worktrees."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import Cli, git, settings_of
from support.claude_client import ClaudeClient, require_program
from support.live_session import LiveSession
from support.messages_server import MessagesServer
from support.secret_service import SecretService
from support.terminal import Terminal
from support.tree import of_this_tree
from test_real_client import write_preset

OLD = "sk-or-v1-old-0123456789abcdef0123456789ab"
NEW = "sk-or-v1-new-fedcba9876543210fedcba987654"
OTHER = "sk-or-v1-other-0123456789abcdef01234567"
SENT = "ANTHROPIC_AUTH_TOKEN"


@pytest.fixture(scope="module")
def program() -> str:
    """Find the client, before any test's environment is replaced."""
    return require_program()


@pytest.fixture
def machine(tmp_path: Path, service: SecretService) -> list[Path]:
    """Three repositories with a linked worktree each."""
    found = []
    for name in ("one", "two", "three"):
        folder = tmp_path / f"{name} repö"
        folder.mkdir()
        git(folder, "init", "--quiet")
        git(folder, "commit", "--quiet", "--allow-empty", "-m", "first")
        git(folder, "worktree", "add", "--quiet", str(tmp_path / f"{name}-linked"))
        found += [folder, tmp_path / f"{name}-linked"]
    return found


def key_in(folder: Path) -> str:
    """Return the key in a worktree's settings file."""
    return str(json.loads(settings_of(folder).read_text())["env"][SENT])


def codes(cli: Cli, folder: Path) -> list[str]:
    """Return the codes of what status finds about keys; it asks no keyring."""
    reply = cli("status", "--json", cwd=folder, env={"PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"})
    return [problem["code"] for problem in json.loads(reply.out)["problems"] if problem["code"] != "below"]


def save(cli: Cli, key: str, cwd: Path) -> Any:
    """Save the openrouter key."""
    reply = cli("save-key", "openrouter", text=key, cwd=cwd)
    assert reply.code == 0, reply
    return reply


def test_rotate_renew_delete_restore(cli: Cli, machine: list[Path], tmp_path: Path) -> None:
    """Every pin that holds the old key gets the new one, just its characters, and nothing else does."""
    one, one_linked, two, _, _, three_linked = machine
    save(cli, OLD, one)
    settings_of(one).parent.mkdir()
    settings_of(one).write_text('{\n\t"permissions": {"allow": ["Bash(ls:*)"]},\r\n\t"env": {"MINE" : "\\u00e4"}\n}')
    for folder in (one_linked, two, three_linked):
        assert cli("openrouter", cwd=folder).code == 0
    assert cli("claude", cwd=one_linked).code == 0
    assert cli("openrouter", "--sonnet", "qwen/qwen3-coder", cwd=one).code == 0
    three_files = settings_of(three_linked).read_bytes()
    away = three_linked.rename(tmp_path / "unmounted")

    reply = save(cli, NEW, one)
    assert all(str(folder) in reply.err for folder in (one, two)), reply
    assert "llmswitch renew openrouter --everywhere" in reply.err
    before = {folder: settings_of(folder).read_bytes() for folder in (one, two)}
    assert codes(cli, one) == ["older-key"]
    assert cli("status", "--check", cwd=one).code == 3
    assert cli("status", "--short", cwd=one).out == "openrouter*\n"
    assert "older-key" in cli("doctor", "--json", cwd=one).out

    assert cli("renew", "openrouter", cwd=one).code == 0
    assert (key_in(one), key_in(two)) == (NEW, OLD)
    reply = cli("renew", "openrouter", "--everywhere", "--json", cwd=tmp_path)
    done = json.loads(reply.out)
    assert [each["worktree"] for each in done["renewed"]] == [str(two)]
    assert [each["worktree"] for each in done["left"]] == [str(three_linked)]
    assert done["current"] == [str(one)]
    for folder in (one, two):
        assert settings_of(folder).read_bytes() == before[folder].replace(OLD.encode(), NEW.encode())
        assert codes(cli, folder) == []
        assert cli("status", "--check", cwd=folder).code == 0
    assert (away / ".claude" / "settings.local.json").read_bytes() == three_files

    away.rename(three_linked)
    assert codes(cli, three_linked) == ["older-key"]
    assert cli("renew", "--everywhere", cwd=one).code == 0
    assert key_in(three_linked) == NEW
    reply = cli("renew", "openrouter", "--everywhere", cwd=one)
    assert "Nothing to do" in reply.out

    assert cli("keys", "delete", "openrouter", cwd=one).code == 0
    assert codes(cli, two) == ["deleted-key"]
    assert cli("renew", "openrouter", cwd=two).code == 4
    save(cli, NEW, one)
    assert codes(cli, two) == []
    # An older key that is saved once more is the saved one again.
    save(cli, OLD, one)
    assert codes(cli, two) == ["older-key"]
    assert cli("renew", "--everywhere", cwd=two).code == 0
    assert key_in(two) == OLD


def test_back_is_no_empty_word_after_a_renewal(cli: Cli, machine: list[Path]) -> None:
    """It goes to the state before, whether `renew` or a second switch brought the new key."""
    folder = machine[0]
    save(cli, OLD, folder)
    cli("deepseek", cwd=folder)
    cli("openrouter", cwd=folder)
    save(cli, NEW, folder)
    cli("renew", cwd=folder)
    assert key_in(folder) == NEW
    assert "Switched" in cli("-", cwd=folder).out
    assert json.loads(cli("status", "--json", cwd=folder).out)["preset"] == "deepseek"
    assert "Switched" in cli("-", cwd=folder).out
    save(cli, OLD, folder)
    assert "Switched" in cli("openrouter", cwd=folder).out
    assert "Switched" in cli("-", cwd=folder).out
    assert json.loads(cli("status", "--json", cwd=folder).out)["preset"] == "deepseek"


def test_keys_of_another_source_are_listed_and_left(cli: Cli, machine: list[Path]) -> None:
    """From standard input, from an exported variable: another key, whatever the keyring holds."""
    one, _, two, *_ = machine
    save(cli, OLD, one)
    assert cli("openrouter", "--key-stdin", text=OTHER, cwd=one).code == 0
    assert cli("openrouter", cwd=two, env={"LLMSWITCH_KEY_OPENROUTER": OTHER}).code == 0
    save(cli, NEW, one)
    reply = cli("renew", "openrouter", "--everywhere", cwd=one)
    assert reply.code == 0
    assert (key_in(one), key_in(two)) == (OTHER, OTHER)
    assert "its key came from standard input" in reply.err
    assert "its key came from LLMSWITCH_KEY_OPENROUTER" in reply.err


def test_what_a_switch_would_refuse_is_listed_and_left(cli: Cli, machine: list[Path]) -> None:
    """A file that git tracks now, another base URL, a host that is not the preset's; the others go on."""
    one, _, two, _, three, three_linked = machine
    save(cli, OLD, one)
    for folder in (one, two, three):
        assert cli("openrouter", cwd=folder).code == 0
    assert cli("openrouter", "--base-url", "https://proxy.example/api", "--anyway", cwd=two).code == 0
    git(one, "add", "-f", ".claude/settings.local.json")
    text = settings_of(three).read_text()
    settings_of(three).write_text(text.replace("https://openrouter.ai/api", "https://elsewhere.example"))
    save(cli, NEW, one)
    assert cli("openrouter", cwd=three_linked).code == 5
    reply = cli("renew", "openrouter", "--everywhere", "--json", cwd=one)
    assert reply.code == 1
    failed = {each["worktree"]: each for each in json.loads(reply.out)["failed"]}
    assert failed.keys() == {str(one), str(two), str(three)}
    assert "git tracks" in failed[str(one)]["why"]
    assert "proxy.example" in failed[str(two)]["why"]
    assert "base URL" in failed[str(three)]["why"]
    assert {key_in(folder) for folder in (one, two, three)} == {OLD}


def test_the_first_rotation_after_an_upgrade(cli: Cli, machine: list[Path], sealed: dict[str, str]) -> None:
    """The state of 0.1 has no hashes, no names and no pins of this machine: the repository's pins are found."""
    one = machine[0]
    save(cli, OLD, one)
    assert cli("openrouter", cwd=one).code == 0
    state = one / ".git" / "llmswitch" / "state.json"
    data = json.loads(state.read_text())
    del data["current"]["key"]["saved"]
    state.write_text(json.dumps(data))
    folder = Path(sealed["XDG_STATE_HOME"]) / "llmswitch"
    (folder / "key-hashes.json").unlink()
    for note in (folder / "pins").iterdir():
        note.unlink()
    assert codes(cli, one) == []
    assert str(one) in save(cli, NEW, one).err
    assert codes(cli, one) == ["older-key"]
    assert cli("renew", cwd=one).code == 0
    assert key_in(one) == NEW


def test_pins_move_to_a_helper_and_the_key_leaves_their_files(
    cli: Cli, machine: list[Path], sealed: dict[str, str]
) -> None:
    """Of those with the saved key as of those with an older one; where the host refuses two headers it stays."""
    one, _, two, _, three, _ = machine
    save(cli, OLD, one)
    for folder in (one, two):
        assert cli("openrouter", "--sonnet", "qwen/qwen3-coder", cwd=folder).code == 0
    save(cli, NEW, one)
    assert cli("openrouter", "--sonnet", "qwen/qwen3-coder", cwd=one).code == 0
    assert cli("save-key", "moonshot", text=OTHER, cwd=three).code == 0
    assert cli("moonshot", cwd=three).code == 0
    reply = cli("renew", "--key-helper", "--everywhere", "--json", cwd=one)
    done = json.loads(reply.out)
    assert {each["worktree"] for each in done["renewed"]} == {str(one), str(two)}
    assert ["openrouter.ai" in doubt for doubt in done["doubts"]] == [True]
    for folder in (one, two):
        written = json.loads(settings_of(folder).read_text())
        assert "print-key --preset openrouter" in written["apiKeyHelper"]
        assert written["env"]["ANTHROPIC_DEFAULT_SONNET_MODEL"] == "qwen/qwen3-coder"
        assert not {OLD, NEW} & {*written["env"].values()}
        assert codes(cli, folder) == []
        assert cli("status", "--check", cwd=folder).code == 0
    assert (reply.code, [each["worktree"] for each in done["failed"]]) == (1, [str(three)])
    assert "both headers" in done["failed"][0]["why"]
    assert key_in(three) == OTHER
    save(cli, OLD, one)
    assert cli("print-key", "openrouter", cwd=one).out == f"{OLD}\n"
    assert str(one) in json.loads(cli("renew", "openrouter", "--json", cwd=one).out)["asking"]
    reply = cli("keys", "delete", "openrouter", cwd=one)
    assert all(str(folder) in reply.err for folder in (one, two))
    assert "No key from now on" in reply.err


def test_a_deleted_key_is_named_wherever_it_stands(cli: Cli, machine: list[Path], tmp_path: Path) -> None:
    """In pins of ours, in a worktree beside them that got a copy of the file, on a disk that is not there."""
    one, one_linked, two, *_ = machine
    save(cli, OLD, one)
    assert cli("openrouter", cwd=one).code == 0
    assert cli("openrouter", cwd=two).code == 0
    settings_of(one_linked).parent.mkdir()
    settings_of(one_linked).write_bytes(settings_of(one).read_bytes())
    two.rename(tmp_path / "unmounted")
    found = json.loads(cli("keys", "--json", cwd=tmp_path).out)
    assert {pin["worktree"]: (pin["key"], pin["state"], pin["there"]) for pin in found["pins"]} == {
        str(one): ("openrouter", "current", True),
        str(one_linked): ("openrouter", "current", True),
        str(two): ("openrouter", None, False),
    }
    assert "openrouter, as noted" in cli("keys", cwd=tmp_path).out
    reply = cli("keys", "delete", "openrouter", cwd=tmp_path)
    assert reply.code == 0
    assert all(str(folder) in reply.err for folder in (one, one_linked, two))
    assert "https://openrouter.ai/" in reply.err
    assert "Copies elsewhere" in reply.err
    assert f"llmswitch claude -w '{one}' -w {one_linked}" in reply.err
    assert str(two) not in reply.err.splitlines()[-1]
    assert OLD not in reply.err + reply.out
    again = json.loads(cli("keys", "delete", "openrouter", "--json", cwd=tmp_path).out)
    assert (again["deleted"], len(again["standing_in"])) == (False, 3)


def test_an_open_session_goes_on_with_the_new_key(
    program: str, cli: Cli, machine: list[Path], tmp_path: Path, sealed: dict[str, str]
) -> None:
    """While five other pins are renewed, one of them on a disk that is not there; the reply says so."""
    *others, away = machine
    folder = others[0]
    with MessagesServer() as server:
        sealed.update(write_preset(tmp_path, "mine", base_url=server.url, key="openrouter"))
        save(cli, OLD, folder)
        for place in (*machine[1::2], *machine[::2]):  # the main checkouts last: theirs would be followed
            assert cli("mine", cwd=place).code == 0
        away.rename(tmp_path / "unmounted")
        client = ClaudeClient(program, tmp_path / "client", tmp_path / "tmp")
        with LiveSession(client, folder) as session:
            session.say("one")
            assert {request.bearer for request in server.messages} == {OLD}
            save(cli, NEW, folder)
            reply = cli("renew", "openrouter", "--everywhere", cwd=tmp_path)
            assert reply.code == 0, reply
            assert "1 open session takes it within seconds." in reply.err
            assert [key_in(place) for place in others] == [NEW] * 5

            def moved() -> bool:
                session.say("more")
                return bool(server.messages[-1].bearer == NEW)

            session.until(moved)
            assert session.outside_messages == []
        (tmp_path / "unmounted").rename(away)
        assert key_in(away) == OLD
        assert cli("renew", "openrouter", "--everywhere", cwd=tmp_path).code == 0
        assert key_in(away) == NEW


def at_terminal(cwd: Path, sealed: dict[str, str], *words: str) -> Terminal:
    """Run a command in front of a person."""
    return Terminal([sys.executable, "-m", "llmswitch", *words], cwd, of_this_tree({**sealed, "TERM": "dumb"}))


def test_a_person_is_offered_to_renew_and_to_take_pins_away(
    cli: Cli, machine: list[Path], sealed: dict[str, str]
) -> None:
    """Done at once where the answer is yes; "no" leaves the files, and says what to type."""
    one, one_linked, two, *_ = machine
    save(cli, OLD, one)
    for folder in (one_linked, two):
        assert cli("openrouter", cwd=folder).code == 0
    for key, answer, held in ((NEW, "n", OLD), (OTHER, "", OTHER)):  # Enter is yes
        with at_terminal(one, sealed, "save-key", "openrouter") as terminal:
            terminal.expect("openrouter key")
            terminal.send(f"{key}\r")
            terminal.expect("Put the new key into them?")
            terminal.send(f"{answer}\r")
            assert terminal.wait() == 0
        assert [key_in(folder) for folder in (one_linked, two)] == [held] * 2
        assert ("llmswitch renew openrouter --everywhere" in terminal.output) is bool(answer)
        assert not any(secret in terminal.output for secret in (OLD, NEW, OTHER))
    with at_terminal(one, sealed, "keys", "delete", "openrouter") as terminal:
        terminal.expect("Take these pins away")
        terminal.send("y\r")
        assert terminal.wait() == 0
    assert not any(settings_of(folder).exists() for folder in (one_linked, two))
