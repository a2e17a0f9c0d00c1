"""Why what lies at a path is not written through, or not replaced."""

from __future__ import annotations

import os
import stat

from llmswitch.base.errors import LlmswitchError, Refused


def not_replaced(path: str, status: os.stat_result) -> Refused:
    """Return the error for a file that a rename would take from somebody."""
    if status.st_nlink > 1:
        return Refused(f"{path} is one of {status.st_nlink} hard links; replacing it would split them.")
    if os.geteuid() not in (0, status.st_uid):
        return _anothers(path, status)
    return Refused(f"{path} is read-only.", hint=f"To allow it: chmod u+w {path}")


def not_used(folder: str, status: os.stat_result, path: str) -> LlmswitchError:
    """Return the error for a link or another's folder where the user's should be, or for a link in it at `path`."""
    if stat.S_ISLNK(status.st_mode):
        return refusal(folder)
    if not stat.S_ISDIR(status.st_mode):
        return LlmswitchError(f"{folder} is not a folder.")
    return refusal(path) if os.geteuid() in (0, status.st_uid) else _anothers(folder, status)


def _anothers(path: str, status: os.stat_result) -> Refused:
    return Refused(f"{path} belongs to another user (uid {status.st_uid}).")


def refusal(path: str) -> LlmswitchError:
    """Return the error for a symbolic link where a file or folder of the user's should be."""
    try:
        os.stat(path)
    except FileNotFoundError:
        pass
    except OSError as error:
        return LlmswitchError(f"{path}: cannot read it: {error.strerror}.")
    return Refused(
        f"{path} is a symbolic link to {os.path.realpath(path)}: writing through it would switch every folder that "
        "shares it, and Claude Code itself refuses to write there.",
        hint="Replace the link by a file of its own; or add --anyway to write what it leads to.",
    )
