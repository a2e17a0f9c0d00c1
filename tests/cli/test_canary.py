"""A canary key goes through every command, and may turn up in the settings file and from print-key alone."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Cli, Reply, settings_of
from support.secret_service import SecretService
from support.terminal import Terminal

BODY = hashlib.sha256(b"the canary of llmswitch").hexdigest()
CANARY = f"sk-or-v1-{BODY}"
# A key of a provider that puts no prefix before its keys.
PLAIN = hashlib.sha256(b"the canary without a prefix").hexdigest()[:48]
VARIABLE = "LLMSWITCH_KEY_OPENROUTER"
PIECE = 12  # characters of a key that are too many; a mask shows four
# A git that notes the arguments and the environment it was given, and goes on as git.
RECORDER = f"""#!/bin/sh
{{ printf '%s\\n' "$@"; env | grep -v '^{VARIABLE}='; }} >>"$LLMSWITCH_TEST_LOG"
exec "$LLMSWITCH_TEST_GIT" "$@"
"""

STATUS = [[], ["status"], ["status", "--json"], ["status", "--short"], ["status", "--check"]]
READING = [
    *STATUS, ["list"], ["list", "--json"], ["show", "openrouter"], ["show", "openrouter", "--json"], ["keys"],
    ["keys", "list"], ["--help"], ["openrouter", "--help"], ["--version"],
]  # fmt: skip
SWITCHES = [
    ["openrouter"], ["openrouter"], ["deepseek"], ["openrouter", "--model", "vendor/model", "--start", "opus"],
    ["use", "devstral"], ["openrouter", "--base-url", "https://elsewhere.example", "--anyway"],
]  # fmt: skip
WRONG = [
    (2, ["no-such-preset"]), (2, ["openrouter", "--no-such"]), (2, ["openrouter", "--haiku"]),
    (2, ["openrouter", "too", "many"]), (2, ["save-key", "No Name"]), (2, ["save-key", "claude"]), (2, ["show"]),
    (2, ["openrouter", "--start", "nowhere"]), (5, ["openrouter", "--base-url", "https://elsewhere.example"]),
]  # fmt: skip
MISTAKES = [
    ["{}"], ["save-key", "{}"], ["save-key", "openrouter", "{}"], ["openrouter", "{}"], ["use", "{}"],
    ["use", "openrouter", "{}"], ["openrouter", "--key", "{}"], ["openrouter", "--key={}"],
    ["openrouter", "--key-stdin", "{}"], ["openrouter", "--adopt-key", "{}"], ["openrouter", "--start", "{}"],
    ["print-key", "{}"], ["keys", "delete", "{}"], ["keys", "{}"], ["show", "{}"], ["status", "{}"], ["--{}"],
]  # fmt: skip
# Where any long word may stand, so that only a provider's prefix tells that it is a key.
MISTAKES_TOLD_BY_THE_PREFIX = [
    ["--haiku", "{}"], ["openrouter", "--haiku", "{}"], ["openrouter", "--model={}"], ["OPENROUTER_API_KEY={}"],
    ["openrouter", "--base-url", "https://{}@openrouter.ai/api"], ["openrouter", "--base-url", "https://a.b/{}"],
    ["openrouter", "-w", "{}"], ["save-key", "Bearer {}"],
]  # fmt: skip
# Where a key of the user's own may stand in the file: as JSON, and as something that is none.
USERS_OWN = {
    "token": '{{"env": {{"ANTHROPIC_AUTH_TOKEN": "{}"}}}}',
    "api key": '{{"env": {{"ANTHROPIC_API_KEY": "{}"}}}}',
    "url": '{{"env": {{"ANTHROPIC_BASE_URL": "https://{}@a.example/"}}}}',
    "url of a user": '{{"env": {{"ANTHROPIC_BASE_URL": "https://user:{}@a.example/"}}}}',
    "headers": '{{"env": {{"ANTHROPIC_CUSTOM_HEADERS": "Authorization: Bearer {}"}}}}',
    "extra body": '{{"env": {{"CLAUDE_CODE_EXTRA_BODY": "{{\\"key\\": \\"{}\\"}}"}}}}',
    "a variable we do not know": '{{"env": {{"OPENROUTER_API_KEY": "{}"}}}}',
    "helper": '{{"apiKeyHelper": "echo {}"}}',
    "a member of no meaning": '{{"{0}": "{0}", "env": {{"{0}": "{0}"}}}}',
    "not a text": '{{"env": {{"ANTHROPIC_AUTH_TOKEN": ["{}"]}}}}',
    "no quotes": '{{"env": {{"ANTHROPIC_AUTH_TOKEN": {}}}}}',
    "cut off": '{{"env": {{"ANTHROPIC_AUTH_TOKEN": "{}',
    "twice": '{{"env": {{"ANTHROPIC_AUTH_TOKEN": "{0}", "ANTHROPIC_AUTH_TOKEN": "{0}"}}}}',
    "nothing else": "{}",
}


def traces(key: str) -> list[bytes]:
    """Return what gives a key away: any piece of it, and the whole in another form."""
    body = key.removeprefix("sk-or-v1-")
    whole = key.encode()
    pieces = [body[at : at + PIECE] for at in range(len(body) - PIECE + 1)]
    codes = [base64.b64encode(whole).decode(), whole.hex(), hashlib.sha256(whole).hexdigest()]
    return [text.encode() for text in [*pieces, *codes]]


def gives_away(data: bytes, key: str = CANARY) -> bool:
    """Say whether there is a trace of the key in the data."""
    return any(trace in data for trace in traces(key))


def files(folder: Path) -> list[Path]:
    """Return all plain files below a folder."""
    return [path for path in folder.rglob("*") if stat.S_ISREG(path.lstat().st_mode)]


class Nest:
    """A user's whole machine, in one folder, and the search of it."""

    def __init__(self, root: Path, repo: Path, cli: Cli) -> None:
        self.root, self.repo, self.cli = root, repo, cli

    def run(self, *arguments: str, text: str = "", **env: str) -> Reply:
        """Run a command, and check that neither its output nor a file it leaves has the key."""
        reply = self.cli(*arguments, cwd=self.repo, text=text, env=env)
        assert not gives_away(str(reply).encode()), f"{arguments}: {reply}"
        self.search(*arguments)
        return reply

    def pin(self, *arguments: str, **env: str) -> None:
        """Run a switch, and check that the settings file has the key and nobody else can read it."""
        reply = self.run(*arguments, **env)
        assert reply.code == 0, f"{arguments}: {reply}"
        if "-n" not in arguments:
            path = settings_of(self.repo)
            assert json.loads(path.read_bytes())["env"]["ANTHROPIC_AUTH_TOKEN"] == CANARY
            assert stat.S_IMODE(path.stat().st_mode) == 0o600

    def read(self, commands: list[list[str]], **given: str) -> None:
        """Run commands that only read, as run() does."""
        for arguments in commands:
            reply = self.run(*arguments, **given)
            assert reply.code in (0, 3), f"{arguments}: {reply}"

    def search(self, *arguments: str, key: str = CANARY, allowed: tuple[Path, ...] = ()) -> None:
        """Check that no file but the settings file has the key, and that no temporary file is left."""
        keyring = self.root / "service" / "xdg_data_home" / "keyrings"
        spared = {settings_of(self.repo), *allowed, *files(keyring)}
        found = [path for path in files(self.root) if path not in spared and gives_away(path.read_bytes(), key)]
        assert found == [], arguments
        named = [path for path in self.root.rglob("*") if gives_away(os.fsencode(path.name), key)]
        assert named == [], arguments
        assert [path.name for path in self.root.rglob(".llmswitch-*")] == [], arguments


@pytest.fixture
def nest(tmp_path: Path, repo: Path, cli: Cli, sealed: dict[str, str]) -> Nest:
    """A machine with a git that notes what it is given, and folders of llmswitch's own."""
    recorder = tmp_path / "bin" / "git"
    recorder.parent.mkdir()
    recorder.write_text(RECORDER)
    recorder.chmod(0o755)
    sealed["LLMSWITCH_TEST_GIT"] = shutil.which("git") or ""
    sealed["LLMSWITCH_TEST_LOG"] = str(tmp_path / "git.log")
    sealed["LLMSWITCH_HOME"] = str(tmp_path / "llmswitch")
    sealed["PATH"] = f"{recorder.parent}{os.pathsep}{sealed['PATH']}"
    return Nest(tmp_path, repo, cli)


def go_around(nest: Nest, *options: str, **given: str) -> None:
    """Run every command with the key from one source: before a pin, with one, and after it."""
    nest.read(READING, **given)
    for arguments in SWITCHES:
        nest.pin(*arguments, "-n", **given)
        nest.pin(*arguments, *options, **given)
        nest.read(STATUS, **given)
    nest.read(READING, **given)
    for code, arguments in WRONG:
        reply = nest.run(*arguments, **given)
        assert reply.code == code, f"{arguments}: {reply}"
    nest.run("claude", "-n", **given)
    assert nest.run("claude", **given).code == 0
    assert not settings_of(nest.repo).exists()
    nest.read(READING, **given)
    log = (nest.root / "git.log").read_text()
    assert "rev-parse" in log  # the recorder was asked, and its log is among the files that are searched


def test_key_from_the_environment(nest: Nest) -> None:
    """A variable of the shell gives the key."""
    go_around(nest, **{VARIABLE: CANARY})
    reply = nest.cli("print-key", "openrouter", env={VARIABLE: CANARY})
    assert (reply.out, reply.err) == (f"{CANARY}\n", "")


def test_key_from_standard_input(nest: Nest) -> None:
    """The key is piped in for each pin; the commands that take none have it waiting all the same."""
    go_around(nest, "--key-stdin", text=CANARY)


def test_key_from_the_keyring(nest: Nest, service: SecretService) -> None:
    """The key is saved once."""
    assert nest.run("save-key", text=f"Bearer {CANARY}\n").code == 0
    go_around(nest)
    assert nest.run("save-key", "deepseek", text=CANARY).code == 0
    reply = nest.cli("print-key", "deepseek")
    assert (reply.out, reply.err) == (f"{CANARY}\n", "")
    assert nest.run("keys", "delete", "openrouter").code == 0
    assert nest.run("openrouter").code == 4


def test_key_from_a_command(nest: Nest) -> None:
    """A password manager gives the key, or too much, or fails."""
    vault = nest.root / "bin" / "vault"
    preset = nest.root / "llmswitch" / "presets" / "mine.json5"
    preset.parent.mkdir(parents=True)
    preset.write_text(json.dumps({"extends": "openrouter", "key_from": {"command": [str(vault)]}}))
    # The key comes from a variable, so that no file of the test's own has it.
    for line, code in (('echo "$VAULT"', 0), ('echo "$VAULT"; echo "$VAULT"', 4), ('echo "$VAULT"; exit 1', 4)):
        vault.write_text(f"#!/bin/sh\n{line}\n")
        vault.chmod(0o755)
        # So every child has it in its environment, which is then not noted.
        assert nest.run("mine", VAULT=CANARY, LLMSWITCH_TEST_LOG=os.devnull).code == code
    nest.read(READING, VAULT=CANARY, LLMSWITCH_TEST_LOG=os.devnull)


def test_key_typed_on_a_terminal(nest: Nest, service: SecretService, sealed: dict[str, str]) -> None:
    """The terminal shows nothing of it, and while the keyring takes its time no command line has it."""
    with Terminal([sys.executable, "-m", "llmswitch", "openrouter"], nest.repo, sealed) as terminal:
        terminal.expect("openrouter key: ")
        service.stop_daemon()
        terminal.send(f"{CANARY}\n")
        terminal.expect("Waiting for your keyring")
        lines = command_lines()
        nest.search("while waiting")
        service.resume_daemon()
        assert terminal.wait() == 0, terminal.output
    assert any(b"llmswitch\0openrouter" in line for line in lines)
    assert not any(gives_away(line) for line in lines)
    assert not gives_away(terminal.output.encode())
    assert service.secret_tool_lookup("llmswitch:openrouter", "openrouter") == CANARY
    nest.search("after it")


def command_lines() -> list[bytes]:
    """Return the command lines of all processes that can be seen."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(path.read_bytes())
        except OSError:  # ended
            continue
    return found


# A key as an argument


@pytest.mark.parametrize("arguments", [*MISTAKES, *MISTAKES_TOLD_BY_THE_PREFIX], ids=" ".join)
def test_a_key_as_an_argument(arguments: list[str], nest: Nest) -> None:
    """safety-83: It is too late to hide it, so the error says to revoke it, and does not repeat it."""
    reply = nest.run(*(word.replace("{}", CANARY) for word in arguments), text=CANARY)
    assert reply.code == 2, reply
    assert reply.out == ""
    assert "revoke" in reply.err
    assert not settings_of(nest.repo).exists()
    assert not (nest.root / "git.log").exists()


@pytest.mark.parametrize("arguments", MISTAKES, ids=" ".join)
def test_a_key_without_a_prefix_as_an_argument(arguments: list[str], nest: Nest, service: SecretService) -> None:
    """Where the word may be no key it may be refused for another reason, but it is not repeated or kept."""
    reply = nest.run(*(word.replace("{}", PLAIN) for word in arguments), text=CANARY)
    assert reply.code != 0, reply
    assert not gives_away(str(reply).encode(), PLAIN), reply
    nest.search(*arguments, key=PLAIN)


# A key of the user's own in the file


@pytest.fixture(params=USERS_OWN)
def own(request: pytest.FixtureRequest, nest: Nest) -> Nest:
    """A machine whose settings file has a key that llmswitch did not write."""
    path = settings_of(nest.repo)
    path.parent.mkdir()
    path.write_text(USERS_OWN[request.param].format(CANARY))
    return nest


def test_reading_a_file_with_a_key_of_the_users(own: Nest) -> None:
    """safety-84: Whatever state the file is in, what is said about it has no key."""
    doctor = [["doctor", "--history", "--probe"], ["doctor", "--fix", "--json"], ["statusline"]]
    for arguments in [*STATUS, ["list"], ["keys"], ["save-key"], *doctor]:
        own.run(*arguments)


@pytest.mark.parametrize("options", [["-n"], [], ["--discard-key"]], ids=" ".join)
@pytest.mark.parametrize("preset", ["openrouter", "claude"])
def test_switching_a_file_with_a_key_of_the_users(preset: str, options: list[str], own: Nest) -> None:
    """Refused or replaced, the key is neither shown nor put into a state of ours."""
    before = settings_of(own.repo).read_bytes()
    other = {VARIABLE: "sk-or-v1-something-else-0123456789"}
    reply = own.run(preset, *options, **other)
    if reply.code or "-n" in options:
        assert settings_of(own.repo).read_bytes() == before
    for arguments in (["status"], ["status", "--json"], ["claude"]):
        own.run(*arguments, **other)


def test_adopting_a_key_of_the_users(nest: Nest, service: SecretService) -> None:
    """It moves into the keyring, under a name that is said; the key itself is not."""
    path = settings_of(nest.repo)
    path.parent.mkdir()
    env = {"ANTHROPIC_BASE_URL": "https://openrouter.ai/api", "ANTHROPIC_AUTH_TOKEN": CANARY}
    path.write_text(json.dumps({"env": env}))
    nest.pin("openrouter", "--adopt-key", "openrouter")
    assert service.secret_tool_lookup("llmswitch:openrouter", "openrouter") == CANARY


# A key in a preset


@pytest.mark.parametrize(
    "fields",
    [
        '{{"extends": "openrouter", "env": {{"TOKEN": "{}"}}}}',
        '{{"extends": "openrouter", "slots": {{"haiku": "{}"}}}}',
        '{{"extends": "openrouter", "key": "{}"}}',
        '{{"extends": "openrouter", "api_key": "{}"}}',
        '{{"extends": "openrouter", "title": "{}"}}',
        '{{"extends": "openrouter", "notes": ["{}"]}}',
        '{{"extends": "{}"}}',
        '{{"extends": "openrouter", "base_url": "https://{}@openrouter.ai/api"}}',
        '{{"extends": "openrouter", "key_from": {{"env": "{}"}}}}',
        '{{"extends": "openrouter", "key_from": {{"command": ["echo", "{}"]}}}}',
        '{{"extends": "openrouter", "key_from": "{}"}}',
        '{{"extends": "openrouter", "key_prefix": "{}"}}',
        '{{"extends": "openrouter", "env": {{"TOKEN": {}}}}}',
        '{{"extends": "openrouter", "env": {{"TOKEN": "{}',
        "{}",
    ],
)
def test_a_key_in_a_preset(fields: str, nest: Nest) -> None:
    """safety-84: A preset holds no key; the error names file and field, and does not repeat it."""
    preset = nest.root / "llmswitch" / "presets" / "mine.json5"
    preset.parent.mkdir(parents=True)
    preset.write_text(fields.format(CANARY))
    for arguments in (["mine"], ["mine", "-n"], ["show", "mine"], ["show", "mine", "--json"], ["list"], ["keys"]):
        reply = nest.cli(*arguments, cwd=nest.repo, env={VARIABLE: "sk-or-v1-something-else-0123456789"})
        assert not gives_away(str(reply).encode()), f"{arguments}: {reply}"
        nest.search(*arguments, allowed=(preset,))


# The search itself


@pytest.mark.parametrize(
    "make", [lambda key: key, lambda key: key[20:40], lambda key: key.encode().hex()], ids=["whole", "part", "hex"]
)
def test_the_search_finds(make: Callable[[str], str], nest: Nest) -> None:
    """A key that leaks in whole, in part or in another form is found."""
    (nest.repo / ".git" / "leak").write_text(f"before {make(CANARY)} after")
    with pytest.raises(AssertionError):
        nest.search()


def test_the_search_lets_a_mask_pass() -> None:
    """The last four characters are what a mask may show."""
    assert not gives_away(f"sk-or-v1-********{CANARY[-4:]}".encode())
