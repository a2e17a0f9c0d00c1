"""Layouts of repositories, worktrees and folders in which a session may start, as git and people make them."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from .programs import require_root
from .tree import git

OTHER_USER = 65534
# Makes a layout below a folder, for a home; returns where the session starts, and the folders whose files are tried.
Builder = Callable[[Path, Path], tuple[Path, list[Path]]]


def repository(folder: Path, *options: str) -> Path:
    """Make a repository with one commit."""
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "--quiet", *options)
    git(folder, "commit", "--quiet", "--allow-empty", "-m", "first")
    return folder


def linked(source: Path, folder: Path) -> Path:
    """Add a linked worktree."""
    git(source, "worktree", "add", "--quiet", "--detach", str(folder))
    return folder


def bare(source: Path, folder: Path) -> Path:
    """Make a bare clone."""
    git(source, "clone", "--quiet", "--bare", str(source), str(folder))
    return folder


def main_checkout(base: Path, home: Path) -> tuple[Path, list[Path]]:
    """An ordinary repository."""
    return repository(base / "a repö"), [base]


def linked_worktree(base: Path, home: Path) -> tuple[Path, list[Path]]:
    """A linked worktree, its main checkout beside it."""
    main = repository(base / "main")
    return linked(main, base / "wt"), [main, main / "sub"]


def clients_own_worktree(base: Path, home: Path) -> tuple[Path, list[Path]]:
    """A linked worktree where `claude -w` puts it: inside the main checkout."""
    main = repository(base / "main")
    return linked(main, main / ".claude" / "worktrees" / "x"), [main, main / ".claude" / "worktrees"]


def worktree_of_a_bare_repository(base: Path, home: Path) -> tuple[Path, list[Path]]:
    """A worktree whose repository has no checkout."""
    store = bare(repository(base / "seed"), base / "store.git")
    return linked(store, base / "wt"), [store, base]


def hub(base: Path, home: Path) -> tuple[Path, list[Path]]:
    """A folder with a bare repository in `.bare`, a `.git` file that points there, and worktrees."""
    folder = base / "hub"
    store = bare(repository(base / "seed"), folder / ".bare")
    (folder / ".git").write_text("gitdir: ./.bare\n")
    return linked(folder, folder / "wt"), [folder, store]


def hub_with_a_bare_git_folder(base: Path, home: Path) -> tuple[Path, list[Path]]:
    """The same where the bare repository itself is called `.git`."""
    folder = base / "hub"
    bare(repository(base / "seed"), folder / ".git")
    return linked(folder, folder / "wt"), [folder, folder / ".git"]


def separate_git_folder(base: Path, home: Path) -> tuple[Path, list[Path]]:
    """A main checkout whose git folder is elsewhere."""
    (base / "elsewhere").mkdir()
    return repository(base / "main", "--separate-git-dir", str(base / "elsewhere" / "store")), [base / "elsewhere"]


def worktree_of_a_separate_git_folder(base: Path, home: Path) -> tuple[Path, list[Path]]:
    """A linked worktree of such a checkout."""
    main, others = separate_git_folder(base, home)
    return linked(main, base / "wt"), [main, *others]


def worktree_of_a_separate_folder_called_git(base: Path, home: Path) -> tuple[Path, list[Path]]:
    """The same where the git folder elsewhere is called `.git`."""
    (base / "elsewhere").mkdir()
    main = repository(base / "main", "--separate-git-dir", str(base / "elsewhere" / ".git"))
    return linked(main, base / "wt"), [main, base / "elsewhere"]


def submodule(base: Path, home: Path) -> tuple[Path, list[Path]]:
    """A submodule."""
    inner, outer = repository(base / "inner"), repository(base / "outer")
    git(outer, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(inner), "module")
    return outer / "module", [outer]


def worktree_of_a_submodule(base: Path, home: Path) -> tuple[Path, list[Path]]:
    """A linked worktree of a submodule."""
    module, others = submodule(base, home)
    return linked(module, base / "wt"), [module, *others]


def nested_repository(base: Path, home: Path) -> tuple[Path, list[Path]]:
    """A repository inside another that is not its submodule."""
    outer = repository(base / "outer")
    return repository(outer / "inner"), [outer]


def no_repository(base: Path, home: Path) -> tuple[Path, list[Path]]:
    """A plain folder."""
    folder = base / "plain"
    folder.mkdir()
    return folder, [base]


def below_the_home(base: Path, home: Path) -> tuple[Path, list[Path]]:
    """A plain folder of the home."""
    folder = home / "plain"
    folder.mkdir()
    return folder, [home]


def home_repository(base: Path, home: Path) -> tuple[Path, list[Path]]:
    """The home is a repository."""
    return repository(home), []


def worktree_of_the_home(base: Path, home: Path) -> tuple[Path, list[Path]]:
    """A linked worktree of such a home."""
    return linked(repository(home), base / "wt"), [home]


def home_is_a_worktree(base: Path, home: Path) -> tuple[Path, list[Path]]:
    """The home is a linked worktree of a repository that lies elsewhere."""
    main = repository(base / "main")
    return linked(main, home), [main]


def moved_worktree(base: Path, home: Path) -> tuple[Path, list[Path]]:
    """A linked worktree that was moved without telling git."""
    main = repository(base / "main")
    return linked(main, base / "before").rename(base / "after"), [main]


def relative_worktree(base: Path, home: Path) -> tuple[Path, list[Path]]:
    """A linked worktree that is linked by relative paths, as newer gits can."""
    main = repository(base / "main")
    (linked(main, base / "wt") / ".git").write_text("gitdir: ../main/.git/worktrees/wt\n")
    (main / ".git" / "worktrees" / "wt" / "gitdir").write_text("../../../../wt/.git\n")
    return base / "wt", [main]


def through_a_link(base: Path, home: Path) -> tuple[Path, list[Path]]:
    """A linked worktree that is entered through a symbolic link."""
    worktree, others = linked_worktree(base, home)
    (base / "link").symlink_to(worktree)
    return base / "link", others


def linked_git_folder(base: Path, home: Path) -> tuple[Path, list[Path]]:
    """A repository whose `.git` is a symbolic link."""
    main = repository(base / "main")
    (main / ".git").rename(base / "store")
    (main / ".git").symlink_to(base / "store")
    return main, [base]


def foreign(path: Path) -> None:
    """Give a file to somebody else."""
    require_root("to give a folder away")
    os.chown(path, OTHER_USER, -1, follow_symlinks=False)


def foreign_settings_folder(base: Path, home: Path) -> tuple[Path, list[Path]]:
    """A main checkout whose `.claude` belongs to somebody else."""
    main = repository(base / "main")
    (main / ".claude").mkdir()
    foreign(main / ".claude")
    return main, []


def worktree_with_a_foreign_settings_folder(base: Path, home: Path) -> tuple[Path, list[Path]]:
    """A linked worktree of such a checkout."""
    main, _ = foreign_settings_folder(base, home)
    return linked(main, base / "wt"), [main]


def worktree_with_a_foreign_link(base: Path, home: Path) -> tuple[Path, list[Path]]:
    """The main checkout's `.claude` is somebody else's link to a folder of our own."""
    main = repository(base / "main")
    (base / "target").mkdir()
    (main / ".claude").symlink_to(base / "target")
    foreign(main / ".claude")
    return linked(main, base / "wt"), [main]


def worktree_with_a_link_to_a_foreign_folder(base: Path, home: Path) -> tuple[Path, list[Path]]:
    """The main checkout's `.claude` is our own link to a folder of somebody else."""
    main = repository(base / "main")
    (base / "target").mkdir()
    (main / ".claude").symlink_to(base / "target")
    foreign(base / "target")
    return linked(main, base / "wt"), [main]


def worktree_with_a_foreign_git_folder(base: Path, home: Path) -> tuple[Path, list[Path]]:
    """The main checkout's `.git` belongs to somebody else, and git was told to trust it."""
    main = repository(base / "main")
    worktree = linked(main, base / "wt")
    git(main, "config", "--global", "--add", "safe.directory", "*")
    foreign(main / ".git")
    return worktree, [main]


def worktree_with_a_foreign_main_checkout(base: Path, home: Path) -> tuple[Path, list[Path]]:
    """The same where it is the folder of the main checkout, and nothing in it."""
    main = repository(base / "main")
    worktree = linked(main, base / "wt")
    git(main, "config", "--global", "--add", "safe.directory", "*")
    foreign(main)
    return worktree, [main]


def below_a_backslash(base: Path, home: Path) -> tuple[Path, list[Path]]:
    """A repository in a path with a backslash, which the client takes for a separator."""
    return repository(base / "back\\slash"), [base]


def linked_below_a_backslash(base: Path, home: Path) -> tuple[Path, list[Path]]:
    """A linked worktree whose main checkout is in such a path."""
    main = repository(base / "back\\slash")
    return linked(main, base / "wt"), [main, base / "back", base / "back" / "slash"]


def linked_into_a_backslash(base: Path, home: Path) -> tuple[Path, list[Path]]:
    """The same where only the worktree is."""
    main = repository(base / "main")
    return linked(main, base / "w\\t"), [main, base / "w"]


def bare_below_a_backslash(base: Path, home: Path) -> tuple[Path, list[Path]]:
    """A worktree of a bare repository in such a path."""
    store = bare(repository(base / "seed"), base / "st\\ore.git")
    return linked(store, base / "wt"), [store, base]


def empty_git_folder(base: Path, home: Path) -> tuple[Path, list[Path]]:
    """A folder of a repository with an empty folder `.git` in it."""
    outer = repository(base / "outer")
    (outer / "sub" / ".git").mkdir(parents=True)
    return outer / "sub", [outer]


def below_an_empty_git_folder(base: Path, home: Path) -> tuple[Path, list[Path]]:
    """A folder below such a folder."""
    sub, others = empty_git_folder(base, home)
    (sub / "inner").mkdir()
    return sub / "inner", [sub, *others]


def worktree_that_is_configured(base: Path, home: Path) -> tuple[Path, list[Path]]:
    """A linked worktree with `core.worktree` in a configuration of its own."""
    main = repository(base / "main")
    worktree = linked(main, base / "wt")
    git(main, "config", "extensions.worktreeConfig", "true")
    git(worktree, "config", "--worktree", "core.worktree", str(main))
    return worktree, [main]


def worktree_in_a_worktree(base: Path, home: Path) -> tuple[Path, list[Path]]:
    """A linked worktree inside another linked worktree."""
    main = repository(base / "main")
    outer = linked(main, base / "wt")
    return linked(main, outer / "inner"), [outer, main]


def locked_worktree(base: Path, home: Path) -> tuple[Path, list[Path]]:
    """A linked worktree that is locked, as `claude -w` leaves it."""
    worktree, others = linked_worktree(base, home)
    git(worktree, "worktree", "lock", str(worktree))
    return worktree, others


def worktree_without_a_main_checkout(base: Path, home: Path) -> tuple[Path, list[Path]]:
    """A linked worktree whose repository is gone."""
    main = repository(base / "main")
    worktree = linked(main, base / "wt")
    main.rename(base / "gone")
    return worktree, [base / "gone"]


def linked_settings_folder(base: Path, home: Path) -> tuple[Path, list[Path]]:
    """A linked worktree whose `.claude` is a link to that of the main checkout."""
    worktree, [main, _] = linked_worktree(base, home)
    (main / ".claude").mkdir()
    (worktree / ".claude").symlink_to(main / ".claude")
    return worktree, [main]


def home_below_a_repository(base: Path, home: Path) -> tuple[Path, list[Path]]:
    """A repository around the home, and a folder of the home."""
    repository(home.parent)
    return below_the_home(base, home)[0], [home, home.parent]


BUILDERS: Sequence[Builder] = (
    main_checkout, linked_worktree, clients_own_worktree, worktree_of_a_bare_repository, hub,
    hub_with_a_bare_git_folder, separate_git_folder, worktree_of_a_separate_git_folder,
    worktree_of_a_separate_folder_called_git, submodule, worktree_of_a_submodule, nested_repository, no_repository,
    below_the_home, home_repository, worktree_of_the_home, home_is_a_worktree, moved_worktree, relative_worktree,
    through_a_link, linked_git_folder, foreign_settings_folder, worktree_with_a_foreign_settings_folder,
    worktree_with_a_foreign_link, worktree_with_a_link_to_a_foreign_folder, worktree_with_a_foreign_git_folder,
    worktree_with_a_foreign_main_checkout, below_a_backslash, linked_below_a_backslash, linked_into_a_backslash,
    bare_below_a_backslash, empty_git_folder, below_an_empty_git_folder, worktree_in_a_worktree, locked_worktree,
    linked_settings_folder, home_below_a_repository,
)  # fmt: skip
# Those that llmswitch leaves alone: git itself takes another folder for the worktree, or none.
REFUSED: Sequence[Builder] = (worktree_that_is_configured, worktree_without_a_main_checkout)
