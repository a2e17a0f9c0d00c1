"""Folders and files that others can write: they can exchange what is in them, so no key goes in and no word comes out.

The folder itself counts, not those above it, as ssh looks at its own.
"""

from __future__ import annotations

import grp
import os
import pwd
import stat
from shlex import quote

from llmswitch.base.errors import Refused
from llmswitch.base.files import TEMP_PREFIX, close_quietly
from llmswitch.base.passable import Passable

GROUP, OTHERS = "its group", "everybody"


def others(path: str) -> str:
    """Return who besides its owner can write into a folder or a file, in words, "" for nobody and for none there.

    A group that is the owner's alone, as many systems make one for each user, is nobody.
    """
    try:
        status = os.stat(path)
    except OSError:
        return ""
    if status.st_mode & stat.S_IWOTH:
        return OTHERS
    return GROUP if status.st_mode & stat.S_IWGRP and not _is_own_group(status) else ""


def _is_own_group(status: os.stat_result) -> bool:
    """Say whether the group of a file is its owner's private one: named as he is, and without any other member."""
    try:
        owner, group = pwd.getpwuid(status.st_uid), grp.getgrgid(status.st_gid)
    except KeyError:  # a container without names
        return status.st_uid == status.st_gid
    return owner.pw_gid == status.st_gid and group.gr_name == owner.pw_name and {*group.gr_mem} <= {owner.pw_name}


def refusal(path: str, who: str, so: str, anyway: bool) -> Refused:
    """Return the error for such a place; `so` is what does not happen, `anyway` whether that option helps here."""
    may = f"{'g' if who == GROUP else 'go'}-w"
    return (Passable if anyway else Refused)(
        f"{path}: {who} can write {_what(path)}: {so}.", hint=f"To keep it to yourself: chmod {may} {quote(path)}"
    )


def _what(path: str) -> str:
    return "into this folder" if os.path.isdir(path) else "this file"


def keeps_modes(folder: str) -> bool:
    """Say whether a chmod changes anything there: on mounts of Windows and in some containers all have one mode."""
    name = os.path.join(folder, f"{TEMP_PREFIX}{os.getpid()}-{os.urandom(4).hex()}.tmp")
    try:
        file = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError:
        return True
    try:
        return not os.fstat(file).st_mode & 0o077
    finally:
        close_quietly(file)
        os.unlink(name)


def check(path: str, so: str, anyway: bool) -> str:
    """Return a warning for a folder or file that others can write, where `anyway` lets it pass, "" for no such one.

    Raises Refused where it may not pass: with `anyway` too, if everybody can write and a chmod would end that.
    """
    who = others(path)
    if not who:
        return ""
    may_pass = who == GROUP or not keeps_modes(path if os.path.isdir(path) else os.path.dirname(path))
    if not (anyway and may_pass):
        raise refusal(path, who, so, may_pass)
    return f"warning: {path}: {who} can write {_what(path)}."
