"""Which settings files Claude Code drops as a whole: those in which a known member has a value that it does not take.

`env`, `permissions` and `hooks` are judged by rules, which hold on 2.1.330 and 2.1.332; all other members by data that
scripts/schema makes by asking the client, and which hold for that version of it.
"""

from __future__ import annotations

import os

from llmswitch.base.fastjson import loads
from llmswitch.base.opened import bytes_of
from llmswitch.claude.installed import version
from llmswitch.claude.variables import ALLOWED, AUTO_MODE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

DATA = os.path.join(os.path.dirname(__file__), "schema.json")
# The kinds of values that the client is asked about, each with one of them.
PROBES: dict[str, Any] = {
    "negative": -1.5, "fraction": 0.5, "zero": 0, "whole": 1, "text": "x", "blank": "", "null": None, "object": {},
    "list": [], "texts": ["x"], "mixed": [5], "flag": True, "url": "https://a.example",
}  # fmt: skip
_MODES = ("default", "manual", "acceptEdits", "plan", "auto", "dontAsk", "bypassPermissions")
# The events in which a malformed hook would let something through: only there it drops the file, elsewhere the hook.
_STRICT_EVENTS = ("PreToolUse", "PermissionRequest")
# type of hook → the texts that it must have
_HOOKS = {"command": "command", "prompt": "prompt", "agent": "prompt", "http": "url", "mcp_tool": "server tool"}
_OF_HOOKS = {"once": bool, "async": bool, "statusMessage": str, "if": str, "model": str}
_SHELLS = ("bash", "powershell")
RULED = ("env", "permissions", "hooks")


def by_rules(root: Mapping[str, object]) -> list[str]:
    """Return the members that no version of the client takes as they are, the inner ones as `outer.inner`."""
    found = [] if isinstance(root.get("env", {}), dict) else ["env"]
    if "permissions" in root:
        found += _of_permissions(root["permissions"])
    hooks = root.get("hooks")
    events = hooks if isinstance(hooks, dict) else {}
    return found + [f"hooks.{event}" for event in _STRICT_EVENTS if not _are_matchers(events.get(event))]


def by_data(root: Mapping[str, object]) -> list[str]:
    """Return the other members that the client of the data does not take as they are."""
    others = {name: value for name, value in root.items() if name not in RULED}
    if not others:
        return []
    known = known_members()
    return list(_wrong("", others, known["members"], known["needed"]))


def wrong_members(root: Mapping[str, object], search: str, managed: bool = False) -> tuple[list[str], str]:
    """Return what makes the client drop a file, and what may do so: the data are of another version than it is.

    `search` is the PATH on which it is looked for. Of a managed file the client drops that member alone.
    """
    wrong = by_rules(root)
    if wrong or not (unsure := by_data(root)):
        return wrong, ""
    here, asked = version(search), known_members()["client"]
    if here in ("", asked):
        return unsure, ""
    ignored = "only that member" if managed else "the whole file"
    return [], f"{unsure[0]} has a value for which Claude Code {asked} ignores {ignored}; yours is {here}."


def enforced(root: Mapping[str, object]) -> dict[str, object]:
    """Return an administrator's settings as they count: what restricts does so with a wrong value too (2.1.332)."""
    listed, found = root.get(ALLOWED), dict(root)
    if ALLOWED in root:
        found[ALLOWED] = [entry for entry in listed if isinstance(entry, str)] if isinstance(listed, list) else []
    if root.get(AUTO_MODE) is not None:
        found[AUTO_MODE] = "disable"
    return found


def known_members() -> Any:
    """Return the data: the client's version, what each member may hold, and what an object must hold."""
    return loads(bytes_of(DATA).decode())


def _of_permissions(value: object) -> list[str]:
    if not isinstance(value, dict):
        return ["permissions"]
    found = [name for name in ("allow", "deny", "ask") if not isinstance(value.get(name, []), list)]
    folders = value.get("additionalDirectories", [])
    if not isinstance(folders, list) or not all(isinstance(item, str) for item in folders):
        found.append("additionalDirectories")
    for name in ("disableAutoMode", "disableBypassPermissionsMode"):
        found += [name] if value.get(name, "disable") != "disable" else []
    found += ["defaultMode"] if value.get("defaultMode", "default") not in _MODES else []
    return [f"permissions.{name}" for name in found]


def _are_matchers(value: object) -> bool:
    if value is None:
        return True
    return isinstance(value, list) and all(isinstance(item, dict) and _is_matcher(item) for item in value)


def _is_matcher(value: Mapping[str, object]) -> bool:
    hooks = value.get("hooks")
    if not isinstance(value.get("matcher", ""), str) or not isinstance(hooks, list):
        return False
    return all(isinstance(hook, dict) and _is_hook(hook) for hook in hooks)


def _is_hook(hook: Mapping[str, Any]) -> bool:
    kind, timeout = hook.get("type"), hook.get("timeout", 1)
    if not isinstance(kind, str) or kind not in _HOOKS:
        return False
    if not all(isinstance(hook.get(name), str) for name in _HOOKS[kind].split()):
        return False
    if kind == "http" and not hook["url"].partition(":")[1]:
        return False
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or timeout <= 0:
        return False
    typed = all(isinstance(hook.get(name, kind()), kind) for name, kind in _OF_HOOKS.items())
    return typed and hook.get("shell", "bash") in _SHELLS


def _wrong(
    above: str, members: Mapping[str, object], known: Mapping[str, Any], needed: Mapping[str, Sequence[str]]
) -> Iterator[str]:
    """Yield the members that are not as the data have them, of an object whose path ends in a point."""
    for name, value in members.items():
        path = above + name if above + name in known else f"{above}*"
        if path not in known:
            continue
        if not _is_taken(value, known[path]):
            yield above + name
        elif isinstance(value, dict):
            lacks = [inner for inner in needed.get(path, ()) if inner not in value]
            yield from (f"{above}{name}.{inner}" for inner in lacks)
            yield from _wrong(f"{path}.", value, known, needed)


def _is_taken(value: object, kinds: str | Sequence[str]) -> bool:
    if not isinstance(kinds, str):
        return (value or "null" if value is None else value) in kinds
    return any(kind in kinds.split() for kind in _kinds(value))


def _kinds(value: object) -> Sequence[str]:
    """Return the kinds of PROBES that a value is of: one of them must be taken."""
    if value is None:
        return ("null",)
    if isinstance(value, bool):
        return ("flag",)
    if isinstance(value, str):
        word = value.replace("-", "").replace("_", "").isalnum()  # a few members take no other text
        return ("text",) if word else ("url",) if value else ("blank",)
    if isinstance(value, dict):
        return ("object",)
    if isinstance(value, list):
        return ("list",) if not value else ("texts",) if all(isinstance(item, str) for item in value) else ("mixed",)
    return ("negative",) if value < 0 else ("zero",) if value == 0 else ("fraction",) if value % 1 else ("whole",)  # type: ignore[operator]
