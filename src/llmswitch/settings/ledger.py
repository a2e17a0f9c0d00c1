"""The ledger: a line for each switch and start by `run`, without secrets. It outlives the worktree."""

from __future__ import annotations

import os
import time

from llmswitch.base import files
from llmswitch.base.errors import LlmswitchError
from llmswitch.base.fastjson import dumps
from llmswitch.base.opened import bytes_of
from llmswitch.base.secret import STARS, digest, redacted
from llmswitch.claude.variables import START_MODEL, VARIABLES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from llmswitch.settings.checkout import Checkout

FOLDER = "ledger"
LARGEST = 256 * 1024  # bytes of one worktree's file: some hundreds of switches


def note(checkout: Checkout, about: Mapping[str, object], members: Mapping[str, object], typed: Sequence[str]) -> str:
    """Add a line and return "", or a warning; `about` has kind (switch or run), preset, host and session."""
    place, state = checkout.worktree, checkout.checkouts.state_folder
    path = os.path.join(state, FOLDER, f"{digest(place.root)}.jsonl")
    slots = {slot: members.get(name, "") for slot, name in VARIABLES.items()}
    fence = members.get("availableModels")
    also = [model for model in fence if model not in slots.values()] if isinstance(fence, list) else []
    what = {"slots": slots, "also": also, "start": members.get(START_MODEL, ""), "typed": [masked(w) for w in typed]}
    line = dumps({"time": time.time(), "worktree": place.root, "git": place.git_dir, **about, **what})
    try:
        files.make_folder(os.path.dirname(path), 0o700)
        with files.Lock(f"{path}.lock", path):
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW
            file = os.open(path, flags, 0o600)
            with open(file, "ab") as lines:
                lines.write(f"\n{line}".encode())  # a line break first: a torn line stays by itself
                large = lines.tell() > LARGEST
                files.give_owner(file, os.stat(os.path.dirname(path)))
            if large:
                shorten(path, LARGEST // 2)
    except (OSError, LlmswitchError) as error:
        return f"warning: `llmswitch log` does not have this: {path}: {getattr(error, 'strerror', error.args[0])}"
    return ""


def masked(word: str) -> str:
    """Return a word of a command line without what may be secret in it: a key, a URL's user or query."""
    before, mark, _ = word.partition("?")
    return redacted(before + mark + STARS if mark and "://" in before else word)


def shorten(path: str, size: int) -> None:
    """Keep the newest lines of a ledger, at most `size` bytes; call it with the lock held. Raises OSError."""
    kept = bytes_of(path)[-size:]
    files.replace(path, kept[kept.find(b"\n") :], 0o600)
