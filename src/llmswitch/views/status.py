"""What Claude Code uses, as lines of text."""

from __future__ import annotations

from llmswitch.claude.variables import NONE
from llmswitch.views.text import columns, short_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmswitch.status.report import Report


def status(report: Report, home: str) -> list[str]:
    """Return the full text of `llmswitch status`."""
    data = report.data()
    branch = f" ({data['branch']})" if data["branch"] else ""
    here = {each.code: report.folder for each in report.problems}.get("not-read-here", report.worktree)
    lines = [f"{short_path(here, home)}{branch}: {headline(report)}"]
    if not report.broken:
        lines += columns(_facts(data) if report.preset != "claude" else _facts(data)[1 : 3 if report.overrides else 2])
        lines += columns(_slot_rows(data)) if report.preset != "claude" or report.overrides else []
    lines += [f"{each.level}: {each.message}" + (f" → {each.fix}" if each.fix else "") for each in report.problems]
    return lines


def headline(report: Report) -> str:
    """Return the state in a few words: the preset and what was changed in it."""
    if report.broken:
        return "Claude Code ignores the settings file"
    if report.preset is None:
        return report.cloud["title"] if report.cloud else "not a known preset"
    if report.over:
        return f"{report.over.replace('?', 'not a known preset')} (main's; {report.preset} is shadowed)"
    words = ", ".join(report.overrides)
    if report.preset == "claude":
        return f"claude{f', {words} changed' if words else ''} (Claude Code's own backend)"
    lead = ("follows main: " if report.follows_main else "") + ("looks like " if report.match.alike else "")
    return f"{lead}{report.preset}, {words} changed" if words else lead + report.preset


def _facts(data: Mapping[str, object]) -> list[tuple[str, str]]:
    credential, cloud = data["credential"], data["cloud"]
    key = ("key", _credential(credential) if isinstance(credential, dict) else NONE)
    gateway = data["gateway"]
    up = f" (the local gateway{'' if gateway['up'] else ', not running'})" if isinstance(gateway, dict) else ""
    where = ("base URL", str(data["base_url"] or NONE) + up)
    if isinstance(cloud, dict):
        where = ("cloud", ", ".join(filter(None, (cloud["title"], cloud["region"], cloud["endpoint"]))))
    return [where, key, ("start", f"{data['start_slot']}, for new sessions" if data["start_slot"] else NONE)]


def _credential(credential: Mapping[str, object]) -> str:
    kind, source = str(credential["kind"]), credential["source"]
    sent = {"bearer": "sent as Authorization: Bearer", "api-key": "sent as x-api-key", "none": "none needed"}
    if kind not in (*sent, "helper"):
        from llmswitch.views.credential import words  # a pin has its own key

        return words(credential)
    text = f"{credential['masked'] or NONE} {sent.get(kind, 'printed by apiKeyHelper')}"
    return f"{text}, from {source}" if source else text


def _slot_rows(data: Mapping[str, object]) -> list[tuple[str, ...]]:
    slots = data["slots"]
    return [_slot_row(slot, entry, data) for slot, entry in slots.items()] if isinstance(slots, dict) else []


def _slot_row(slot: str, entry: Mapping[str, object], data: Mapping[str, object]) -> tuple[str, ...]:
    empty = "(as the session)" if slot == "subagent" else "(Claude Code's own)" if data["preset"] == "claude" else NONE
    overrides = data["overrides"]
    same = data["preset"] is None or not isinstance(overrides, list) or slot not in overrides
    wanted = ("", "") if same else ("≠", str(entry["preset_model"] or empty))
    shadow, origin = entry["shadowed_by"], entry["origin"]
    where = f"SHADOWED by {shadow}" if shadow else f"from {origin}" if origin not in ("worktree", "default") else ""
    return slot.ljust(len("base URL")), str(entry["model"] or empty), *wanted, where, _via(entry.get("via"))


def _via(via: object) -> str:
    """Return where the gateway sends a slot, "" where there is no gateway."""
    if not isinstance(via, dict):
        return ""
    key = f"{via['key']} key" if via["key"] else "no key"
    translated = ", OpenAI format" if via["protocol"] == "openai" else ""
    return f"at {via['host']} ({key}{translated})"


def short(report: Report) -> list[str]:
    """Return one word for a prompt: the preset, `*` where something differs from it, `!` for a file or pin in error."""
    if report.broken:
        return ["!"]
    return [report.name + report.mark]
