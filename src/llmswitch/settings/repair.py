"""A settings file that is not quite JSON, mended: comments and trailing commas taken out, every other byte kept."""

from __future__ import annotations

import re
import stat

import json5

from llmswitch.base import files
from llmswitch.base.errors import LlmswitchError
from llmswitch.claude.variables import as_text
from llmswitch.settings.file import SettingsFile
from llmswitch.settings.settings import Settings
from llmswitch.settings.text import SpliceError

# A string, a comment with the space before it, a comma; nothing else in a JSON text can hold the last two.
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[ \t]*(?://[^\r\n]*|/\*.*?\*/)|,', re.DOTALL)
_BEFORE_CLOSE = re.compile(r"\s*[}\]]")


def mended(text: str) -> str | None:
    """Return the text as Claude Code accepts it, None where nothing, or more than comments and commas, is wrong."""
    bare = _TOKEN.sub(lambda match: match[0] if match[0][0] in '",' else " " * match[0].endswith("*/"), text)
    tight = _TOKEN.sub(lambda match: "" if _is_last(match, bare) else match[0], bare)
    try:
        Settings(tight)
    except SpliceError:
        return None
    return None if tight == text else tight


def _is_last(match: re.Match[str], text: str) -> bool:
    """Say whether this is a comma before a closing bracket."""
    return match[0] == "," and _BEFORE_CLOSE.match(text, match.end()) is not None


def mend(file: SettingsFile) -> bool:
    """Replace a file that Claude Code ignores by what `mended` makes of its text; False where that is nothing.

    Raises LlmswitchError or Refused; then the file is as it was.
    """
    file.check()
    with file.lock():
        before, status = files.read(file.path, changing=True)
        after = mended(before.decode(errors="surrogateescape")) if before is not None else None
        if after is None or status is None:
            return False
        data, mode = after.encode(errors="surrogateescape"), stat.S_IMODE(status.st_mode)
        try:
            done = files.replace(file.path, data, mode, lambda: files.read(file.path)[0] == before)
        except OSError as error:
            raise LlmswitchError(f"{file.path}: cannot write it: {error.strerror}.") from None
    if not done:
        raise LlmswitchError(f"{file.path}: another program changed it meanwhile.", hint="Try again.")
    return True


def salvaged(file: SettingsFile) -> dict[str, str]:
    """Return the `env` of a file that is no strict JSON but still JSON5; {} where it is neither."""
    try:
        root = json5.loads((files.read(file.path)[0] or b"").decode(errors="replace"))
    except (ValueError, RecursionError, LlmswitchError):
        return {}
    env = root.get("env") if isinstance(root, dict) else None
    return {str(name): as_text(value) for name, value in env.items()} if isinstance(env, dict) else {}
