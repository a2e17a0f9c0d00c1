"""Folders into which others can write: they can exchange what lies there, so no key goes in and no word comes out.

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

GROUP, OTHERS = "its group", "everybody"


def others(folder: str) -> str:
    """Return who besides its owner can write into a folder, in words, "" for nobody and for no folder.

    A group that is the owner's alone, as many systems make one for each user, is nobody.
    """
    try:
        status = os.stat(folder)
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


def refusal(folder: str, who: str, so: str, anyway: bool) -> Refused:
    """Return the error for such a folder; `so` is what does not happen, `anyway` whether that option helps here."""
    may = f"{'g' if who == GROUP else 'go'}-w"
    return Refused(
        f"{folder}: {who} can write into this folder: {so}.",
        hint=f"To keep it to yourself: chmod {may} {quote(folder)}{'. (--anyway goes on.)' if anyway else ''}",
    )


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


def check(folder: str, so: str, anyway: bool) -> str:
    """Return a warning for a folder that others can write into, where `anyway` lets it pass, "" for no such folder.

    Raises Refused where it may not pass: with `anyway` too, if everybody can write and a chmod would end that.
    """
    who = others(folder)
    if not who:
        return ""
    may_pass = who == GROUP or not keeps_modes(folder)
    if not (anyway and may_pass):
        raise refusal(folder, who, so, may_pass)
    return f"warning: {folder}: {who} can write into this folder."
