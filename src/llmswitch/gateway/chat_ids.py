"""Ids and names that one side does not take, made fit for it and found again; no state, so a restart loses none."""

from __future__ import annotations

import hashlib
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable
from secrets import token_hex

# What the Messages API takes as the id of a tool call; a history may go there after another switch.
_FIT = re.compile(r"[a-zA-Z0-9_-]+")
_MISTRAL = re.compile(r"[a-zA-Z0-9]{9}")  # before version 13 of Mistral's tokenizer
_PACKED = "call_x_"
LONGEST_ID = 40  # OpenAI's limit
LONGEST_NAME = 64  # OpenAI's and Mistral's; the Messages API takes 128


def to_client(identifier: str, taken: set[str]) -> str:
    """Return the id under which the client gets a call: a new one where there is none or `taken` has it already."""
    made = identifier
    if identifier and (not _FIT.fullmatch(identifier) or identifier.startswith(_PACKED)):
        made = _PACKED + urlsafe_b64encode(identifier.encode("utf-8", "surrogatepass")).decode().rstrip("=")
    if not made or made in taken:
        made = f"toolu_{token_hex(12)}"
    taken.add(made)
    return made


def to_server(identifier: str, mistral: bool) -> str:
    """Return the id that the server gave, or one that it takes: equal ones stay equal, different ones different."""
    if identifier.startswith(_PACKED):
        packed = identifier.removeprefix(_PACKED)
        try:
            identifier = urlsafe_b64decode(packed + "=" * (-len(packed) % 4)).decode("utf-8", "surrogatepass")
        except ValueError:
            pass  # another's id that only looks like ours
    digest = hashlib.sha256(identifier.encode("utf-8", "surrogatepass")).hexdigest()
    if mistral:
        return identifier if _MISTRAL.fullmatch(identifier) else digest[:9]
    return identifier if 0 < len(identifier) <= LONGEST_ID else f"call_{digest[: LONGEST_ID - 5]}"


def short_name(name: str) -> str:
    """Return a tool's name as servers take it; MCP tools have longer ones."""
    if len(name) <= LONGEST_NAME and _FIT.fullmatch(name):
        return name
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return re.sub(r"[^a-zA-Z0-9_-]", "_", name)[: LONGEST_NAME - 9] + "_" + digest


def long_names(names: Iterable[str]) -> dict[str, str]:
    """Return {a name as the server knows it: the client's}."""
    return {short_name(name): name for name in names}
