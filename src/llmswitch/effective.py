"""What Claude Code will use once all its settings files are merged, and where each value comes from."""

from __future__ import annotations

from llmswitch.settings import as_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

# Top-level members that decide about the backend; every other name is a variable inside `env`.
TOP = ("apiKeyHelper", "model", "disableAutoMode")
# A wrong type of a known member makes Claude Code drop the whole file, silently with -p (measured on 2.1.329).
_TYPES: dict[str, type | tuple[type, ...]] = {
    "env": dict,
    "apiKeyHelper": str,
    "model": str,
    "permissions": dict,
    "hooks": dict,
    "cleanupPeriodDays": (int, float),
    "disableAutoMode": str,
}


class Layer:
    """One source of settings: its origin (managed, main, worktree, project, user or shell), place and values."""

    def __init__(self, origin: str, path: str, values: Mapping[str, str], problem: str = "") -> None:
        self.origin, self.path, self.values, self.problem = origin, path, values, problem


class Value:
    """An effective value: its text, the layer it comes from, and the layers it overrides."""

    def __init__(self, text: str, layer: Layer, losers: Sequence[Layer]) -> None:
        self.text, self.layer, self.losers = text, layer, losers

    @property
    def origin(self) -> str:
        """The origin of the layer that wins."""
        return self.layer.origin


def effective(layers: Iterable[Layer]) -> dict[str, Value]:
    """Return {name: value} of layers in order of strength, the strongest first.

    A "" is a value too: it beats what is below it and cancels it.
    """
    owners: dict[str, list[Layer]] = {}
    for layer in layers:
        for name in layer.values:
            owners.setdefault(name, []).append(layer)
    return {name: Value(found[0].values[name], found[0], found[1:]) for name, found in owners.items()}


def file_values(root: object) -> Mapping[str, str]:
    """Return what a parsed settings file sets, as text; ValueError where Claude Code would drop the file."""
    if not isinstance(root, dict):
        raise ValueError("the root is not an object")
    for name, kind in _TYPES.items():
        if name in root and (not isinstance(root[name], kind) or isinstance(root[name], bool)):
            raise ValueError(f"{name} is of the wrong type")
    top = {name: root[name] for name in TOP if name in root}
    return {name: as_text(value) for name, value in root.get("env", {}).items()} | top
