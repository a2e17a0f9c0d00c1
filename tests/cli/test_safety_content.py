"""What may stand in a settings file: refused and kept byte for byte, or edited without a trace."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import settings_of
from support.faults import KEY, environ
from support.warm import Ended, Warm
from test_switch import write

MIB = 1024 * 1024
# Content, where the message points, what it says.
REFUSED = [
    pytest.param(b'{\n "a": ', "line 2", "expecting value", id="safety-3 truncated"),
    pytest.param(b"\x00" * 64, "line 1, column 1", "JSON object", id="safety-4 NUL bytes"),
    pytest.param(b'{\n // mine\n "a": 1}', "line 2, column 2", "ignores this whole file", id="safety-5 comment"),
    pytest.param(b'{"a": 1 /* mine */}', "line 1, column 9", "ignores this whole file", id="safety-5 block comment"),
    pytest.param(b'{"a": 1,\n}', "line 2, column 1", "ignores this whole file", id="safety-6 trailing comma"),
    pytest.param(b"{'a': 1}", "line 1, column 2", "double quotes", id="safety-7 single quotes"),
    pytest.param(b"{a: 1}", "line 1, column 2", "double quotes", id="safety-7 bare key"),
    pytest.param(b'{"a": 0x10}', "line 1, column 8", "comma", id="safety-7 hex"),
    pytest.param(b'{"env": {}, "env": {}}', "line 1, column 13", "stands twice", id="safety-8 key twice"),
    pytest.param(b'{"env": {"A": "", "A": ""}}', "line 1, column 19", "stands twice", id="safety-9 env key twice"),
    pytest.param(b"[]", "line 1, column 1", "JSON object", id="safety-10 list"),
    pytest.param(b'"x"', "line 1, column 1", "JSON object", id="safety-10 string"),
    pytest.param(b'{"env": []}', "line 1, column 9", "JSON object", id="safety-11 env list"),
    pytest.param(b'{"env": null}', "line 1, column 9", "JSON object", id="safety-11 env null"),
    pytest.param(b'{"env": "x"}', "line 1, column 9", "JSON object", id="safety-11 env string"),
    pytest.param(b'{"a": NaN}', "line 1, column 7", "NaN", id="safety-13 NaN"),
    pytest.param(b'{"a": -Infinity}', "line 1, column 7", "Infinity", id="safety-13 Infinity"),
    pytest.param('{"a": 1}'.encode("utf-16"), "line 1", "UTF-8", id="safety-19 UTF-16"),
    pytest.param('{"a": 1}'.encode("utf-32"), "line 1", "UTF-8", id="safety-19 UTF-32"),
    pytest.param('{"a": 1}'.encode("utf-16-le"), "line 1, column 2", "", id="safety-19 UTF-16 without a mark"),
    pytest.param(b'{\n\n"a": "\xe9"}', "line 3", "UTF-8", id="safety-20 latin-1"),
    pytest.param(b'{"a": ' + b"[" * 100_000, "line 1, column 7", "nested", id="safety-22 deep"),
    pytest.param(b'{"a": ' + b'{"a":' * 100_000, "line 1", "nested", id="safety-22 deep objects"),
    pytest.param(b'{"a": "x\ty"}', "line 1, column 9", "control character", id="safety-26 raw tab"),
    pytest.param(b'{"a": "x\ny"}', "line 1, column 9", "control character", id="safety-26 raw line break"),
    pytest.param(b'{"a": 1} x', "line 1, column 10", "after the end", id="safety-27 more text"),
    pytest.param(b'{"a": 1}{"a": 1}', "line 1, column 9", "after the end", id="safety-27 two documents"),
]  # fmt: skip
# What stays byte for byte beside a pin, and is all there is when the pin is gone.
KEPT = [
    pytest.param(b"", id="safety-2 empty"),
    pytest.param(b" \n\t\n", id="safety-2 blank"),
    pytest.param(b'{"env": {"N": 1, "B": true, "Z": null, "O": {"a": [1]}}}', id="safety-12 values that are no text"),
    pytest.param(b'{"a": [1e400, 12345678901234567890, 1.10, 1.0, -0.0]}', id="safety-14 numbers"),
    pytest.param(b'{"a": ' + b"9" * 5000 + b"}", id="safety-15 a number of 5000 digits"),
    pytest.param(rb'{"a": "\ud800", "env": {"B": "\udc00x"}}', id="safety-16 half a surrogate pair"),
    pytest.param(b'\xef\xbb\xbf{"a": 1}', id="safety-17 byte order mark"),
    pytest.param(b'{\r\n  "a": 1\r\n}\r\n', id="safety-18 CRLF"),
    pytest.param(b'{"a": "' + b"x" * MIB + b'"}', id="safety-21 1 MiB"),
    pytest.param(b'{\n\t"a": 1,\n\t"env": {\n\t\t"B": ""\n\t}\n}\n', id="safety-23 tabs"),
    pytest.param(b'{\n    "a": {\n        "b": []\n    }\n}', id="safety-23 four spaces, no final newline"),
    pytest.param(b'{"a":1,"env":{"B":"x"},"c":[]}', id="safety-23 minified"),
    pytest.param('{"ä": "☃ 😀", "env": {"Ü": "é"}}'.encode(), id="safety-24 not ASCII"),
    pytest.param(rb'{"__proto__": 1, "": 2, "a.b": 3, "q\"q": 4, "env": {"": "", "a b": ""}}', id="safety-25 keys"),
]  # fmt: skip

Go = Callable[..., Ended]


@pytest.fixture(scope="module")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warm]:
    """A process that runs commands quickly, with a home of its own and a key."""
    home = tmp_path_factory.mktemp("warm") / "home"
    home.mkdir()
    with Warm(environ(home)) as warm:
        yield warm


@pytest.fixture
def go(warm: Warm, repo: Path) -> Go:
    """Run a command in the repository."""

    def run(*arguments: str, **env: str) -> Ended:
        ended = warm.run(*arguments, cwd=repo, **env)
        assert "Traceback" not in ended.err, ended
        assert "a bug in llmswitch" not in ended.err, ended
        return ended

    return run


@pytest.mark.parametrize("command", [["openrouter"], ["openrouter", "-n"], ["claude"]], ids=" ".join)
@pytest.mark.parametrize(("content", "where", "why"), REFUSED)
def test_what_claude_code_ignores_is_named_and_kept(
    go: Go, repo: Path, content: bytes, where: str, why: str, command: list[str]
) -> None:
    """Exit 1 with file, line and column; a dry run says the same; not a byte changes."""
    path = write(repo, content)
    ended = go(*command)
    assert ended.code == 1, ended
    assert str(path) in ended.err
    assert where in ended.err
    assert why in ended.err
    assert "Nothing was changed." in ended.err
    assert path.read_bytes() == content
    assert os.listdir(path.parent) == [path.name]


@pytest.mark.parametrize("content", KEPT)
def test_what_is_valid_stays_beside_a_pin_and_after_it(go: Go, repo: Path, content: bytes) -> None:
    """Each member but ours has its own bytes; without the pin the file is the first one."""
    path = write(repo, content)
    before = sorted(_lines(content))
    assert go("openrouter").code == 0
    pinned = path.read_bytes()
    assert KEY.encode() in pinned
    assert pinned.startswith(b"\xef\xbb\xbf") == content.startswith(b"\xef\xbb\xbf")
    assert (b"\r\n" in pinned) == (b"\r\n" in content)
    assert all(line in pinned for line in before)
    assert go("deepseek").code == 0
    assert go("claude").code == 0
    assert path.read_bytes() == content


def _lines(content: bytes) -> list[bytes]:
    """Return the pieces between braces, commas and line ends, which hold keys and values as they are written."""
    for cut in b"{}\r\n,":
        content = content.replace(bytes([cut]), b"\n")
    return [piece.strip() for piece in content.split(b"\n")]


def test_a_file_that_is_not_there_is_made_private(go: Go, repo: Path) -> None:
    """safety-1, safety-39: folder 0755 less the umask, file 0600 whatever the umask."""
    for umask in (0o000, 0o022, 0o077):
        assert go("openrouter", UMASK=oct(umask)).code == 0
        assert stat.S_IMODE(settings_of(repo).stat().st_mode) == 0o600
        assert stat.S_IMODE(settings_of(repo).parent.stat().st_mode) == 0o755 & ~umask
        assert go("claude").code == 0
        settings_of(repo).parent.rmdir()  # empty


def test_more_than_16_mib_is_refused(go: Go, repo: Path) -> None:
    """safety-21: unread."""
    path = write(repo, b'{"a": "' + b"x" * 16 * MIB + b'"}')
    size = path.stat().st_size
    ended = go("openrouter")
    assert ended.code == 1
    assert str(path) in ended.err
    assert "16 MiB" in ended.err
    assert path.stat().st_size == size


def test_values_that_are_no_text_are_compared_as_text(go: Go, repo: Path) -> None:
    """safety-12: as Claude Code reads them; a displaced one comes back as it was written."""
    content = b'{"env": {"CLAUDE_CODE_ATTRIBUTION_HEADER": 1, "API_TIMEOUT_MS": null}}'
    path = write(repo, content)
    ended = go("openrouter")
    assert ended.code == 0
    assert any("CLAUDE_CODE_ATTRIBUTION_HEADER" in line and "1  →  0" in line for line in ended.out.splitlines()), ended
    assert json.loads(path.read_text())["env"]["API_TIMEOUT_MS"] is None
    assert go("claude").code == 0
    assert path.read_bytes() == content


@pytest.mark.parametrize("dry", [[], ["-n"]], ids=["real", "dry"])
def test_half_a_character_is_not_written(go: Go, repo: Path, tmp_path: Path, dry: list[str]) -> None:
    """safety-16: neither from a preset's escape nor from an argument that is not UTF-8."""
    path = write(repo, b"{}")
    presets = tmp_path / "config" / "presets"
    presets.mkdir(parents=True)
    (presets / "broken.json5").write_text(r'{"extends": "openrouter", "slots": {"haiku": "a\ud800b"}}')
    for arguments in (["broken"], ["openrouter", "--haiku", "a\udcffb"]):
        ended = go(*arguments, *dry, LLMSWITCH_HOME=str(tmp_path / "config"))
        assert ended.code in (1, 2), ended
        assert "cannot be encoded" in ended.err
        assert path.read_bytes() == b"{}"


def test_a_path_that_is_no_text_can_be_shown(warm: Warm, tmp_path: Path) -> None:
    """safety-100: a folder's name may be any bytes."""
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9"))
    folder.mkdir()
    for arguments in (["openrouter"], ["status"], ["status", "--json"], ["claude"]):
        ended = warm.run(*arguments, cwd=folder)
        assert ended.code == 0, ended
    assert not settings_of(folder).exists()
