"""The repository's own ignore file, which all its worktrees share: rules added at its end."""

from __future__ import annotations

import os
from io import FileIO

from llmswitch.base.errors import Refused


def append(path: str, rules: str) -> None:
    """Add the rules at the end of an ignore file; what was written of them goes again where not all could be."""
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "a+b", buffering=0) as file:
            size = file.tell()
            file.seek(max(0, size - 1))
            start = "" if file.read() in (b"", b"\n") else "\n"
            _write_all(file, (start + rules).encode(), size)
    except OSError as error:
        raise Refused(f"Cannot add the ignore rule to {path}: {error.strerror}.") from None


def _write_all(file: FileIO, data: bytes, size: int) -> None:
    try:
        while data:
            data = data[file.write(data) :]
    except OSError:
        file.truncate(size)
        raise
