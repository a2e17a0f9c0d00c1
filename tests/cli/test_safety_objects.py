"""What may lie where the settings file should be: links, other people's files, odd objects; and its mode."""

from __future__ import annotations

import contextlib
import importlib
import os
import shlex
import shutil
import socket
import stat
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import Cli, Reply, git, require, settings_of
from support.programs import absent, require_root
from support.tree import SOURCE
from test_switch import write

from llmswitch.base.errors import LlmswitchError, Refused
from llmswitch.settings.change import Change
from llmswitch.settings.file import SettingsFile
from llmswitch.settings.settings import Settings
from llmswitch.settings.state import Record

NOBODY = 65534
dry = pytest.mark.parametrize("dry", [[], ["-n"]], ids=["real", "dry"])


def refused(reply: Reply, code: int, *words: object) -> None:
    """Check the exit code, that the words are there, and that the user hears that nothing happened."""
    assert reply.code == code, reply
    assert all(str(word) in reply.err for word in words), reply
    assert "Nothing was changed." in reply.err


def linked(path: Path, target: Path | str) -> Path:
    """Make a symbolic link, with the folder for it."""
    path.parent.mkdir(exist_ok=True)
    path.symlink_to(target)
    return path


@dry
def test_a_linked_file_is_refused_and_anyway_writes_what_it_leads_to(
    cli: Cli, repo: Path, key: str, tmp_path: Path, dry: list[str]
) -> None:
    """safety-28: the link stays a link, and what it leads to is private."""
    shared = tmp_path / "shared.json"
    shared.write_text('{"a": 1}')
    link = linked(settings_of(repo), shared)
    refused(cli("openrouter", *dry, cwd=repo), 5, link, shared, "--anyway")
    assert shared.read_text() == '{"a": 1}'
    reply = cli("openrouter", "--anyway", *dry, cwd=repo)
    assert reply.code == 0, reply
    assert link.is_symlink()
    assert (key in shared.read_text()) == (not dry)
    assert cli("claude", "--anyway", cwd=repo).code == 0
    assert shared.read_text() == '{"a": 1}'


def test_a_linked_folder_is_as_a_linked_file(cli: Cli, repo: Path, key: str, tmp_path: Path) -> None:
    """safety-30: refused by name; --anyway writes into the folder it leads to and leaves nothing else there."""
    shared = tmp_path / "shared"
    shared.mkdir()
    linked(repo / ".claude", shared)
    refused(cli("openrouter", cwd=repo), 5, repo / ".claude", shared)
    assert cli("openrouter", "--anyway", cwd=repo).code == 0
    assert os.listdir(shared) == ["settings.local.json"]
    assert (repo / ".claude").is_symlink()


@dry
def test_a_folder_that_is_a_link_to_nothing(cli: Cli, repo: Path, key: str, tmp_path: Path, dry: list[str]) -> None:
    """safety-30: it is called that, and what the refusal says to type makes room."""
    linked(repo / ".claude", tmp_path / "gone away")
    reply = cli("openrouter", *dry, cwd=repo)
    refused(reply, 5, f"{tmp_path / 'gone away'}, which is not there")
    assert not (tmp_path / "gone away").exists()
    command = shlex.split(reply.err.strip().rpartition("Remove the link: ")[2])
    assert command == ["rm", str(repo / ".claude")]
    (repo / ".claude").unlink()
    assert cli("openrouter", *dry, cwd=repo).code == 0


def test_a_link_that_git_tracks_is_refused_always(cli: Cli, repo: Path, key: str, tmp_path: Path) -> None:
    """safety-28: everybody's checkout has it."""
    shared = tmp_path / "shared.json"
    shared.write_text("{}")
    linked(settings_of(repo), shared)
    git(repo, "add", "-f", ".claude/settings.local.json")
    refused(cli("openrouter", "--anyway", cwd=repo), 5, settings_of(repo))
    assert shared.read_text() == "{}"


@pytest.mark.parametrize("tracked", [True, False], ids=["tracked", "not ignored"])
def test_a_link_into_another_repository_is_refused_where_the_key_could_be_committed(
    cli: Cli, repo: Path, key: str, tmp_path: Path, tracked: bool
) -> None:
    """safety-28: a dotfiles repository; once it ignores the file, --anyway goes."""
    dotfiles = tmp_path / "dotfiles"
    git(tmp_path, "init", "--quiet", str(dotfiles))
    shared = dotfiles / "claude.json"
    shared.write_text("{}")
    if tracked:
        git(dotfiles, "add", "claude.json")
    linked(settings_of(repo), shared)
    refused(cli("openrouter", "--anyway", cwd=repo), 5, shared)
    assert shared.read_text() == "{}"
    git(dotfiles, "rm", "--quiet", "--cached", "--ignore-unmatch", "claude.json")
    (dotfiles / ".git" / "info" / "exclude").write_text("/claude.json\n/.llmswitch-*\n")
    assert cli("openrouter", "--anyway", cwd=repo).code == 0
    assert git(dotfiles, "status", "--porcelain") == ""


def test_two_links_to_one_file_have_one_lock(cli: Cli, repo: Path, key: str, tmp_path: Path) -> None:
    """safety-28: whichever worktree the switch is made in."""
    shared = tmp_path / "shared.json"
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        linked(settings_of(tmp_path / name), shared)
        assert cli("openrouter", "--anyway", cwd=tmp_path / name).code == 0
    locks = Path(os.environ["HOME"], ".local/state/llmswitch/locks")
    assert len(list(locks.iterdir())) == 1


@pytest.mark.parametrize(("target", "code"), [("nowhere.json", 5), ("second", 5), ("settings.local.json", 1)])
@dry
def test_a_link_to_nothing_or_in_a_circle(
    cli: Cli, repo: Path, key: str, target: str, code: int, dry: list[str]
) -> None:
    """safety-29: dangling, a chain, a loop."""
    linked(settings_of(repo), target)
    (repo / ".claude" / "second").symlink_to("third")
    refused(cli("openrouter", *dry, cwd=repo), code, settings_of(repo))
    assert sorted(os.listdir(repo / ".claude")) == ["second", "settings.local.json"]


@dry
@pytest.mark.parametrize("command", ["openrouter", "claude"])
def test_a_file_in_the_folders_place(cli: Cli, repo: Path, key: str, command: str, dry: list[str]) -> None:
    """safety-31: named and kept."""
    (repo / ".claude").write_text("mine")
    refused(cli(command, *dry, cwd=repo), 1, repo / ".claude")
    assert (repo / ".claude").read_text() == "mine"


def a_socket(path: Path) -> None:
    """Bind a socket; by a short name, since its path may not be long."""
    with contextlib.chdir(path.parent), socket.socket(socket.AF_UNIX) as bound:
        bound.bind(path.name)


def a_device(path: Path) -> None:
    """Make the node of a null device."""
    require_root("to make a device")
    os.mknod(path, 0o600 | stat.S_IFCHR, os.makedev(1, 3))


@dry
@pytest.mark.parametrize(
    "make", [Path.mkdir, os.mkfifo, a_socket, a_device], ids=["folder", "FIFO", "socket", "device"]
)
def test_what_is_no_file_does_not_block(
    cli: Cli, repo: Path, key: str, make: Callable[[Path], None], dry: list[str]
) -> None:
    """safety-32: named, exit 1, at once."""
    (repo / ".claude").mkdir()
    make(settings_of(repo))
    refused(cli("openrouter", *dry, cwd=repo), 1, settings_of(repo))


@dry
def test_a_hard_link_is_refused(cli: Cli, repo: Path, key: str, dry: list[str]) -> None:
    """safety-33: a rename would split the two."""
    write(repo, "{}")
    os.link(settings_of(repo), repo / "second")
    refused(cli("openrouter", *dry, cwd=repo), 5, settings_of(repo), "hard link")
    assert (repo / "second").read_text() == "{}"


@dry
def test_a_read_only_file_is_refused(cli: Cli, repo: Path, key: str, dry: list[str]) -> None:
    """safety-35: a rename would succeed, but the user said not to write; the message says how to allow it."""
    write(repo, "{}").chmod(0o400)
    refused(cli("openrouter", *dry, cwd=repo), 5, settings_of(repo), "chmod u+w")
    assert settings_of(repo).read_text() == "{}"


def test_all_is_refused_before_the_first_write(cli: Cli, repo: Path, key: str, tmp_path: Path) -> None:
    """safety-33: where one of several cannot be switched, none is."""
    other = tmp_path / "other"
    git(repo, "worktree", "add", "--quiet", "--detach", str(other))
    write(other, "{}")
    os.link(settings_of(other), other / "second")
    refused(cli("openrouter", "--all", cwd=repo), 5, settings_of(other))
    assert not settings_of(repo).exists()


# As a user who is not root


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that every user can reach, with a settings file; made by root where the tests run as root."""
    with tempfile.TemporaryDirectory(dir="/tmp") as path:
        os.chmod(path, 0o777)
        write(Path(path), '{"a": 1}')
        yield Path(path)


@contextlib.contextmanager
def as_user(number: int = NOBODY) -> Iterator[None]:
    """Act as another user for a while, where root can; what is imported late that user may not be able to read."""
    require_root("to be two users")
    for folder in ("base", "worktrees", "claude", "settings"):
        for path in Path(SOURCE, "llmswitch", folder).glob("[!_]*.py"):
            importlib.import_module(f"llmswitch.{folder}.{path.stem}")
    os.setegid(number)
    os.seteuid(number)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


def add(settings: Settings | None) -> Change:
    """Add one variable."""
    return Change(settings, (settings or Settings("{}")).with_members({"A": '"x"'}), Record())


def switch(folder: Path) -> bool:
    """Change the settings file of a folder."""
    file = SettingsFile(str(folder), str(folder / "locks"))
    return file.change(add, True, lambda change: None)[1]


def test_another_users_file_or_folder_is_refused(folder: Path) -> None:
    """safety-34: a rename would take it over."""
    require_root("to be two users")
    path = settings_of(folder)
    path.chmod(0o666)
    path.parent.chmod(0o777)
    with as_user(), pytest.raises(Refused, match=r"\.claude belongs to another user \(uid 0\)"):
        switch(folder)
    os.chown(path.parent, NOBODY, NOBODY)
    with as_user(), pytest.raises(Refused, match=r"json belongs to another user \(uid 0\)"):
        switch(folder)
    assert path.read_text() == '{"a": 1}'
    assert path.stat().st_uid == 0


def test_root_leaves_a_users_file_the_users(folder: Path) -> None:
    """safety-34: as `sudo llmswitch` would; a new file and a new folder belong to whom the folder above does."""
    require_root("to be two users")
    for path in (folder, folder / ".claude", settings_of(folder)):
        os.chown(path, NOBODY, NOBODY)
    assert switch(folder) is True
    assert (settings_of(folder).stat().st_uid, settings_of(folder).stat().st_gid) == (NOBODY, NOBODY)
    shutil.rmtree(folder / ".claude")
    assert switch(folder) is True
    assert settings_of(folder).parent.stat().st_uid == settings_of(folder).stat().st_uid == NOBODY


@pytest.mark.parametrize(("mode", "why"), [(0o555, "cannot write it"), (0o000, "cannot read it")])
def test_a_folder_that_may_not_be_written_or_entered(folder: Path, mode: int, why: str) -> None:
    """safety-36: exit 1, with the file's name."""
    require_root("to be two users")
    for path in (folder / ".claude", settings_of(folder)):
        os.chown(path, NOBODY, NOBODY)
    (folder / ".claude").chmod(mode)
    with as_user(), pytest.raises(LlmswitchError) as caught:
        switch(folder)
    assert str(settings_of(folder)) in str(caught.value)
    assert why in str(caught.value)
    assert caught.value.exit_code == 1
    assert settings_of(folder).read_text() == '{"a": 1}'


def test_a_file_that_may_not_be_read(folder: Path) -> None:
    """safety-36: exit 1, with the file's name; not even its mode changes."""
    require_root("to be two users")
    for path in (folder / ".claude", settings_of(folder)):
        os.chown(path, NOBODY, NOBODY)
    settings_of(folder).chmod(0o200)
    with as_user(), pytest.raises(LlmswitchError, match="cannot read it: Permission denied") as caught:
        switch(folder)
    assert caught.value.exit_code == 1
    assert stat.S_IMODE(settings_of(folder).stat().st_mode) == 0o200


def test_extended_attributes_stay_and_an_access_list_goes(folder: Path) -> None:
    """safety-40: a rename would drop the first; the second could let others read the key."""
    path = settings_of(folder)
    try:
        os.setxattr(path, "user.note", b"mine")
    except OSError as error:
        require(f"no extended attributes in /tmp: {error.strerror}")
    # POSIX access list, version 2: u::rw-, u:65534:r--, g::r--, m::r--, o::---
    entries = [(1, 6, 0xFFFFFFFF), (2, 4, NOBODY), (4, 4, 0xFFFFFFFF), (16, 4, 0xFFFFFFFF), (32, 0, 0xFFFFFFFF)]
    packed = b"".join(
        tag.to_bytes(2, "little") + right.to_bytes(2, "little") + who.to_bytes(4, "little")
        for tag, right, who in entries
    )
    with contextlib.suppress(OSError):  # a file system without them has none to drop
        os.setxattr(path, "system.posix_acl_access", (2).to_bytes(4, "little") + packed)
    assert switch(folder) is True
    assert os.getxattr(path, "user.note") == b"mine"
    assert "system.posix_acl_access" not in os.listxattr(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_times_decide_nothing(folder: Path) -> None:
    """safety-55: a foreign write of the same length that keeps the file's time is seen all the same."""
    path = settings_of(folder)
    times = (path.stat().st_atime_ns, path.stat().st_mtime_ns)
    others = ['{"a": 2}', None]

    def commit(change: Change) -> None:
        if theirs := others.pop(0) if others else None:
            path.write_text(theirs)
            os.utime(path, ns=times)

    file = SettingsFile(str(folder), str(folder / "locks"))
    assert file.change(add, True, commit)[1]
    assert Settings(path.read_text()).top("a") == "2"


def test_an_immutable_file(cli: Cli, tmp_path: Path, key: str) -> None:
    """safety-37: chattr +i; exit 1, kept, and no temporary file."""
    require(absent("chattr"))
    folder = tmp_path / "plain"
    folder.mkdir()
    path = write(folder, "{}")
    done = subprocess.run(["chattr", "+i", str(path)], capture_output=True, text=True, check=False)
    if done.returncode:
        require(f"chattr cannot be used here: {done.stderr.strip()}")
    try:
        refused(cli("openrouter", cwd=folder), 1, path)
        assert path.read_text() == "{}"
        assert os.listdir(path.parent) == [path.name]
    finally:
        subprocess.run(["chattr", "-i", str(path)], check=True)
