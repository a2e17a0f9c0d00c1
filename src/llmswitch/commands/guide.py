"""`llmswitch help`: the pages of the guide, which lie as Markdown in `llmswitch/help`."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

_FOLDER = os.path.join(os.path.dirname(os.path.dirname(__file__)), "help")
_SUFFIX = ".md"
_PICTURE = re.compile(r"<picture>.*?</picture>\n+", re.S)
_LINK = re.compile(r"\[([^\]]+)\]\([^)]+\)")


def topics() -> Mapping[str, str]:
    """Return {topic: title} of the pages."""
    names = sorted(name for name in os.listdir(_FOLDER) if name.endswith(_SUFFIX))
    return {name.removesuffix(_SUFFIX): _text(name).partition("\n")[0].removeprefix("# ") for name in names}


def page(topic: str) -> str:
    """Return a page as a terminal shows it: without pictures, and of a link what it is called."""
    return _LINK.sub(r"\1", _PICTURE.sub("", _text(topic + _SUFFIX)))


def _text(name: str) -> str:
    with open(os.path.join(_FOLDER, name), encoding="utf-8") as file:
        return file.read()
