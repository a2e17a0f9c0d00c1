"""How Claude Code reads a model's id: what it strips, and what it takes for one of its own models."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MILLION = "[1m]"


def plain(model: str) -> str:
    """Return a model id as Claude Code sends it: without `[1m]`."""
    name, bracket, window = model.rpartition("[")
    return name if bracket and window[-2:].lower() == "m]" and window[:-2].isdecimal() and window.isascii() else model


def is_claude(model: str) -> bool:
    """Say whether Claude Code takes a model for one of Claude's, by its name with a version."""
    name = model.lower()
    while "claude-" in name:
        name = name.partition("claude-")[2]
        if _is_version(name):
            return True
    return False


def _is_version(text: str) -> bool:
    """Say whether a text begins as in `3-5-haiku` or in `opus-5`."""
    family, _, version = text.partition("-")
    return text[:1] == "3" or (family.isascii() and family.isalpha() and version[:1] in {*"0123456789"})


def smallest_window(models: Iterable[str], windows: Mapping[str, int]) -> int | None:
    """Return the smallest known window, in tokens, among the models for which Claude Code honours the variable.

    It ignores it for ids that hold a Claude model's name with its version, and for ids that end in [1m]
    (measured on 2.1.329, which knows `claude-opus-5.5` and takes `claude-opus-latest` for a stranger).
    """
    honoured = [model for model in models if not is_claude(model) and not model.lower().endswith(MILLION)]
    known = [windows.get(model) or windows.get(model.rpartition(":")[0]) for model in honoured]
    return min((window for window in known if window), default=None)
