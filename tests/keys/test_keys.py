"""Where a key comes from: the order of the sources, and commands that print one."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from llmswitch.base.errors import KeyProblem
from llmswitch.base.secret import Secret
from llmswitch.keys import command
from llmswitch.keys import sources as keys
from llmswitch.keys.names import KeyNames
from llmswitch.keys.sources import Key, find

A_KEY = "sk-or-v1-0123456789abcdef0123"


class Shelf:
    """A keyring in memory."""

    title = "a shelf"
    kind = "tests.Shelf"

    def __init__(self, **kept: str) -> None:
        self.kept = kept

    def get(self, name: str) -> Secret | None:
        """Return what was put there."""
        return Secret(self.kept[name]) if name in self.kept else None

    def set(self, name: str, secret: Secret) -> None:
        """Put a key there."""
        self.kept[name] = secret.reveal()

    def delete(self, name: str) -> bool:
        """Take a key away."""
        return self.kept.pop(name, None) is not None


def told(key: Key | None) -> tuple[str, str, bool] | None:
    """Return text, source and exported of a key."""
    return (key.secret.reveal(), key.source, key.exported) if key else None


def find_by(command: list[str] | str, environ: Mapping[str, str] | None = None) -> Key | None:
    """Look for a key that a shell script or an argv prints."""
    argv = ["sh", "-c", command] if isinstance(command, str) else command
    return find("mine", {"command": argv}, environ or {}, Shelf)


def complaint(command: list[str] | str) -> str:
    """Return the error in which a command as a key's source ends; its exit code is 4."""
    with pytest.raises(KeyProblem) as caught:
        find_by(command)
    assert caught.value.exit_code == 4
    assert str(caught.value).count("\n") == 0
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("openrouter", "LLMSWITCH_KEY_OPENROUTER"), ("my-key.2", "LLMSWITCH_KEY_MY_KEY_2"), ("a_b", "LLMSWITCH_KEY_A_B")],
)
def test_the_variable_of_a_key(name: str, expected: str) -> None:
    """Upper case, and a line for every other character."""
    assert keys.variable(name) == expected


def test_the_first_source_wins() -> None:
    """Our own variable, then the preset's, then the keyring; an empty variable is none."""
    shelf, reference = Shelf(mine="from-shelf"), {"env": "MINE"}
    environ = {"LLMSWITCH_KEY_MINE": "from-ours", "MINE": "from-preset"}
    assert told(find("mine", reference, environ, lambda: shelf)) == ("from-ours", "LLMSWITCH_KEY_MINE", True)
    environ["LLMSWITCH_KEY_MINE"] = ""
    assert told(find("mine", reference, environ, lambda: shelf)) == ("from-preset", "MINE", True)
    environ["MINE"] = ""
    assert told(find("mine", reference, environ, lambda: shelf)) == ("from-shelf", "a shelf", False)
    assert find("other", reference, environ, lambda: shelf) is None
    assert told(find("mine", None, {}, lambda: shelf)) == ("from-shelf", "a shelf", False)


@pytest.mark.parametrize(
    ("environ", "shelf", "source"),
    [
        ({"LLMSWITCH_KEY_MINE": "two words"}, {}, "LLMSWITCH_KEY_MINE"),
        ({"MINE": "two words"}, {}, "MINE"),
        ({}, {"mine": "two words"}, "a shelf"),
    ],
)
def test_what_is_no_key_is_told_with_its_source(environ: dict[str, str], shelf: dict[str, str], source: str) -> None:
    """safety-80, safety-84: and not quoted."""
    with pytest.raises(KeyProblem, match=f"The key from {source} cannot be used: the key holds a space") as caught:
        find("mine", {"env": "MINE"}, environ, lambda: Shelf(**shelf))
    assert "two words" not in str(caught.value)


def test_a_commands_line_is_the_key() -> None:
    """safety-95: without its line end; what it says on stderr stays unheard while it succeeds."""
    key = find_by(f"echo {A_KEY}; echo a warning >&2")
    assert told(key) == (A_KEY, "the command sh", False)
    assert told(find_by(["printf", "%s", A_KEY])) == (A_KEY, "the command printf", False)


def test_a_command_gets_no_shell(tmp_path: Path) -> None:
    """safety-95: its words arrive as they are."""
    word = f"$(touch${{IFS}}{tmp_path}/made);`true`|&"
    assert told(find_by(["printf", "%s", word])) == (word, "the command printf", False)
    assert "made" not in os.listdir(tmp_path)


def test_a_command_gets_no_terminal_and_no_input() -> None:
    """safety-95: it reads an end at once."""
    assert told(find_by("cat; echo KEY0")) == ("KEY0", "the command sh", False)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("exit 3", "sh failed (exit 3): "),
        ("echo not signed in >&2; exit 1", "sh failed (exit 1): not signed in"),
        (f"echo {A_KEY} >&2; exit 1", "sh failed (exit 1): ********"),
        ("kill -9 $$", "sh failed (exit -9)"),
        (f"echo {A_KEY}; echo {A_KEY}", "more than one line"),
        (f"echo; echo {A_KEY}", "more than one line"),
        ("head -c 9000 /dev/zero | tr '\\0' x", "more than one line"),
        ("true", "the key is empty"),
        ("echo", "the key is empty"),
        ("printf '\\377'", "cannot be used"),
        ("echo two words", "cannot be used"),
        (["/no/such/program"], "/no/such/program cannot be run: No such file or directory."),
        (["/etc/passwd"], "/etc/passwd cannot be run: Permission denied."),
    ],
)  # fmt: skip
def test_a_command_that_gives_no_key(command: list[str] | str, words: str) -> None:
    """safety-95: exit 4 with its own words where it failed, and never a key."""
    message = complaint(command)
    assert words in message
    assert A_KEY[:12] not in message


def test_as_long_as_a_key_may_be() -> None:
    """safety-95: 8192 characters, and not one more."""
    script = "head -c {} /dev/zero | tr '\\0' x"
    key = find_by(script.format(8192))
    assert key
    assert len(key.secret.reveal()) == 8192
    assert "more than one line" in complaint(script.format(8193))


def test_a_command_that_takes_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """safety-95: it is ended, and so is the wait for what it started; what it said before is not shown."""
    monkeypatch.setattr(command, "COMMAND_SECONDS", 0.2)
    message = complaint(f"echo {A_KEY}; sleep 60 & sleep 60")
    assert message.startswith("sh gave no key within 0 seconds.")
    assert A_KEY not in message


def test_the_time_limit_is_half_a_minute() -> None:
    """A password manager may have to ask its owner."""
    assert command.COMMAND_SECONDS == 30


def test_names_of_saved_keys_are_kept_and_may_be_lost(tmp_path: Path) -> None:
    """They come and go by themselves, in a private file; one that is no list of names counts as none."""
    names = KeyNames(str(tmp_path / "state"))
    assert names.load() == {}
    names.add("one", "a shelf")
    names.add("two", "another")
    assert KeyNames(str(tmp_path / "state")).load() == {"one": "a shelf", "two": "another"}
    names.remove("one")
    names.remove("none")
    assert names.load() == {"two": "another"}
    path = tmp_path / "state" / "keys.json"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert path.read_text() == '{"two": "another"}'
    for broken in ("[]", "{", '"x"', "\xff"):
        path.write_text(broken, encoding="latin-1")
        assert names.load() == {}


def test_names_that_cannot_be_written_are_no_failure(tmp_path: Path) -> None:
    """The key itself is saved; only the list lacks it."""
    (tmp_path / "state").write_text("in the way")
    names = KeyNames(str(tmp_path / "state"))
    names.add("one", "a shelf")
    assert names.load() == {}
