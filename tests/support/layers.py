"""What reads the layers of sessions in an environment."""

from __future__ import annotations

from collections.abc import Mapping

from llmswitch.claude.layers import Reader


def reader_of(environ: Mapping[str, str]) -> Reader:
    """Return the reader for a user with this environment."""
    return Reader(environ)
