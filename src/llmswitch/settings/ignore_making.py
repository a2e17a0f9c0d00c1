"""Making git ignore the settings file, and refusing where it cannot: the file is tracked, or in another repository."""

from __future__ import annotations

import os
import stat
from shlex import quote

from llmswitch.base.errors import Refused
from llmswitch.base.files import TEMP_PREFIX, TEMPORARY
from llmswitch.base.passable import Passable
from llmswitch.claude.variables import LOCAL
from llmswitch.worktrees import git
from llmswitch.worktrees.layout import Worktree, find

RULES = f"/{LOCAL}\n/.claude/{TEMP_PREFIX}*\n"


def ensure(worktree: Worktree, dry_run: bool) -> str | None:
    """Do what ignore_rule.ensure does, for a file that git does not keep out."""
    path = os.path.join(worktree.root, LOCAL)
    real = os.path.realpath(path)
    if real != path or os.path.lexists(os.path.join(worktree.root, ".claude", ".git")):
        _refuse_tracked(worktree, LOCAL)
        place = find(os.path.dirname(real))
        if place.common_dir == worktree.common_dir and real == os.path.join(place.root, LOCAL):
            return ensure(place, dry_run)  # another worktree of this repository
        _check_elsewhere(real, place)
        return None
    if not worktree.in_repository:
        return None
    _refuse_tracked(worktree, LOCAL)
    if _ignored(worktree, LOCAL):  # only a temporary file of ours is tracked
        return None
    exclude = git.exclude_file(worktree)
    _check_inside(exclude, worktree)
    if not dry_run:
        _append(exclude)
        if not _ignored(worktree, LOCAL):
            raise Refused(
                f"git would not ignore {path} even with a rule in {exclude}.",
                hint="Look for a rule with `!` in .gitignore: "
                + f"git -C {quote(worktree.root)} check-ignore -v --no-index {LOCAL}",
                changed="Only that rule was added.",
            )
    return exclude


def _refuse_tracked(worktree: Worktree, name: str) -> None:
    if worktree.in_repository and git.tracks(worktree, name):
        raise _tracked(worktree, name, "a key written there would be committed")


def _tracked(worktree: Worktree, name: str, so: str, also: str = "") -> Refused:
    command = f"git -C {quote(worktree.root)} rm --cached {quote(name)}"
    return Refused(
        f"git tracks {os.path.join(worktree.root, name)}: {so}.",
        hint=f"To take it out of git and keep it on the disk: {command}{also}",
    )


def tracked_notices(worktree: Worktree, may_pass: bool, anyway: bool) -> list[str]:
    """Refuse a pin without a key in a file that git tracks; where it may pass, `anyway` makes a warning of that."""
    path = os.path.join(worktree.root, LOCAL)
    real = os.path.realpath(path)
    place = find(os.path.dirname(real)) if real != path and os.path.isdir(os.path.dirname(real)) else worktree
    name = os.path.relpath(real, place.root)
    if not (place.in_repository and git.tracks(place, name)):
        return []
    so = "everybody who has this repository would get the pin"
    if may_pass and anyway:
        return [f"warning: git tracks {real}: a commit takes the pin to everybody who has this repository."]
    tracked = _tracked(place, name, so)
    raise Passable(tracked.args[0], hint=tracked.hint) if may_pass else tracked


def _ignored(worktree: Worktree, name: str) -> bool:
    return not worktree.in_repository or git.ignores(worktree, *_both(name))


def _both(name: str) -> tuple[str, str]:
    """Return the settings file and the temporary one beside it."""
    return name, os.path.join(os.path.dirname(name), TEMPORARY)


def _check_elsewhere(path: str, worktree: Worktree) -> None:
    """Ask the repository that the file is really in: another one, behind a link or of `.claude` itself."""
    name = os.path.relpath(path, worktree.root)
    _refuse_tracked(worktree, name)
    if not _ignored(worktree, name):
        beside = os.path.join(os.path.dirname(name), f"{TEMP_PREFIX}*")
        raise Refused(
            f"{path} is in another repository, {worktree.root}, which does not ignore it.",
            hint=f"Add these lines to {git.exclude_file(worktree)}: /{name} and /{beside}",
        )


def _check_inside(path: str, worktree: Worktree) -> None:
    """Refuse an ignore file that a link takes out of the repository: it would be another program's file."""
    real = os.path.realpath(path)
    if os.path.commonpath([real, worktree.common_dir]) != worktree.common_dir:
        raise Refused(
            f"{path} leads to {real}, which is outside the repository's git folder; no rule is added there.",
            hint=f"Replace the link by a file of its own, or add these lines yourself: {' and '.join(RULES.split())}",
        )


def _append(path: str) -> None:
    """Add the rules at the end of an ignore file; what was written of them goes again where not all could be."""
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        # Without waiting, should it be a named pipe.
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
        with open(os.open(os.path.realpath(path), flags | os.O_NOFOLLOW, 0o666), "a+b", buffering=0) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise OSError(None, "it is not a file", path)
            size = file.tell()
            file.seek(max(0, size - 1))
            data = (("" if file.read() in (b"", b"\n") else "\n") + RULES).encode()
            try:
                while data:
                    data = data[file.write(data) :]
            except OSError:
                file.truncate(size)
                raise
    except OSError as error:
        raise Refused(f"Cannot add the ignore rule to {path}: {error.strerror}.") from None
