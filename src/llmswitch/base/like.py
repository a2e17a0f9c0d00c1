"""What is new made like what lies around it: the attributes that a rename would drop, and whose a folder is."""

from __future__ import annotations

import os


def copy_attributes(name: str, place: int, file: int, private: bool) -> None:
    """Copy the extended attributes of a name in the open folder `place` to an open file, those that can be.

    A private file gets no access list: that could let others read it.
    """
    try:
        source = os.open(name, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=place)
    except OSError:
        return
    for attribute in os.listxattr(source):
        if not (private and attribute.startswith("system.posix_acl")):
            try:
                os.setxattr(file, attribute, os.getxattr(source, attribute))
            except OSError:  # one that is the security module's own
                pass
    os.close(source)


def make_folder(path: str, mode: int) -> bool:
    """Make a folder with those above it and say whether it was missing; raises OSError."""
    if os.path.isdir(path):
        return False
    above = os.path.dirname(path)
    make_folder(above, mode)
    try:
        os.mkdir(path, mode)
    except FileExistsError:
        if os.path.isdir(path):  # made by another at the same time
            return False
        raise
    if os.geteuid() == 0:
        _give_folder(path, above)
    return True


def _give_folder(path: str, above: str) -> None:
    """Give a folder that root has just made the owner of the one above it; raises OSError.

    One that is another's, or has something in it, was put there by somebody else meanwhile.
    """
    place = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        owner = os.stat(above)
        if os.fstat(place).st_uid == 0 != owner.st_uid and not os.listdir(place):
            os.fchown(place, owner.st_uid, owner.st_gid)
    finally:
        os.close(place)
