"""What is made of a keyring's answers, without any keyring: which one is taken, how its errors are told, how long."""

from __future__ import annotations

import sys
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from llmswitch.base.errors import KeyProblem
from llmswitch.base.secret import Secret
from llmswitch.keys import keyring as os_keyring
from llmswitch.keys.keyring import OsKeyring

OTHER_WAYS = "Other ways: export LLMSWITCH_KEY_<NAME>, or pipe the key in with --key-stdin."
WITHOUT = (
    "Export LLMSWITCH_KEY_<NAME>, or pipe the key in: llmswitch PRESET --key-stdin. To save keys here, install a "
    "keyring (GNOME Keyring, KWallet or KeePassXC) and log in again."
)
A_KEY = "sk-or-v1-0123456789abcdef0123"


class Memory:
    """A keyring in memory; its class is put into a module of any name by `of`."""

    name = "Memory"

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], list[str]] = {}

    def get_password(self, service: str, username: str) -> str | None:
        """Return the oldest item."""
        items = self.kept.get((service, username))
        return items[0] if items else None

    def set_password(self, service: str, username: str, password: str) -> None:
        """Add an item behind those that are there, as a Secret Service does for another program's."""
        self.kept.setdefault((service, username), []).append(password)

    def delete_password(self, service: str, username: str) -> None:
        """Delete the oldest item."""
        self.kept[service, username].pop(0)


def of(module: str, name: str = "Keyring") -> Memory:
    """Return a keyring whose class says that it comes from that module."""
    made: Memory = type(name, (Memory,), {"__module__": module})()
    return made


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Make the keyring library choose this keyring, or a chain of several."""
    monkeypatch.delenv("PYTHON_KEYRING_BACKEND")

    def choose(*members: object, attended: bool = False) -> OsKeyring:
        chosen = members[0] if len(members) == 1 else SimpleNamespace(backends=members)
        monkeypatch.setattr("keyring.get_keyring", lambda: chosen)
        return OsKeyring(attended)

    return choose


@pytest.mark.parametrize(
    ("module", "title"),
    [
        ("keyring.backends.SecretService", "Secret Service"),
        ("keyring.backends.libsecret", "Secret Service"),
        ("keyring.backends.kwallet", "KWallet"),
        ("keyring.backends.macOS", "macOS Keychain"),
        ("elsewhere", "Memory"),
    ],
)
def test_a_keyring_has_its_usual_name(use: Any, module: str, title: str) -> None:
    """Or its own."""
    assert use(of(module)).title == title


@pytest.mark.parametrize(
    "refused",
    [
        of("keyring.backends.fail"), of("keyring.backends.null"), of("keyrings.alt.file"), of("keyrings.alt.Windows"),
        of("mine", "PlaintextKeyring"), of("mine", "SomePlainTextOne"), of("keyrings.cryptfile.cryptfile"),
    ],
)  # fmt: skip
def test_a_keyring_that_is_none_is_passed_over_or_named(use: Any, refused: Memory) -> None:
    """safety-71, safety-72: in a chain the next one is taken; alone it is the error."""
    good = of("good")
    keyring = use(refused, good)
    keyring.set("x", Secret(A_KEY))
    assert good.kept == {("llmswitch:x", "x"): [A_KEY]}
    assert refused.kept == {}
    alone = f"{type(refused).__module__}.{type(refused).__name__}"
    with pytest.raises(KeyProblem) as caught:
        use(refused).get("x")
    none = alone == "keyring.backends.fail.Keyring"  # what the library calls no keyring at all
    said, ways = ("There is no keyring here.", WITHOUT) if none else (f"No usable keyring here ({alone}).", OTHER_WAYS)
    assert str(caught.value) == f"{said} Nothing was changed. {ways}"


def test_a_chain_of_none_is_told(use: Any) -> None:
    """safety-71: with the names of all that were found, in order."""
    with pytest.raises(KeyProblem, match=r"No usable keyring here \(keyring.backends.fail.Keyring, keyrings.alt.A\)"):
        use(of("keyrings.alt", "A"), of("keyring.backends.fail")).get("x")
    with pytest.raises(KeyProblem, match=r"There is no keyring here\."):
        use(SimpleNamespace(backends=[])).get("x")


def test_a_person_can_be_asked_by_an_asking_keyring(use: Any) -> None:
    """safety-72: on a terminal."""
    asking = of("keyrings.cryptfile.cryptfile")
    asking.set_password("llmswitch:x", "x", A_KEY)
    assert use(asking, attended=True).get("x") == Secret(A_KEY)


def test_get_set_and_delete(use: Any) -> None:
    """safety-73: an older item that wins is taken away with all its like."""
    memory = of("good")
    keyring = use(memory)
    assert keyring.get("x") is None
    assert keyring.delete("x") is False
    keyring.set("x", Secret("first"))
    keyring.set("x", Secret("second"))
    assert memory.kept == {("llmswitch:x", "x"): ["second"]}
    assert keyring.get("x") == Secret("second")
    memory.kept["llmswitch:x", "x"] += ["third"]
    assert keyring.delete("x") is True
    assert memory.kept == {("llmswitch:x", "x"): []}


class Forgetful(Memory):
    """Keeps what it has and takes nothing new; forgets it all when something is deleted, where `fickle`."""

    fickle = False

    def set_password(self, service: str, username: str, password: str) -> None:
        """Take nothing but what was there first."""
        if password == "old" and not self.fickle:
            self.kept[service, username] = [password]


def test_what_a_keyring_does_not_keep_is_told(use: Any) -> None:
    """safety-71: and truly, whether the key before it is still there."""
    memory = Forgetful()
    memory.kept["llmswitch:x", "x"] = ["old"]
    keyring = use(memory)
    why = "Memory did not keep the x key: reading it back gave something else."
    with pytest.raises(KeyProblem) as caught:
        keyring.set("x", Secret("new"))
    assert str(caught.value) == f"{why} Nothing was changed."
    assert memory.kept == {("llmswitch:x", "x"): ["old"]}
    memory.fickle = True
    with pytest.raises(KeyProblem) as caught:
        keyring.set("x", Secret("new"))
    assert str(caught.value) == f"{why} The key that was there before is gone."
    with pytest.raises(KeyProblem) as caught:
        keyring.set("y", Secret("new"))
    assert (
        str(caught.value) == "Memory did not keep the y key: reading it back gave something else. Nothing was changed."
    )


class Stubborn(Memory):
    """Forgets deletions for a while: items of other programs under one name."""

    def __init__(self, items: int) -> None:
        super().__init__()
        self.items = items

    def get_password(self, service: str, username: str) -> str | None:
        """Return an item while there is one."""
        return "item" if self.items else None

    def delete_password(self, service: str, username: str) -> None:
        """Delete one."""
        self.items -= 1


def test_duplicates_are_deleted_one_by_one(use: Any) -> None:
    """safety-73: up to nine of them; with more something else is wrong, and it is said."""
    assert use(Stubborn(9)).delete("x") is True
    with pytest.raises(KeyProblem) as caught:
        use(Stubborn(10)).delete("x")
    assert str(caught.value) == "Memory still has a x key after 10 deletions."


class KeyringLocked(Exception):
    """As keyring has it."""


class NoKeyringError(Exception):
    """As keyring has it."""


@pytest.mark.parametrize(
    ("error", "message", "hint"),
    [
        (KeyringLocked(A_KEY), "The keyring is locked.", "Unlock it. "),
        (OSError("Prompt DISMISSED"), "The keyring is locked.", "Unlock it. "),
        (NoKeyringError(A_KEY), "There is no keyring here.", WITHOUT),
        (ValueError(A_KEY), "The keyring cannot be used (ValueError).", ""),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, A_KEY), "The keyring cannot be used (UnicodeDecodeError).", ""),
        (SystemExit(3), "The keyring cannot be used (SystemExit).", ""),
        *(
            (
                OSError(f"Can't get password: ({code}, 'text')"),
                f"The macOS Keychain does not let llmswitch in ({code}).",
                "Unlock it in this terminal: security unlock-keychain. ",
            )
            for code in ("-25308", "-25293", "-25244")
        ),
    ],
)
def test_every_error_is_told_by_its_kind(use: Any, error: BaseException, message: str, hint: str) -> None:
    """safety-65, safety-69, safety-74, safety-77: exit 4, the way on, and never the error's own text."""
    memory = of("good")

    def fail(service: str, username: str) -> str:
        raise error

    memory.get_password = fail  # type: ignore[method-assign]
    with pytest.raises(KeyProblem) as caught:
        use(memory).get("x")
    assert str(caught.value) == f"{message} Nothing was changed. {hint}{'' if hint == WITHOUT else OTHER_WAYS}"
    assert caught.value.exit_code == 4
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_a_wrong_choice_is_named(use: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """safety-69: also an empty one."""
    keyring = use(of("good"))

    def fail() -> None:
        raise ModuleNotFoundError

    monkeypatch.setattr("keyring.get_keyring", fail)
    for chosen in ("no.such.Keyring", ""):
        monkeypatch.setenv("PYTHON_KEYRING_BACKEND", chosen)
        with pytest.raises(KeyProblem) as caught:
            keyring.get("x")
        why = f"PYTHON_KEYRING_BACKEND={chosen!r} does not work (ModuleNotFoundError)."
        assert str(caught.value) == f"{why} Nothing was changed. {OTHER_WAYS}"


class Slow(Memory):
    """Answers when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()

    def get_password(self, service: str, username: str) -> str | None:
        """Wait, then answer."""
        self.go.wait(20)
        return A_KEY


@pytest.mark.parametrize("attended", [True, False])
def test_all_calls_share_one_deadline(use: Any, monkeypatch: pytest.MonkeyPatch, attended: bool) -> None:
    """safety-66, safety-67: the second call has what the first one left; only a person hears about the wait."""
    assert (os_keyring.UNATTENDED_SECONDS, os_keyring.ATTENDED_SECONDS, os_keyring.NOTICE_SECONDS) == (4, 60, 2)
    monkeypatch.setattr(os_keyring, "ATTENDED_SECONDS" if attended else "UNATTENDED_SECONDS", 0.3)
    monkeypatch.setattr(os_keyring, "NOTICE_SECONDS", 0.1)
    slow, heard = Slow(), list[str]()
    use(slow, attended=attended)
    keyring = OsKeyring(attended, heard.append)
    for _ in range(2):
        with pytest.raises(KeyProblem) as caught:
            keyring.get("x")
        assert str(caught.value) == f"The keyring did not answer in time. Nothing was changed. {OTHER_WAYS}"
    said = "Waiting for your keyring; it may be asking to be unlocked. Ctrl-C gives up."
    assert heard == ([said, said] if attended else [])
    slow.go.set()


def test_a_quick_answer_makes_no_noise(use: Any) -> None:
    """Nobody is told to wait."""
    heard: list[str] = []
    memory = of("good")
    memory.set_password("llmswitch:x", "x", A_KEY)
    use(memory)
    assert OsKeyring(True, heard.append).get("x") == Secret(A_KEY)
    assert heard == []


@pytest.fixture
def shelf(monkeypatch: pytest.MonkeyPatch) -> Memory:
    """A keyring in memory that can be imported by its class, and has the key x."""
    memory = of("keyring.backends.memory")
    memory.set_password("llmswitch:x", "x", A_KEY)
    monkeypatch.setitem(sys.modules, "keyring.backends.memory", SimpleNamespace(Keyring=lambda: memory))
    return memory


def test_the_keyring_that_took_a_key_is_asked_without_a_search(use: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The search loads every keyring there is, which takes longer than to ask one."""
    shelf = of("keyring.backends.memory")
    use(shelf).set("x", Secret(A_KEY))
    kind = use(shelf).kind
    assert kind == "keyring.backends.memory.Keyring"
    monkeypatch.setitem(sys.modules, "keyring.backends.memory", SimpleNamespace(Keyring=lambda: shelf))
    monkeypatch.setattr("keyring.get_keyring", lambda: pytest.fail("searched"))
    keyring = OsKeyring(keeper=lambda name: kind)
    assert keyring.get("x") == Secret(A_KEY)
    assert keyring.kind == kind


@pytest.mark.parametrize(
    "kind",
    ["", "keyring.backends.gone.Keyring", "keyring.backends.fail.Keyring", "os.system", "keyring.backends.memory.No"],
)
def test_a_keyring_that_is_gone_is_searched_for(use: Any, shelf: Memory, kind: str) -> None:
    """As if nothing were known; and no other class is ever made than a keyring's."""
    use(shelf)
    assert OsKeyring(keeper=lambda name: kind).get("x") == Secret(A_KEY)


def test_a_key_that_is_somewhere_else_by_now_is_found(use: Any, shelf: Memory) -> None:
    """Another keyring has it, which a search finds."""
    shelf.kept.clear()
    other = of("keyring.backends.other")
    other.set_password("llmswitch:x", "x", A_KEY)
    use(other)
    keyring = OsKeyring(keeper=lambda name: "keyring.backends.memory.Keyring")
    assert keyring.get("x") == Secret(A_KEY)
    assert keyring.kind == "keyring.backends.other.Keyring"


def test_a_key_is_saved_in_the_keyring_in_use_now(use: Any, shelf: Memory) -> None:
    """Not in the one that took it before."""
    other = of("keyring.backends.other")
    use(other)
    keyring = OsKeyring(keeper=lambda name: "keyring.backends.memory.Keyring")
    keyring.set("x", Secret(A_KEY + "1"))
    assert other.kept == {("llmswitch:x", "x"): [A_KEY + "1"]}


def test_the_users_choice_of_a_keyring_counts(use: Any, shelf: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    """PYTHON_KEYRING_BACKEND is stronger than what is remembered."""
    other = of("keyring.backends.other")
    use(other)
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.other.Keyring")
    assert OsKeyring(keeper=lambda name: "keyring.backends.memory.Keyring").get("x") is None


def test_each_key_is_asked_for_where_it_is(use: Any, shelf: Memory) -> None:
    """One key's keyring is not the next one's, whichever comes first; and it is not where a new key goes."""
    other = of("keyring.backends.other")
    other.set_password("llmswitch:y", "y", A_KEY)
    use(other)
    keyring = OsKeyring(keeper=lambda name: {"x": "keyring.backends.memory.Keyring"}.get(name, ""))
    for name in ("x", "y", "x"):
        assert keyring.get(name) == Secret(A_KEY)
    keyring.set("z", Secret(A_KEY))
    assert ("llmswitch:z", "z") in other.kept
    assert keyring.kind == "keyring.backends.other.Keyring"


def test_a_key_is_deleted_wherever_it_is(use: Any, shelf: Memory) -> None:
    """In the keyring that took it, and in the one in use."""
    other = of("keyring.backends.other")
    other.set_password("llmswitch:x", "x", A_KEY)
    use(other)
    assert OsKeyring(keeper=lambda name: "keyring.backends.memory.Keyring").delete("x")
    assert [kept for kept in (*shelf.kept.values(), *other.kept.values()) if kept] == []
    assert not OsKeyring(keeper=lambda name: "keyring.backends.memory.Keyring").delete("x")


def test_a_keyring_that_is_locked_is_asked_once(use: Any, shelf: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each time it may put up a dialog."""
    asked: list[str] = []

    def locked(service: str, username: str) -> str:
        asked.append(service)
        raise type("KeyringLocked", (Exception,), {})

    monkeypatch.setattr(shelf, "get_password", locked)
    use(shelf)
    with pytest.raises(KeyProblem, match="locked"):
        OsKeyring(keeper=lambda name: "keyring.backends.memory.Keyring").get("x")
    assert asked == ["llmswitch:x"]


def test_the_keyring_in_the_librarys_own_file_counts(use: Any, shelf: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Someone chose it by hand."""
    other = of("keyring.backends.other")
    use(other)
    monkeypatch.setattr("keyring.core.load_config", lambda: other)
    assert OsKeyring(keeper=lambda name: "keyring.backends.memory.Keyring").get("x") is None
