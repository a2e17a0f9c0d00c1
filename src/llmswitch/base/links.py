"""Why a symbolic link is not written through."""

from __future__ import annotations

import os

from llmswitch.base.errors import LlmswitchError, Refused


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
