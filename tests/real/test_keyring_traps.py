"""Keyrings that ask, break, cut or refuse: each ends in time with exit 4 and the way on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from conftest import KEY, Bounded, Cli, Reply
from support.secret_service import SecretService
from test_keyring import ITEM, NEEDY, both, install, refused

from llmswitch.keys import keyring as os_keyring

# A keyring in a module of any name, whose calls do what the test says.
ODD = """
import getpass
from keyring import errors
from keyring.backend import KeyringBackend

class Keyring(KeyringBackend):
    priority = {priority}
    kept = {{}}

    def get_password(self, service, username):
        {get}
        return self.kept.get(service)

    def set_password(self, service, username, password):
        {set}
        self.kept[service] = password

    def delete_password(self, service, username):
        del self.kept[service]
"""


def odd_keyring(folder: Path, module: str, get: str = "pass", put: str = "pass", priority: float = 1) -> dict[str, str]:
    """Write an odd keyring as a module and return the environment that chooses it."""
    path = folder.joinpath("modules", *module.split(".")).with_suffix(".py")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(ODD.format(get=get, set=put, priority=priority))
    return {"PYTHON_KEYRING_BACKEND": f"{module}.Keyring", "PYTHONPATH": str(folder / "modules")}


def way_on(reply: Reply, *words: str) -> None:
    """Check that the keyring was the reason and that the other ways are named."""
    refused(reply, *words)
    assert "LLMSWITCH_KEY_" in reply.err, reply
    assert "Nothing was changed." in reply.err, reply


@both
@pytest.mark.parametrize("code", ["-25308", "-25293", "-25244"])
def test_a_shut_keychain_names_the_command_that_opens_it(
    code: str,
    arguments: list[str],
    text: str,
    bounded: Bounded,
    tmp_path: Path,
) -> None:
    """safety-77: over ssh or in tmux; the codes are those of macOS, told by keyring in the text of its error."""
    trouble = f"raise errors.KeyringError(\"Can't get password from keychain: ({code}, 'text')\")"
    environ = odd_keyring(tmp_path, "odd", get=trouble, put=trouble)
    reply = bounded(arguments, text, **environ)
    refused(reply, code, "LLMSWITCH_KEY_")
    assert "security unlock-keychain" in reply.err or arguments == ["openrouter"], reply


@both
def test_a_keyring_that_asks_in_the_middle_is_not_asked_unattended(
    arguments: list[str],
    text: str,
    bounded: Bounded,
    tmp_path: Path,
) -> None:
    """safety-72: keyrings.cryptfile asks for its password on the terminal; off it nobody could answer."""
    asks = 'getpass.getpass("Please enter password for encrypted keyring: ")'
    environ = odd_keyring(tmp_path, "keyrings.cryptfile.cryptfile", get=asks, put=asks)
    reply = bounded(arguments, text, **environ)
    refused(reply, "LLMSWITCH_KEY_")
    assert "Please enter" not in reply.err
    assert "Warning" not in reply.err


def test_a_chain_with_an_asking_keyring_takes_the_one_that_does_not(
    service: SecretService, sealed: dict[str, str], cli: Cli, tmp_path: Path
) -> None:
    """safety-72: whatever the order in which keyring puts them."""
    odd_keyring(tmp_path, "keyrings.cryptfile.cryptfile", get="raise EOFError", put="raise EOFError", priority=9)
    install(tmp_path / "modules", "keyrings.cryptfile.cryptfile")
    sealed["PYTHONPATH"] = str(tmp_path / "modules")
    assert cli("save-key", text=KEY).code == 0
    assert service.secret_tool_lookup(*ITEM) == KEY


@both
def test_a_broken_configuration_of_keyring(
    arguments: list[str],
    text: str,
    bus: dict[str, str],
    bounded: Bounded,
) -> None:
    """safety-70: keyringrc.cfg is no configuration, or names what is not there."""
    folder = Path(bus["HOME"], ".config", "python_keyring")
    folder.mkdir(parents=True)
    for content in ("not a [configuration", "[backend]\ndefault-keyring=no.such.Keyring\n"):
        (folder / "keyringrc.cfg").write_text(content)
        refused(bounded(arguments, text), "keyring", "LLMSWITCH_KEY_")


@both
@pytest.mark.parametrize(
    "trouble", ["raise RuntimeError(text)", "raise OSError(5, 'text')", "raise SystemExit(3)", "raise KeyError"]
)
def test_whatever_a_keyring_raises(
    trouble: str,
    arguments: list[str],
    text: str,
    bounded: Bounded,
    tmp_path: Path,
) -> None:
    """safety-69: not only keyring's own errors; the kind is told and not the text, which may quote the key."""
    environ = odd_keyring(tmp_path, "odd", get=trouble.replace("text", repr(KEY)), put=trouble)
    reply = bounded(arguments, text, **environ)
    refused(reply, "PYTHON_KEYRING_BACKEND")


def test_an_item_that_is_no_text(service: SecretService, bounded: Bounded) -> None:
    """safety-74: another program put bytes there (not secret-tool, which refuses to in its newer versions)."""
    code = (
        "import secretstorage as s, sys; collection = s.get_default_collection(s.dbus_init());"
        "collection.create_item('x', {'service': sys.argv[1], 'username': sys.argv[2]}, bytes([255, 254, 0, 107]))"
    )
    subprocess.run([sys.executable, "-c", code, *ITEM], env=service.environ, check=True, timeout=10)
    for arguments, text in (NEEDY["switch"], NEEDY["print-key"]):
        refused(bounded(arguments, text), "LLMSWITCH_KEY_")


def test_an_item_that_is_no_key(service: SecretService, bounded: Bounded) -> None:
    """safety-80: what no header can carry is not written, and not quoted."""
    service.secret_tool_store(*ITEM, "two words of it")
    reply = bounded(["openrouter"])
    refused(reply, "LLMSWITCH_KEY_")
    assert "two words" not in reply.err


def test_each_key_has_a_service_of_its_own() -> None:
    """safety-78: macOS asks once an item."""
    names = ("openrouter", "deepseek", "a", "b")
    assert len({os_keyring.service(name) for name in names}) == len(names)
    assert os_keyring.service("openrouter") == "llmswitch:openrouter"
