"""Keys in a real Secret Service, at the prompt, and in the keyrings that must not be used."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import KEY, Bounded, Cli, Reply, settings_of
from support.secret_service import SecretService, SilentSecretService
from support.terminal import LIMIT, Terminal

ITEM = ("llmswitch:openrouter", "openrouter")
OTHER = "sk-or-v1-other-9876543210fedcba9876543210"
PROMPT = "openrouter key: "
LLMSWITCH = [sys.executable, "-m", "llmswitch"]
BACKEND = "PYTHON_KEYRING_BACKEND"
# Every command that needs the keyring, with what is piped into it.
NEEDY = {
    "switch": (["openrouter"], ""),
    "print-key": (["print-key", "openrouter"], ""),
    "save-key": (["save-key", "openrouter"], KEY),
    "keys delete": (["keys", "delete", "openrouter"], ""),
}
# A keyring that writes what it is given into a file, as those of keyrings.alt do.
PLAIN = """
import os
from keyring.backend import KeyringBackend

class {name}(KeyringBackend):
    priority = {priority}

    def get_password(self, service, username):
        return None

    def set_password(self, service, username, password):
        with open(os.path.join(os.environ["HOME"], "passwords"), "a") as file:
            file.write(password)

    def delete_password(self, service, username):
        pass
"""

needy = pytest.mark.parametrize(("arguments", "text"), NEEDY.values(), ids=NEEDY)
# One that reads and one that writes, where the way there is the same for all.
both = pytest.mark.parametrize(("arguments", "text"), [NEEDY["switch"], NEEDY["save-key"]], ids=["reads", "writes"])


@pytest.fixture
def silent(tmp_path: Path, bus: dict[str, str]) -> Iterator[SilentSecretService]:
    """A Secret Service that never answers, which every command of the test finds."""
    with SilentSecretService(tmp_path / "silent") as silent:
        bus.update(silent.environ)
        yield silent


@pytest.fixture
def typed(sealed: dict[str, str], repo: Path) -> Iterator[Callable[..., Terminal]]:
    """Run a command on a terminal, in the repository."""
    started: list[Terminal] = []

    def run(*arguments: str) -> Terminal:
        started.append(Terminal([*LLMSWITCH, *arguments], repo, sealed))
        return started[-1]

    yield run
    for terminal in started:
        terminal.__exit__(None, None, None)


def token_of(folder: Path) -> str:
    """Return the key in a folder's settings file."""
    token: str = json.loads(settings_of(folder).read_bytes())["env"]["ANTHROPIC_AUTH_TOKEN"]
    return token


def plain_keyring(folder: Path, module: str, name: str, priority: float = 1) -> None:
    """Write a keyring that stores plain text as a module of that name."""
    path = folder.joinpath(*module.split(".")).with_suffix(".py")
    path.parent.mkdir(parents=True)
    path.write_text(PLAIN.format(name=name, priority=priority))


def install(folder: Path, module: str) -> None:
    """Make keyring find that module by itself, as a package does that pip installed."""
    info = folder / "plain-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: plain\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[keyring.backends]\nplain = {module}\n")


# A Secret Service that works


def test_a_saved_key_is_found_by_secret_tool(service: SecretService, cli: Cli) -> None:
    """What save-key says it saved is there, for every other program too."""
    reply = cli("save-key", "openrouter", text=KEY)
    assert reply.code == 0, reply
    assert reply.out == "Saved the openrouter key in Secret Service (read back and compared).\n"
    assert reply.err == ""
    assert service.secret_tool_lookup(*ITEM) == KEY


def test_a_key_of_secret_tool_is_printed(service: SecretService, cli: Cli) -> None:
    """safety-93: print-key gives the key and nothing else."""
    service.secret_tool_store(*ITEM, KEY)
    reply = cli("print-key", "openrouter")
    assert (reply.code, reply.out, reply.err) == (0, f"{KEY}\n", "")


def test_a_switch_uses_the_keyring(service: SecretService, cli: Cli, repo: Path) -> None:
    """The key goes from the keyring into the file, and status says where it came from."""
    service.secret_tool_store(*ITEM, KEY)
    reply = cli("openrouter", cwd=repo)
    assert reply.code == 0, reply
    assert token_of(repo) == KEY
    status = cli("status", cwd=repo)
    assert "from Secret Service" in status.out
    assert KEY not in f"{reply}{status}"


def test_save_key_on_a_terminal_hides_the_key(service: SecretService, typed: Callable[..., Terminal]) -> None:
    """The key is typed and never shown."""
    terminal = typed("save-key", "openrouter")
    terminal.expect(PROMPT)
    terminal.send(f"{KEY}\n")
    assert terminal.wait() == 0, terminal.output
    assert "Saved the openrouter key in Secret Service" in terminal.output
    assert KEY not in terminal.output
    assert service.secret_tool_lookup(*ITEM) == KEY


@pytest.mark.parametrize("arguments", [["save-key", "deepseek"], ["save-key"]])
def test_a_preset_means_its_key(arguments: list[str], service: SecretService, cli: Cli) -> None:
    """DeepSeek goes through OpenRouter, so its key is OpenRouter's; and that is the key without a name."""
    reply = cli(*arguments, text=KEY)
    assert reply.code == 0, reply
    assert "Saved the openrouter key" in reply.out
    assert service.secret_tool_lookup(*ITEM) == KEY
    assert service.secret_tool_lookup("llmswitch:deepseek", "deepseek") is None
    assert cli("print-key", "deepseek").out == f"{KEY}\n"


def test_saving_again_replaces(service: SecretService, cli: Cli) -> None:
    """The last key that was saved is the key."""
    cli("save-key", text=OTHER)
    assert cli("save-key", text=KEY).code == 0
    assert service.secret_tool_lookup(*ITEM) == KEY
    assert cli("keys", "delete", "openrouter").code == 0
    assert service.secret_tool_lookup(*ITEM) is None


def test_an_older_item_of_another_program_does_not_win(service: SecretService, cli: Cli) -> None:
    """safety-73: A Secret Service keeps both items, and only one may be left."""
    service.secret_tool_store(*ITEM, OTHER)
    reply = cli("save-key", text=KEY)
    assert reply.code == 0, reply
    assert cli("print-key", "openrouter").out == f"{KEY}\n"
    assert service.secret_tool_lookup(*ITEM) == KEY


def test_a_newer_item_of_another_program_is_replaced(service: SecretService, cli: Cli) -> None:
    """The same the other way round: our own item is the older one."""
    cli("save-key", text="sk-or-v1-the-first-one-0123456789")
    service.secret_tool_store(*ITEM, OTHER)
    assert cli("save-key", text=KEY).code == 0
    assert cli("print-key", "openrouter").out == f"{KEY}\n"
    assert service.secret_tool_lookup(*ITEM) == KEY


def test_keys_says_where_and_never_what(service: SecretService, cli: Cli) -> None:
    """Each key has the keyring's name, the presets that use it, and no value."""
    cli("save-key", text=KEY)
    cli("save-key", "elsewhere", text=OTHER)
    reply = cli("keys")
    assert reply.code == 0, reply
    lines = reply.out.splitlines()
    assert any("openrouter" in line and "Secret Service" in line and "deepseek" in line for line in lines), reply
    assert any(line.startswith("elsewhere") and "Secret Service" in line for line in lines), reply
    assert not any(secret[-4:] in str(reply) for secret in (KEY, OTHER))
    assert cli("keys", "list").out == reply.out


def test_keys_delete_removes_it(service: SecretService, cli: Cli) -> None:
    """The key is gone with every item of that name, and the next time there is nothing to do."""
    cli("save-key", text=KEY)
    service.secret_tool_store(*ITEM, OTHER)
    reply = cli("keys", "delete", "deepseek")
    assert (reply.code, reply.out) == (0, "Deleted the openrouter key.\n"), reply
    assert service.secret_tool_lookup(*ITEM) is None
    assert cli("print-key", "openrouter").code == 4
    assert "missing" in cli("keys").out
    again = cli("keys", "delete", "openrouter")
    assert (again.code, again.out) == (0, "Nothing to do: the keyring has no openrouter key.\n")


def test_another_persons_items_are_left_alone(service: SecretService, cli: Cli) -> None:
    """Only the items under our own names are touched."""
    service.secret_tool_store("openrouter", "openrouter", OTHER)
    cli("save-key", text=KEY)
    cli("keys", "delete", "openrouter")
    assert service.secret_tool_lookup("openrouter", "openrouter") == OTHER


# A Secret Service that does not work


def refused(reply: Reply, *words: str) -> None:
    """Check that the keyring was the reason, that the words are in it, and that no key is."""
    assert reply.code == 4, reply
    assert reply.out == ""
    assert all(word in reply.err for word in words), reply
    assert KEY not in reply.err


@needy
def test_locked(arguments: list[str], text: str, service: SecretService, bounded: Bounded, repo: Path) -> None:
    """safety-65: With nobody to unlock it, a locked keyring is an error and no wait."""
    service.secret_tool_store(*ITEM, KEY)
    service.lock()
    refused(bounded(arguments, text), "locked")
    assert not settings_of(repo).exists()


def test_keys_tells_that_the_keyring_is_locked(service: SecretService, bounded: Bounded) -> None:
    """A list of keys is no failure where it can say what is wrong."""
    service.lock()
    reply = bounded(["keys"])
    assert reply.code == 0, reply
    assert "locked" in reply.out


@both
@pytest.mark.parametrize("address", ["unix:path=/nonexistent/bus", "", "no address at all"])
def test_no_bus(address: str, arguments: list[str], text: str, bus: dict[str, str], bounded: Bounded) -> None:
    """safety-63: As in a container: nothing to talk to."""
    refused(bounded(arguments, text, DBUS_SESSION_BUS_ADDRESS=address), "keyring")


def test_no_address_of_a_bus(bus: dict[str, str], bounded: Bounded) -> None:
    """safety-63, safety-79: As over ssh: nobody said where the bus is."""
    del bus["DBUS_SESSION_BUS_ADDRESS"]
    refused(bounded(["print-key", "openrouter"]), "keyring")


@both
def test_a_dead_bus(arguments: list[str], text: str, service: SecretService, bounded: Bounded) -> None:
    """safety-63: The socket is there and nobody listens."""
    service.kill_bus()
    refused(bounded(arguments, text), "keyring")


@both
def test_no_service_on_the_bus(arguments: list[str], text: str, service: SecretService, bounded: Bounded) -> None:
    """safety-64, safety-68: The bus works and nobody on it keeps secrets."""
    service.kill_daemon()
    refused(bounded(arguments, text), "keyring")


@needy
def test_a_silent_service(
    arguments: list[str], text: str, silent: SilentSecretService, bounded: Bounded, repo: Path
) -> None:
    """safety-66: A service that never answers costs five seconds, not the afternoon."""
    refused(bounded(arguments, text), "did not answer in time")
    assert not settings_of(repo).exists()


@pytest.mark.parametrize("arguments", [["openrouter", "--dry-run"], ["status"], ["list"], ["claude"]])
def test_what_needs_no_key_asks_no_keyring(
    arguments: list[str], silent: SilentSecretService, cli: Cli, repo: Path
) -> None:
    """A keyring that never answers is in nobody's way who needs no key."""
    reply = cli(*arguments, cwd=repo)
    assert reply.code == 0, reply
    assert "keyring" not in reply.err


@both
def test_a_stopped_daemon(arguments: list[str], text: str, service: SecretService, bounded: Bounded) -> None:
    """safety-67: A real daemon that hangs, and that does nothing late when it goes on."""
    service.secret_tool_store(*ITEM, OTHER)
    service.stop_daemon()
    refused(bounded(arguments, text, LIMIT), "did not answer in time")
    service.resume_daemon()
    assert service.secret_tool_lookup(*ITEM) == OTHER


@pytest.mark.parametrize("arguments", [["openrouter"], ["print-key", "openrouter"], ["keys", "delete", "openrouter"]])
def test_ctrl_c_while_the_keyring_keeps_us_waiting(
    arguments: list[str], service: SecretService, typed: Callable[..., Terminal], repo: Path
) -> None:
    """safety-82: On a terminal we wait for an unlock dialog, say so, and stop when told to."""
    service.stop_daemon()
    terminal = typed(*arguments)
    terminal.expect("Waiting for your keyring")
    terminal.interrupt()
    assert terminal.wait() == 130, terminal.output
    assert "interrupted" in terminal.output
    assert "Traceback" not in terminal.output
    assert not settings_of(repo).exists()


def test_ctrl_c_at_the_prompt(service: SecretService, sealed: dict[str, str], repo: Path) -> None:
    """Nothing is saved, and the terminal shows again what is typed."""
    script = 'trap : INT; "$@"; code=$?; stty -a; exit $code'
    with Terminal(["sh", "-c", script, "sh", *LLMSWITCH, "save-key"], repo, sealed) as terminal:
        terminal.expect(PROMPT)
        terminal.interrupt()
        assert terminal.wait() == 130, terminal.output
    assert " echo " in terminal.output
    assert "Traceback" not in terminal.output
    assert service.secret_tool_lookup(*ITEM) is None


# Keyrings that are none


@needy
@pytest.mark.parametrize("backend", ["keyring.backends.null.Keyring", "keyring.backends.fail.Keyring"])
def test_a_backend_that_stores_nothing(backend: str, arguments: list[str], text: str, bounded: Bounded) -> None:
    """safety-71: A null backend says yes to everything; the error names what was chosen."""
    refused(bounded(arguments, text, **{BACKEND: backend}), backend)


@both
@pytest.mark.parametrize("backend", ["no_such_module.Keyring", "keyring.backends.null.NoSuchKeyring", "nonsense", ""])
def test_a_wrong_choice_of_backend(backend: str, arguments: list[str], text: str, bounded: Bounded) -> None:
    """safety-69: The error names what was chosen, or the variable where nothing was."""
    refused(bounded(arguments, text, **{BACKEND: backend}), backend or BACKEND)


def test_keyring_switched_off_for_good(bus: dict[str, str], bounded: Bounded) -> None:
    """safety-71: `keyring --disable` is an advice for pip, and names the null backend in a file."""
    subprocess.run([sys.executable, "-m", "keyring", "--disable"], env=bus, check=True, timeout=LIMIT)
    refused(bounded(["save-key", "openrouter"], KEY), "keyring.backends.null.Keyring")


@both
@pytest.mark.parametrize(
    ("module", "name"), [("plaintext_backend", "PlaintextKeyring"), ("keyrings.alt.file", "FileKeyring")]
)
def test_plain_text_is_refused_by_name(
    module: str,
    name: str,
    arguments: list[str],
    text: str,
    bounded: Bounded,
    sealed: dict[str, str],
    tmp_path: Path,
) -> None:
    """safety-72: A key lies in no file that is not asked for."""
    plain_keyring(tmp_path / "modules", module, name)
    environ = {BACKEND: f"{module}.{name}", "PYTHONPATH": str(tmp_path / "modules")}
    refused(bounded(arguments, text, **environ), f"{module}.{name}")
    assert not (Path(sealed["HOME"]) / "passwords").exists()


def test_plain_text_is_no_way_out_without_a_service(bus: dict[str, str], bounded: Bounded, tmp_path: Path) -> None:
    """safety-72: Where keyrings.alt is installed, keyring itself falls back to it without a word."""
    plain_keyring(tmp_path / "modules", "keyrings.alt.file", "PlaintextKeyring", priority=0.5)
    install(tmp_path / "modules", "keyrings.alt.file")
    bus["PYTHONPATH"] = str(tmp_path / "modules")
    refused(bounded(["save-key", "openrouter"], KEY), "keyrings.alt.file.PlaintextKeyring")
    assert not (Path(bus["HOME"]) / "passwords").exists()


@pytest.mark.parametrize("priority", [0.5, 9])
def test_plain_text_beside_a_service_is_passed_over(
    priority: float, service: SecretService, sealed: dict[str, str], cli: Cli, tmp_path: Path
) -> None:
    """keyring chains all it finds; the real keyring is taken, whatever the order."""
    plain_keyring(tmp_path / "modules", "keyrings.alt.file", "PlaintextKeyring", priority)
    install(tmp_path / "modules", "keyrings.alt.file")
    sealed["PYTHONPATH"] = str(tmp_path / "modules")
    reply = cli("save-key", text=KEY)
    assert reply.code == 0, reply
    assert "Secret Service" in reply.out
    assert service.secret_tool_lookup(*ITEM) == KEY
    assert not (Path(sealed["HOME"]) / "passwords").exists()


# The first time


def test_first_use_asks_pins_and_saves(
    service: SecretService, typed: Callable[..., Terminal], cli: Cli, repo: Path
) -> None:
    """One paste is all it takes, and it is said where the key went."""
    terminal = typed("openrouter")
    terminal.expect("There is no openrouter key")
    terminal.expect(PROMPT)
    terminal.send(f"{KEY}\n")
    assert terminal.wait() == 0, terminal.output
    assert "Saved the openrouter key in Secret Service" in terminal.output
    assert KEY not in terminal.output
    assert token_of(repo) == KEY
    assert service.secret_tool_lookup(*ITEM) == KEY
    assert "from Secret Service" in cli("status", cwd=repo).out


def paste_unsaved(terminal: Terminal, repo: Path) -> None:
    """Paste a key where no keyring takes it, and check that it is pinned and that this is said."""
    terminal.expect(PROMPT)
    terminal.send(f"{KEY}\n")
    assert terminal.wait() == 0, terminal.output
    assert "this pin only" in terminal.output
    assert "not saved" in terminal.output
    assert "Saved the" not in terminal.output
    assert KEY not in terminal.output
    assert token_of(repo) == KEY


@pytest.mark.parametrize("backend", ["fail", "null"])
def test_first_use_without_a_keyring(
    backend: str, typed: Callable[..., Terminal], sealed: dict[str, str], cli: Cli, repo: Path
) -> None:
    """The key serves this pin, and nobody is told that it was saved."""
    sealed[BACKEND] = f"keyring.backends.{backend}.Keyring"
    paste_unsaved(typed("openrouter"), repo)
    assert "from Secret Service" not in cli("status", cwd=repo).out
    assert cli("print-key", "openrouter").code == 4


def test_first_use_with_a_locked_keyring(service: SecretService, typed: Callable[..., Terminal], repo: Path) -> None:
    """A keyring that stays locked does not keep anyone from working."""
    service.lock()
    terminal = typed("openrouter")
    terminal.expect("locked")
    paste_unsaved(terminal, repo)


def test_no_key_off_a_terminal(service: SecretService, bounded: Bounded, repo: Path) -> None:
    """Nobody is asked; the error has the commands that help."""
    reply = bounded(["openrouter"])
    refused(reply, "There is no openrouter key.", "llmswitch save-key openrouter", "LLMSWITCH_KEY_OPENROUTER")
    assert "--key-stdin" in reply.err
    assert "Nothing was changed." in reply.err
    assert not settings_of(repo).exists()


def test_a_locked_keyring_off_a_terminal_has_the_same_ways_on(service: SecretService, bounded: Bounded) -> None:
    """The environment variable and the pipe need no keyring."""
    service.lock()
    refused(bounded(["openrouter"]), "locked", "LLMSWITCH_KEY_OPENROUTER", "--key-stdin")


# What people paste

GOOD = [f"{KEY}\n", f"{KEY}\r\n", f"Bearer {KEY}", f"bearer {KEY}\n", f'"{KEY}"\n', f"  {KEY}  \n"]
BAD = [
    b"", b"\n", b"Bearer \n", b"two words", b"a\tb", b"first\nsecond\n", b"bell\x07", b"nul\0nul", b"del\x7fdel",
    "schlüssel".encode(), "\ufeffbom".encode(), b"latin1\xfc", b"\xff\xfeu\0t\0f\0",
]  # fmt: skip


@pytest.mark.parametrize("text", GOOD)
def test_what_is_not_part_of_the_key_goes(text: str, service: SecretService, cli: Cli, repo: Path) -> None:
    """safety-80: A header's "Bearer ", the line end and quotes are no part of a key."""
    assert cli("save-key", text=text).code == 0
    assert service.secret_tool_lookup(*ITEM) == KEY
    assert cli("openrouter", "--key-stdin", cwd=repo, text=text).code == 0
    assert token_of(repo) == KEY


@pytest.mark.parametrize(("text", "strict"), [*((text, "strict") for text in BAD), (b"latin1\xfc", "surrogateescape")])
def test_what_can_be_no_key_is_refused(
    text: bytes, strict: str, service: SecretService, cli: Cli, bounded: Bounded, repo: Path
) -> None:
    """safety-80, safety-81: Keyring and settings file stay as they were, and the text is not repeated."""
    cli("save-key", text=KEY)
    cli("openrouter", cwd=repo)
    before = settings_of(repo).read_bytes()
    for arguments in (["save-key"], ["openrouter", "--key-stdin"]):
        reply = bounded(arguments, text, PYTHONIOENCODING=f"utf-8:{strict}")
        refused(reply, "key")
        assert not text.strip() or text.decode(errors="replace").strip() not in reply.err
    assert service.secret_tool_lookup(*ITEM) == KEY
    assert settings_of(repo).read_bytes() == before


def test_a_bad_key_at_the_first_prompt(service: SecretService, typed: Callable[..., Terminal], repo: Path) -> None:
    """What is typed passes the same check as what is piped."""
    terminal = typed("openrouter")
    terminal.expect(PROMPT)
    terminal.send("two words\n")
    assert terminal.wait() == 4, terminal.output
    assert "two words" not in terminal.output
    assert service.secret_tool_lookup(*ITEM) is None
    assert not settings_of(repo).exists()


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [("openrouter", "sk-ant-api03-0123456789abcdef", "sk-ant-"), ("elsewhere", KEY, "No preset uses")],
)
def test_a_key_that_looks_wrong_is_saved_with_a_warning(
    name: str, text: str, words: str, service: SecretService, cli: Cli
) -> None:
    """A prefix is a habit of the provider's, no law."""
    reply = cli("save-key", name, text=text)
    assert reply.code == 0, reply
    assert reply.err.startswith("warning: ")
    assert words in reply.err
    assert text not in str(reply)
    assert service.secret_tool_lookup(f"llmswitch:{name}", name) == text


def test_a_key_out_of_an_env_file(service: SecretService, cli: Cli, tmp_path: Path) -> None:
    """FR14: Of its own variable, with quotes, comments or a BOM, and never of another provider's; nothing shows it."""
    file = tmp_path / ".env"
    file.write_text(f"# mine\nOTHER=1\nexport OPENROUTER_API_KEY='{KEY}'\n")
    reply = cli("save-key", "openrouter", "--from-env-file", str(file))
    assert reply.code == 0
    assert service.secret_tool_lookup("llmswitch:openrouter", "openrouter") == KEY
    assert KEY not in reply.out + reply.err
    file.write_text(f'\ufeffOPENROUTER_API_KEY="{KEY}9"  # new\n')
    assert cli("save-key", "openrouter", "--from-env-file", str(file)).code == 0
    assert service.secret_tool_lookup("llmswitch:openrouter", "openrouter") == f"{KEY}9"
    file.write_text("OPENAI_API_KEY=sk-proj-0123456789abcdef\n")
    assert cli("save-key", "openrouter", "--from-env-file", str(file)).code == 4
    assert cli("save-key", "openrouter", "--from-env-file", str(tmp_path / "none")).code == 4


BROKEN = """
from keyring.backends.SecretService import Keyring as Real

class Keyring(Real):
    priority = 9
    def set_password(self, service, name, password):
        if "new" not in password:
            super().set_password(service, name, password)
"""


def test_a_save_that_fails_keeps_the_key_that_was_there(service: SecretService, cli: Cli, tmp_path: Path) -> None:
    """And says truly that nothing was changed."""
    assert cli("save-key", "openrouter", text=KEY).code == 0
    (tmp_path / "broken.py").write_text(BROKEN)
    env = {"PYTHONPATH": str(tmp_path), "PYTHON_KEYRING_BACKEND": "broken.Keyring"}
    reply = cli("save-key", "openrouter", text="sk-or-v1-new-0123456789abcdef", env=env)
    assert reply.code == 4
    assert "Nothing was changed." in reply.err
    assert service.secret_tool_lookup("llmswitch:openrouter", "openrouter") == KEY
