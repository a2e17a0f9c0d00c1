"""Whether there is a login of the user's own that Claude Code would send (on Linux a file; on macOS the keychain)."""

from __future__ import annotations

import os
import sys

from llmswitch.base.fastjson import loads
from llmswitch.base.opened import bytes_of
from llmswitch.claude.user_folder import user_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


def found(environ: Mapping[str, str], folder: str) -> bool | None:
    """Say whether there is one for sessions that start in `folder`, None where nobody can know.

    Its token is not looked at.
    """
    path = os.path.join(user_folder(environ, folder), ".credentials.json")
    try:
        data = loads(bytes_of(path).decode())
    except FileNotFoundError:
        return None if sys.platform == "darwin" else False
    except (OSError, ValueError, RecursionError):
        return None
    login = data.get("claudeAiOauth") if isinstance(data, dict) else None
    return isinstance(login, dict) and bool(login.get("accessToken"))
