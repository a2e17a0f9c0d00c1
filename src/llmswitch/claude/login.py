"""Whether there is a login of the user's own that Claude Code would send (on Linux a file; on macOS the keychain)."""

from __future__ import annotations

import os
import sys

from llmswitch.base.fastjson import loads
from llmswitch.base.opened import bytes_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


def found(environ: Mapping[str, str]) -> bool | None:
    """Say whether there is one, None where nobody can know; its token is not looked at."""
    home = environ.get("HOME") or os.path.expanduser("~")
    path = os.path.join(environ.get("CLAUDE_CONFIG_DIR") or os.path.join(home, ".claude"), ".credentials.json")
    try:
        data = loads(bytes_of(path).decode())
    except FileNotFoundError:
        return None if sys.platform == "darwin" else False
    except (OSError, ValueError, RecursionError):
        return None
    login = data.get("claudeAiOauth") if isinstance(data, dict) else None
    return isinstance(login, dict) and bool(login.get("accessToken"))
