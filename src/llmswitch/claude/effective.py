"""What Claude Code will use once all its settings files are merged."""

from __future__ import annotations

from llmswitch.base.fastjson import dumps, loads
from llmswitch.claude.variables import ALLOWED, HOST_APP, OURS, PROXIES, SAVED_MODEL, TOP_MEMBERS, as_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


# What another file or the shell must not have, or a pin is not by itself.
RULING = frozenset({*OURS, ALLOWED, *HOST_APP, *PROXIES})


class Layer:
    """One source of settings: its origin (managed, main, worktree, project, user or shell), place and values."""

    # `problem`: why Claude Code does not read it; `doubt`: why it may not
    __slots__ = ("doubt", "origin", "path", "problem", "values")

    def __init__(self, origin: str, path: str, values: Mapping[str, str], problem: str = "", doubt: str = "") -> None:
        self.origin, self.path, self.values, self.problem, self.doubt = origin, path, values, problem, doubt


class Value:
    """An effective value: its text, the layer it comes from, and the layers it overrides."""

    __slots__ = ("layer", "losers", "origin", "text")

    def __init__(self, text: str, layer: Layer) -> None:
        self.text, self.layer, self.origin = text, layer, layer.origin
        self.losers: list[Layer] = []


def effective(layers: Iterable[Layer]) -> dict[str, Value]:
    """Return {name: value} of layers in order of strength, the strongest first.

    A "" is a value too: it beats what is below it and cancels it. Lists of models count together; a managed one
    replaces them (2.1.332).
    """
    found: dict[str, Value] = {}
    for layer in layers:
        for name, text in layer.values.items():
            if name in found:
                found[name].losers.append(layer)
                if name == ALLOWED and found[name].origin != "managed":
                    found[name].text = dumps(list(dict.fromkeys([*loads(found[name].text), *loads(text)])))
            else:
                found[name] = Value(text, layer)
    return found


def first_text(layers: Sequence[Layer], name: str) -> str:
    """Return one effective value's text, "" where no layer has it."""
    return next((layer.values[name] for layer in layers if name in layer.values), "")


def file_values(root: object, wrong: Sequence[str] = (), managed: bool = False) -> Mapping[str, str]:
    """Return what a parsed settings file sets, as text; ValueError where Claude Code would drop the file.

    It does so for one member in `wrong`; of a managed file it drops only that member.
    """
    if not isinstance(root, dict):
        raise ValueError("the root is not an object")
    if wrong and not managed:
        raise ValueError(f"{wrong[0]} is of the wrong type or has an unknown value")
    found = {name: root.get(name) for name in (*TOP_MEMBERS, SAVED_MODEL)}
    top = {name: as_text(value, name) for name, value in found.items() if name not in wrong and is_plain(name, value)}
    env = root.get("env", {}) if "env" not in wrong else {}
    return {name: as_text(value) for name, value in env.items() if name not in found} | top


def is_plain(name: str, value: object) -> bool:
    """Say whether a member is one of a pin's own, or beside them, as Claude Code takes it."""
    kind = dict if name == "env" else str if name == SAVED_MODEL else TOP_MEMBERS.get(name)
    if isinstance(kind, tuple) or not isinstance(value, list):
        return value in kind if isinstance(kind, tuple) else type(value) is kind
    return kind is list and all(isinstance(item, str) for item in value)
