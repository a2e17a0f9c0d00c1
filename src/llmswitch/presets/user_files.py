"""Files that the catalog's commands read and write: ladders, the user's presets, refreshed prices."""

from __future__ import annotations

import json
import os

from llmswitch.base.errors import LlmswitchError, UsageProblem
from llmswitch.presets import ladder
from llmswitch.presets.data_files import SUFFIX

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

CHUNK, SECONDS, LARGEST = 65_536, 20.0, 50_000_000


class NoLadder(Exception):
    """There is no ladder; the reason is "" where there is no file."""


def read_ladder(root: str) -> list[str]:
    """Return the ladder of a worktree; NoLadder says why a file is none."""
    path = os.path.join(root, ladder.FILE)
    if not os.path.lexists(path):
        raise NoLadder("")
    if not os.path.isfile(path):  # a named pipe would keep us waiting
        raise NoLadder(f"{path} is ignored: it is not a file")
    try:
        with open(path, encoding="utf-8-sig") as file:
            return ladder.parse(file.read())
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise NoLadder(f"{path} is ignored: {why}") from None
    except ValueError as error:
        raise NoLadder(f"{path} is ignored: {error}") from None


def create_preset(folder: str, name: str, text: str) -> str:
    """Write a new preset of the user's and return its path; UsageProblem where there is one of that name."""
    path = os.path.join(folder, name + SUFFIX)
    try:
        os.makedirs(folder, exist_ok=True)
        with open(path, "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise UsageProblem(f"{path} is there already.", hint=f"See: llmswitch presets check {path}") from None
    except OSError as error:
        raise LlmswitchError(f"{path}: cannot write it ({error.strerror}).") from None
    return path


def text_of(path: str) -> str:
    """Return a file's text, "" where it cannot be read."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except (OSError, UnicodeDecodeError):
        return ""


def save_prices(path: str, rows: object) -> None:
    """Write the user's copy of the prices; LlmswitchError where that fails."""
    from llmswitch.base import files as atomic

    text = json.dumps({"unit": "USD per million tokens", "providers": rows}, indent=1) + "\n"
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        atomic.replace(path, text.encode(), 0o644)
    except OSError as error:
        raise LlmswitchError(f"{path}: cannot write it ({error.strerror}).") from None


def download(url: str, tell: Callable[[int, int], None]) -> Any:
    """Return the JSON behind a public https URL; `tell` is given the bytes so far, and of all (0 where unsaid).

    No key is sent. Raises LlmswitchError where the network, the host or the answer fails.
    """
    import urllib.error
    import urllib.request
    from http.client import HTTPException

    parts, got = [], 0
    try:
        with urllib.request.urlopen(url, timeout=SECONDS) as answer:  # noqa: S310  # https constants of ours
            total = int(answer.headers.get("Content-Length") or 0)
            while got < LARGEST and (part := answer.read(CHUNK)):
                parts.append(part)
                got += len(part)
                tell(got, total)
        return json.loads(b"".join(parts))
    except (OSError, HTTPException) as error:
        why = getattr(error, "reason", None) or error
    except ValueError:
        why = ValueError("the answer is not JSON")
    host = url.split("/")[2]
    raise LlmswitchError(f"{host} gave no prices: {why}.", hint="The prices you have stay in use: llmswitch cost")
