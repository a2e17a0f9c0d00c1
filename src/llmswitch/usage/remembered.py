"""What a status line showed last of a session's cost: as long as nothing has changed, the index is not opened.

A small file in the state folder for each session, with what tells that nothing has changed.
"""

from __future__ import annotations

import os

from llmswitch import __version__
from llmswitch.base.errors import LlmswitchError
from llmswitch.base.opened import bytes_of
from llmswitch.base.secret import digest
from llmswitch.claude.session_files import files_of
from llmswitch.presets.catalog import Catalog
from llmswitch.presets.prices import own_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable  # each status line with --cost comes by

Files = list[tuple[str, os.stat_result]]

FOLDER = "costs"
MOST = 100  # sessions


def remembered(session: str, transcript: str, catalog: Catalog, state_folder: str, ask: Callable[[Files], str]) -> str:
    """Return what is shown of a session's cost: as it was, or what `ask` says of the session's transcripts now.

    Where `ask` raises LlmswitchError, what it was last, "" for nothing.
    """
    files = files_of(transcript)
    folder, sign = os.path.join(state_folder, FOLDER), _sign(files, catalog)
    path = os.path.join(folder, digest(session))
    kept = _read(path)
    if kept[:1] == [sign] and len(kept) == 3:
        return kept[1]
    try:
        text = ask(files)
    except LlmswitchError:  # another may be reading: what it was last
        return kept[1] if len(kept) == 3 else ""
    try:
        if not kept:
            _make_room(folder)
        _write(path, f"{sign}\n{text}\n")
    except OSError:
        pass  # next time it is asked again
    return text


def forget(state_folder: str) -> None:
    """Remove all of it; raises OSError."""
    folder = os.path.join(state_folder, FOLDER)
    for name in os.listdir(folder) if os.path.isdir(folder) else ():
        os.unlink(os.path.join(folder, name))


def _sign(files: Files, catalog: Catalog) -> str:
    """Return a text that is another one when a transcript, the prices or the user's presets have changed."""
    words = [__version__]
    try:
        words.append(str(os.stat(own_file(catalog)).st_mtime_ns))
    except OSError:
        pass
    if os.path.isdir(catalog.own_folder):
        words += [f"{each.name}:{each.stat().st_mtime_ns}" for each in os.scandir(catalog.own_folder)]
    words += [f"{path}:{each.st_dev}:{each.st_ino}:{each.st_size}:{each.st_mtime_ns}" for path, each in files]
    return digest(" ".join(words))


def _read(path: str) -> list[str]:
    try:
        return bytes_of(path).decode(errors="replace").split("\n")
    except OSError:
        return []


def _write(path: str, text: str) -> None:
    """Write in one go; a text that was torn all the same has no line break at its end."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        os.write(file, text.encode())
    finally:
        os.close(file)


def _make_room(folder: str) -> None:
    os.makedirs(folder, 0o700, exist_ok=True)
    found = sorted(os.scandir(folder), key=lambda entry: entry.stat().st_mtime_ns)
    for entry in found[: max(len(found) - MOST + 1, 0)]:
        os.unlink(entry.path)
