"""The transcripts of one session: its own, and those of its sub-agents in the folder beside it."""

from __future__ import annotations

import os

END = ".jsonl"


def files_of(transcript: str) -> list[tuple[str, os.stat_result]]:
    """Return path and status of a session's transcripts, its own first; what cannot be looked at is left out."""
    try:
        return [(transcript, os.stat(transcript)), *_below(transcript.removesuffix(END))]
    except OSError:
        return []


def _below(folder: str) -> list[tuple[str, os.stat_result]]:
    try:
        with os.scandir(folder) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return []
    files = []
    for entry in found:
        if entry.is_dir(follow_symlinks=False):
            files += _below(entry.path)
        elif entry.name.endswith(END) and entry.is_file():
            files.append((entry.path, entry.stat()))
    return files
