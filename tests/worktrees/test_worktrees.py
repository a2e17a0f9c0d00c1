"""Which folder is switched, in every layout git knows."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from conftest import git
from support.programs import require_root

from llmswitch.base.errors import Refused, UsageProblem
from llmswitch.worktrees import layout as worktrees
from llmswitch.worktrees.git import exclude_file
from llmswitch.worktrees.listing import listing


def found(folder: Path) -> tuple[str, bool, bool]:
    """Return (root, main, in a repository) of the worktree around a folder."""
    worktree = worktrees.find(str(folder))
    return worktree.root, worktree.is_main, worktree.in_repository


def below(folder: Path) -> Path:
    """Make and return a deep subfolder."""
    deep = folder / "some" / "where"
    deep.mkdir(parents=True)
    return deep


def test_root_and_subfolder_of_a_repository(repo: Path) -> None:
    """Both mean the root, the main checkout."""
    assert found(repo) == found(below(repo)) == (str(repo), True, True)


@pytest.mark.parametrize("name", ["plain", "with space ", "line\nbreak", "\nfirst", "ünï"])
def test_a_linked_worktree_is_its_own(repo: Path, name: str) -> None:
    """Root and subfolder; with its own git folder and the common one."""
    linked = repo.parent / name
    git(repo, "worktree", "add", "--quiet", "--detach", str(linked))
    assert found(linked) == found(below(linked)) == (str(linked), False, True)
    worktree = worktrees.find(str(linked))
    assert worktree.common_dir == str(repo / ".git")
    assert worktree.git_dir.startswith(str(repo / ".git" / "worktrees"))
    assert exclude_file(worktree) == str(repo / ".git" / "info" / "exclude")


def test_a_worktree_of_a_bare_repository(repo: Path) -> None:
    """It is found; the bare folder itself is named as what it is."""
    bare = repo.parent / "hub" / ".bare"
    git(repo, "clone", "--quiet", "--bare", str(repo), str(bare))
    (bare.parent / ".git").write_text("gitdir: ./.bare\n")
    git(bare, "worktree", "add", "--quiet", "--detach", "../one")
    assert found(bare.parent / "one") == (str(bare.parent / "one"), False, True)
    for folder in (bare, bare.parent):
        with pytest.raises(UsageProblem, match="bare repository or a git folder"):
            worktrees.find(str(folder))


def test_a_submodule_and_a_nested_repository_are_their_own(repo: Path, tmp_path: Path) -> None:
    """Never the outer one."""
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "--quiet")
    git(other, "commit", "--quiet", "--allow-empty", "-m", "x")
    git(repo, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(other), "sub")
    nested = repo / "nested"
    nested.mkdir()
    git(nested, "init", "--quiet")
    assert found(repo / "sub") == (str(repo / "sub"), True, True)
    assert found(nested) == (str(nested), True, True)


def test_a_separate_git_dir_and_a_plain_folder(tmp_path: Path) -> None:
    """Both are found where they are."""
    apart, plain = tmp_path / "apart", tmp_path / "plain"
    git(tmp_path, "init", "--quiet", "--separate-git-dir", str(tmp_path / "elsewhere"), str(apart))
    plain.mkdir()
    assert found(apart) == (str(apart), True, True)
    assert found(plain) == (str(plain), True, False)


def test_a_link_to_a_worktree_means_the_worktree(repo: Path, tmp_path: Path) -> None:
    """One folder, one lock, one state."""
    link = tmp_path / "link"
    link.symlink_to(repo)
    assert found(link) == found(repo)


def test_a_tilde_is_the_home(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No shell expands it in `--worktree=~/app`; a folder of that name comes first."""
    monkeypatch.setenv("HOME", str(repo.parent))
    assert found(Path("~") / repo.name) == found(repo)
    monkeypatch.chdir(repo)
    (repo / "~" / repo.name).mkdir(parents=True)
    git(repo / "~" / repo.name, "init", "--quiet")
    assert found(Path("~") / repo.name) == found(repo / "~" / repo.name)


def test_branches_are_named(repo: Path) -> None:
    """None for a detached HEAD; the name in a repository without a commit too."""
    assert worktrees.branch(worktrees.find(str(repo))) == "trunk"
    git(repo, "checkout", "--quiet", "--detach")
    assert worktrees.branch(worktrees.find(str(repo))) is None
    empty = repo.parent / "empty"
    empty.mkdir()
    git(empty, "init", "--quiet", "-b", "new/one")
    assert worktrees.branch(worktrees.find(str(empty))) == "new/one"


def test_a_repository_of_another_owner_is_refused_with_gits_own_hint(repo: Path) -> None:
    """safety-102: git's safe.directory rule is git's to apply."""
    require_root("to give a folder away")
    os.chown(repo, 12345, 12345)
    os.chown(repo / ".git", 12345, 12345)
    with pytest.raises(Refused, match=r"safe\.directory"):
        worktrees.find(str(repo))


def listed(folder: Path) -> list[tuple[str, str]]:
    """Return (path, state) of every worktree that is listed from a folder."""
    return [(entry.path, entry.state) for entry in listing(worktrees.find(str(folder)))]


def test_a_git_file_with_a_windows_line_end_is_one(repo: Path) -> None:
    """Git takes it, and so does the list."""
    git(repo, "worktree", "add", "--quiet", "--detach", str(repo.parent / "linked"))
    file = repo.parent / "linked" / ".git"
    file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    [_, entry] = listing(worktrees.find(str(repo)))
    assert entry.worktree
    assert entry.worktree.git_dir == str(repo / ".git" / "worktrees" / "linked")


def test_gits_list_is_checked_path_by_path(repo: Path) -> None:
    """safety-99: It names worktrees that are gone, that were moved, and places that became another repository."""
    for name in ("there", "gone", "moved", "taken"):
        git(repo, "worktree", "add", "--quiet", "--detach", str(repo.parent / name))
    (repo.parent / "moved").rename(repo.parent / "new place")
    for name in ("gone", "taken"):
        (repo.parent / name / ".git").unlink()
    git(repo.parent / "taken", "init", "--quiet")
    states = dict(listed(repo.parent / "new place"))
    assert states[str(repo)] == states[str(repo.parent / "there")] == ""
    assert states[str(repo.parent / "new place")] == "moved"
    assert all(states[str(repo.parent / name)] for name in ("gone", "moved", "taken"))


def test_the_list_of_a_submodule_and_of_a_separate_git_folder_names_the_checkout(repo: Path, tmp_path: Path) -> None:
    """safety-99: git itself names the git folder there, which is no place to write to."""
    other = tmp_path / "other"
    git(tmp_path, "init", "--quiet", "--separate-git-dir", str(tmp_path / "elsewhere"), str(other))
    git(other, "commit", "--quiet", "--allow-empty", "-m", "x")
    git(repo, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(other), "sub")
    assert listed(repo / "sub") == [(str(repo / "sub"), "")]
    assert listed(other) == [(str(other), "")]
    git(other, "worktree", "add", "--quiet", "--detach", str(tmp_path / "linked"))
    main, linked = listed(tmp_path / "linked")
    assert main == (str(tmp_path / "elsewhere"), "main checkout at an unknown place")
    assert linked == (str(tmp_path / "linked"), "")
