"""What Claude Code will use once all its settings files are merged, and where each value comes from."""

from __future__ import annotations

from llmswitch.base.fastjson import dumps
from llmswitch.claude.schema import wrong_members
from llmswitch.claude.variables import TOP

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


class Layer:
    """One source of settings: its origin (managed, main, worktree, project, user or shell), place and values.

    `problem` says why Claude Code does not read it, "" where it does.
    """

    __slots__ = ("origin", "path", "problem", "values")

    def __init__(self, origin: str, path: str, values: Mapping[str, str], problem: str = "") -> None:
        self.origin, self.path, self.values, self.problem = origin, path, values, problem


class Value:
    """An effective value: its text, the layer it comes from, and the layers it overrides."""

    __slots__ = ("layer", "losers", "origin", "text")

    def __init__(self, text: str, layer: Layer) -> None:
        self.text, self.layer, self.origin = text, layer, layer.origin
        self.losers: list[Layer] = []


def effective(layers: Iterable[Layer]) -> dict[str, Value]:
    """Return {name: value} of layers in order of strength, the strongest first.

    A "" is a value too: it beats what is below it and cancels it.
    """
    found: dict[str, Value] = {}
    for layer in layers:
        for name, text in layer.values.items():
            if name in found:
                found[name].losers.append(layer)
            else:
                found[name] = Value(text, layer)
    return found


def first_text(layers: Sequence[Layer], name: str) -> str:
    """Return one effective value's text, "" where no layer has it."""
    return next((layer.values[name] for layer in layers if name in layer.values), "")


def file_values(root: object, managed: bool = False) -> Mapping[str, str]:
    """Return what a parsed settings file sets, as text; ValueError where Claude Code would drop the file.

    Of a managed file it drops only the members that are wrong.
    """
    if not isinstance(root, dict):
        raise ValueError("the root is not an object")
    wrong = wrong_members(root)
    if wrong and not managed:
        raise ValueError(f"{wrong[0]} is of the wrong type or has an unknown value")
    top = {name: as_text(root[name]) for name in TOP if name not in wrong and root.get(name) is not None}
    env = root.get("env", {}) if "env" not in wrong else {}
    return {name: as_text(value) for name, value in env.items()} | top


def as_text(value: object) -> str:
    """Return a JSON value as the text Claude Code makes of it (2.1.329): null is "null", a list its items."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return ",".join("" if item is None else as_text(item) for item in value)
    if isinstance(value, dict):
        return "[object Object]"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
        return str(int(value))
    return dumps(value)
