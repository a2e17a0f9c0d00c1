"""What Claude Code will use once all its settings files are merged, and which of them it drops as a whole."""

from __future__ import annotations

from llmswitch.claude.variables import TOP, as_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence


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


# A wrong type of a known member makes Claude Code drop the whole file, silently with -p (measured on 2.1.329).
# These are the common members that do; of others, `hooks` among them, it drops only what is wrong.
_TYPES: dict[type, str] = {
    str: "$schema apiKeyHelper model outputStyle language agent plansDirectory statusLine.command otelHeadersHelper"
    " awsAuthRefresh awsCredentialExport gcpAuthRefresh",
    bool: "includeCoAuthoredBy includeGitInstructions respectGitignore disableAllHooks spinnerTipsEnabled fastMode"
    " alwaysThinkingEnabled autoMemoryEnabled showThinkingSummaries prefersReducedMotion promptSuggestionEnabled",
    dict: "env permissions statusLine sandbox enabledPlugins modelOverrides worktree",
    list: "permissions.allow permissions.deny permissions.ask permissions.additionalDirectories availableModels"
    " fallbackModel companyAnnouncements",
}
_OF_STRINGS = {"permissions.additionalDirectories", "availableModels", "fallbackModel", "companyAnnouncements"}
_ONE_OF: dict[str, tuple[object, ...]] = {
    "disableAutoMode": ("disable", None),
    "permissions.disableAutoMode": ("disable",),
    "permissions.disableBypassPermissionsMode": ("disable",),
    "permissions.defaultMode": (
        "default", "manual", "acceptEdits", "plan", "auto", "dontAsk", "bypassPermissions",
    ),
    "statusLine.type": ("command",),
    "autoUpdatesChannel": ("latest", "stable", "rc"),
}  # fmt: skip
_KINDS = {name: kind for kind, names in _TYPES.items() for name in names.split()}
KNOWN = frozenset({*_KINDS, *_ONE_OF, "cleanupPeriodDays"})


def wrong_members(root: Mapping[str, object]) -> list[str]:
    """Return the known members whose values Claude Code does not accept, the inner ones as `outer.inner`."""
    return [name for name, value in _members(root) if not _is_valid(name, value)]


def _members(root: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """Yield every member and inner member, and None for one that must be there but is not."""
    for name, value in root.items():
        yield name, value
        inner = value if isinstance(value, dict) else {}
        needed = {"type": None, "command": None} if name == "statusLine" else {}
        yield from ((f"{name}.{part}", member) for part, member in {**needed, **inner}.items())


def _is_valid(name: str, value: object) -> bool:
    if name == "cleanupPeriodDays":
        return isinstance(value, (int, float)) and value is not True and 0 < value < 2**53 and not value % 1
    if name in _ONE_OF:
        return value in _ONE_OF[name]
    kind = _KINDS.get(name)
    if name in _OF_STRINGS and isinstance(value, list) and not all(isinstance(item, str) for item in value):
        return False
    return kind is None or type(value) is kind
