"""What a workspace's editor settings say to the programs that the editor starts, as far as it concerns a pin.

Read are `.vscode/*.json`, `*.code-workspace`, `devcontainer.json` and `.idea/*.xml`. No editor was run: what is said
of them rests on their names for the environment of what they start, and on what Claude Code does with an export.
"""

from __future__ import annotations

import glob
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape

from llmswitch.base.opened import bytes_of
from llmswitch.claude.variables import HOST_APP, IDENTITY, may_be_secret
from llmswitch.settings.repair import mended

_FILES = (".vscode/*.json", "*.code-workspace", ".devcontainer.json", ".devcontainer/*.json", ".devcontainer/*/*.json")
_XML = ".idea/*.xml"
LARGEST = 1024 * 1024
NAMES = frozenset((*IDENTITY, *HOST_APP))
# Settings of Claude Code's own extension for VS Code that choose something themselves.
EXTENSION = ("claudeCode.selectedModel", "claudeCode.claudeProcessWrapper")
_ENV = re.compile(r"""<env\s+name="([A-Z_]+)"\s+value="([^"]*)"|<entry\s+key="([A-Z_]+)"\s+value="([^"]*)\"""")


@dataclass(frozen=True)
class Named:
    """A name of ours in an editor's settings: the file, where in it, and whether its value may be a secret."""

    path: str
    place: str
    name: str
    secret: bool = False


def named(root: str) -> list[Named]:
    """Return what the editor settings in a worktree's root say; a file that cannot be read says nothing."""
    found: list[Named] = []
    for pattern in _FILES:
        for path in sorted(glob.glob(os.path.join(glob.escape(root), pattern), include_hidden=True)):
            text = start_of(path)
            try:
                whole = json.loads(mended(text) or text)
            except (ValueError, RecursionError):
                continue
            found += [Named(path, place, name, secret) for place, name, secret in _in_object(whole, "")]
    for path in sorted(glob.glob(os.path.join(glob.escape(root), _XML), include_hidden=True)):
        for one, value, other, text in _ENV.findall(start_of(path)):
            if (name := one or other) in NAMES:
                found.append(Named(path, "env", name, may_be_secret(name, unescape(value or text))))
    return list(dict.fromkeys(found))


def _in_object(value: object, place: str) -> Iterator[tuple[str, str, bool]]:
    if isinstance(value, list):
        for item in value:
            yield from _in_object(item, place)
    if not isinstance(value, dict):
        return
    pair = value.get("name"), value.get("value")
    if pair[0] in NAMES and isinstance(pair[1], str):  # claudeCode.environmentVariables is a list of such
        yield place, str(pair[0]), may_be_secret(str(pair[0]), pair[1])
    for name, inner in value.items():
        if name in NAMES:
            yield place, name, isinstance(inner, str) and may_be_secret(name, inner)
        elif name in EXTENSION and inner not in (None, "", "default"):
            yield name, name, False
        else:
            yield from _in_object(inner, f"{place}.{name}" if place else name)


def start_of(path: str) -> str:
    """Return the first MiB of a file as text, "" for anything that is none."""
    try:
        return bytes_of(path)[:LARGEST].decode("utf-8-sig", errors="replace")
    except OSError:
        return ""
