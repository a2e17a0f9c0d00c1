"""The short way to a worktree: what `.git` says, compared with what git says, over every layout there is."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import git
from support.programs import require_root

from llmswitch.base.errors import LlmswitchError, UsageProblem
from llmswitch.worktrees import ask as asking
from llmswitch.worktrees import layout as git_files
from llmswitch.worktrees import layout as worktrees
from llmswitch.worktrees.ask import ask
from llmswitch.worktrees.program import run_git

Build = Callable[[Path], Path]


def committed(folder: Path, *options: str) -> Path:
    """Make a repository with one commit."""
    folder.mkdir(parents=True)
    git(folder, "init", "--quiet", *options)
    git(folder, "commit", "--quiet", "--allow-empty", "-m", "first")
    return folder


def linked(top: Path) -> Path:
    """Make a linked worktree whose path needs care."""
    main, folder = committed(top / "main"), top / "a linked\nwörktree"
    git(main, "worktree", "add", "--quiet", "-b", "some/topic", str(folder))
    return folder


def below(build: Build) -> Build:
    """Take a folder below."""

    def built(top: Path) -> Path:
        folder = build(top) / "sub" / "folder"
        folder.mkdir(parents=True)
        return folder

    return built


def bare_hub(top: Path) -> Path:
    """Make a `.bare` repository with a `.git` file beside it and a worktree below."""
    committed(top / "source")
    hub = top / "hub"
    hub.mkdir()
    git(top, "clone", "--quiet", "--bare", str(top / "source"), str(hub / ".bare"))
    (hub / ".git").write_text("gitdir: ./.bare\n")
    git(hub, "worktree", "add", "--quiet", "work")
    return hub / "work"


def separate(top: Path) -> Path:
    """Keep the git folder elsewhere."""
    folder = top / "work"
    folder.mkdir(parents=True)
    git(folder, "init", "--quiet", f"--separate-git-dir={top / 'git folder'}")
    return folder


def submodule(top: Path) -> Path:
    """Make a submodule."""
    committed(top / "library")
    main = committed(top / "main")
    git(main, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(top / "library"), "lib")
    return main / "lib"


def configured(name: str, value: str) -> Build:
    """Make a repository with one line in its configuration."""

    def built(top: Path) -> Path:
        folder = committed(top / "main")
        git(folder, "config", name, value)
        return folder

    return built


def moved(top: Path) -> Path:
    """Move a linked worktree by hand."""
    folder = linked(top)
    return folder.rename(top / "moved")


def relative(top: Path) -> Path:
    """Make the link to the git folder a relative one."""
    folder = linked(top)
    git_dir = (folder / ".git").read_text().removeprefix("gitdir: ").strip()
    (folder / ".git").write_text(f"gitdir: {os.path.relpath(git_dir, folder)}\n")
    return folder


def detached(top: Path) -> Path:
    """Check out a commit."""
    folder = committed(top / "main")
    git(folder, "checkout", "--quiet", "--detach")
    return folder


def unborn(top: Path) -> Path:
    """Make a repository without a commit."""
    folder = top / "new"
    folder.mkdir(parents=True)
    git(folder, "init", "--quiet", "-b", "first/branch")
    return folder


def plain(top: Path) -> Path:
    """Make a folder outside any repository."""
    folder = top / "plain"
    folder.mkdir(parents=True)
    return folder


def with_head(top: Path) -> Path:
    """Make a folder with a file that git folders have."""
    folder = plain(top)
    (folder / "HEAD").write_text("mine")
    return folder


def damaged(name: str) -> Build:
    """Take a part of a repository away."""

    def built(top: Path) -> Path:
        folder = committed(top / "main")
        (folder / ".git" / name).rename(top / "away")
        return folder

    return built


USUAL: dict[str, Build] = {
    "main": lambda top: committed(top / "main"),
    "below main": below(lambda top: committed(top / "main")),
    "linked": linked,
    "below linked": below(linked),
    "moved by hand": moved,
    "relative link": relative,
    "detached": detached,
    "no commit yet": unborn,
    "nested": lambda top: committed(committed(top / "outer") / "inner"),
    "worktree of a hub": bare_hub,
    "no repository": plain,
}
UNUSUAL: dict[str, Build] = {
    "hub": lambda top: bare_hub(top).parent,
    "bare": lambda top: bare_hub(top).parent / ".bare",
    "separate git folder": separate,
    "submodule": submodule,
    "git folder": lambda top: committed(top / "main") / ".git",
    "below the git folder": lambda top: committed(top / "main") / ".git" / "refs",
    "core.worktree": configured("core.worktree", "/"),
    "core.bare": configured("core.bare", "true"),
    "worktree configuration": configured("extensions.worktreeConfig", "true"),
    "no HEAD": damaged("HEAD"),
    "no objects": damaged("objects"),
    "a file called HEAD": with_head,
}


def asked(folder: str) -> tuple[str, str, str, str | None] | str:
    """Return what git itself says."""
    try:
        worktree = worktrees.Worktree(*ask(folder))
    except LlmswitchError as error:
        return type(error).__name__
    branch = run_git("symbolic-ref", "--quiet", "--short", "HEAD", folder=folder)[1].strip() or None
    return worktree.root, worktree.git_dir, worktree.common_dir, branch if worktree.in_repository else None


def found(folder: str) -> tuple[str, str, str, str | None] | str:
    """Return what llmswitch says."""
    try:
        worktree = worktrees.find(folder)
    except LlmswitchError as error:
        return type(error).__name__
    return worktree.root, worktree.git_dir, worktree.common_dir, worktrees.branch(worktree)


@pytest.mark.parametrize("name", [*USUAL, *UNUSUAL])
def test_it_is_what_git_says(name: str, tmp_path: Path) -> None:
    """In every layout: root, git folder, the repository's git folder and the branch, or the same complaint."""
    folder = os.path.realpath({**USUAL, **UNUSUAL}[name](tmp_path / "top"))
    assert found(folder) == asked(folder)


@pytest.mark.parametrize("name", USUAL)
def test_the_usual_layouts_need_no_git(name: str, tmp_path: Path) -> None:
    """Else the short way would bring nothing."""
    assert git_files._by_hand(os.path.realpath(USUAL[name](tmp_path / "top")))


@pytest.mark.parametrize("name", UNUSUAL)
def test_the_unusual_ones_are_left_to_git(name: str, tmp_path: Path) -> None:
    """Rather than guessed."""
    assert git_files._by_hand(os.path.realpath(UNUSUAL[name](tmp_path / "top"))) is None


def test_what_belongs_to_somebody_else_is_left_to_git(tmp_path: Path) -> None:
    """git does not trust it (safe.directory)."""
    require_root("to give a folder away")
    folder = committed(tmp_path / "main")
    os.chown(folder / ".git", 65534, 65534)
    assert git_files._by_hand(os.path.realpath(folder)) is None


@pytest.mark.parametrize("kind", ["a pipe", "a link to a pipe", "a device"])
@pytest.mark.parametrize("name", ["HEAD", "commondir", "config"])
@pytest.mark.parametrize("layout", ["main", "linked", "separate git folder"])
def test_git_is_not_left_waiting_at_a_pipe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, layout: str, name: str, kind: str
) -> None:
    """Where it would read one for ever, the file is named and git not asked."""
    folder = {**USUAL, **UNUSUAL}[layout](tmp_path / "top")
    worktree = worktrees.find(str(folder))
    path = Path(worktree.common_dir if name == "config" else worktree.git_dir, name)
    path.unlink(missing_ok=True)
    pipe = tmp_path / "pipe" if kind == "a link to a pipe" else path
    os.mkfifo(pipe) if kind != "a device" else pipe.symlink_to("/dev/zero")
    if pipe != path:
        path.symlink_to(pipe)
    monkeypatch.setattr(asking, "run_git", lambda *words, folder: pytest.fail("git was asked"))
    with pytest.raises(UsageProblem, match=f"{name} is not a file"):
        worktrees.find(str(folder))
