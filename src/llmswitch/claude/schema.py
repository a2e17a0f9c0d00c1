"""Which settings files Claude Code drops as a whole: those in which a known member is of the wrong type."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

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
