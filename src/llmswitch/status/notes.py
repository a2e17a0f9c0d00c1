"""What to say of a pin that is not just as a switch of ours put it; behind one door, since most are."""

from __future__ import annotations

from llmswitch.base.errors import LlmswitchError
from llmswitch.base.problem import Problem
from llmswitch.base.secret import Secret, redacted
from llmswitch.base.shell import spelled
from llmswitch.base.urls import host_of
from llmswitch.claude.clouds import BY_SWITCH
from llmswitch.claude.variables import ALLOWED, BASE_URL, CREDENTIALS, HELPER, NO_MILLION, counts
from llmswitch.presets import ladder
from llmswitch.status.looks_like import recognised
from llmswitch.status.mends import settled

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from llmswitch.claude.effective import Layer, Value
    from llmswitch.presets.catalog import Catalog
    from llmswitch.presets.preset import Preset
    from llmswitch.settings.state import Record


def drifted(preset: Preset, record: Record, drift: Sequence[str], values: Mapping[str, str]) -> Problem:
    """Return the problem of members of a file that are not as the switch put them."""
    message = f"Not as {preset.name} was put here: {', '.join(dict.fromkeys(drift))}."
    command = spelled(preset.name, record.overrides, bool(record.pin.get(HELPER)))
    return Problem("drift", "warning", message, command + settled(values, record, preset.key))


def unfenced(
    preset: str, overrides: Mapping[str, str], record: Record, wanted: Mapping[str, Any], values: Mapping[str, str]
) -> Problem:
    """Return the note that a pin lets a session ask for any model; `doctor --fix` adds the list."""
    members = {name: wanted[name] for name in (ALLOWED, NO_MILLION) if name in wanted}
    message = "This pin has no list of its models: an agent or a skill that names another one gets it from this host."
    command = spelled(preset, overrides, bool(record.pin.get(HELPER))) + settled(values, record, None)
    return Problem("no-fence", "note", message, command, members)


def overruled(switch: str, own: Layer | None, values: Mapping[str, Value]) -> list[Problem]:
    """Return the problem of a pin in the own file that a cloud's switch, set elsewhere, makes void."""
    url = own.values.get(BASE_URL, "") if own else ""
    if not own or not url or counts(switch, own.values.get(switch, "")):
        return []
    cloud, place = BY_SWITCH[switch], values[switch].layer.path or "the shell"
    message = f"{switch} of {place} decides: all goes to {cloud.title}, and not to {host_of(url)}."
    return [Problem("cloud", "error", message, f"Take {switch} out of {place}.")]


def unrecorded(values: Mapping[str, str], record: Record, catalog: Catalog, problems: list[Problem]) -> Preset | None:
    """Return the preset that a pin looks like which no switch of ours recorded, and note in `problems` what it is.

    None where it looks like none; then a key of ours in it may go elsewhere.
    """
    found = recognised(values, catalog, problems)
    if found is None:
        problems[:0] = _strange_host(values, record, catalog)
    return found


def _strange_host(values: Mapping[str, str], record: Record, catalog: Catalog) -> list[Problem]:
    """Return the error of a key that the last switch put here, or whose helper it did, and that now goes elsewhere."""
    url, helper = values.get(BASE_URL, ""), values.get(HELPER, "")
    by_helper = helper != "" and helper == record.pin.get(HELPER)
    as_token = any(values.get(name) and record.has_key(Secret(values[name])) for name in CREDENTIALS.values())
    if not (record.preset and (by_helper or as_token)) or host_of(url) == host_of(record.pin.get(BASE_URL, "")):
        return []
    try:
        key = catalog.load(record.preset).key or record.preset
    except LlmswitchError:  # the preset is gone; its key is not
        key = record.preset
    where = host_of(url) or redacted(url) or "Anthropic"
    message = f"The {key} key is sent to {where}: the base URL is not the one that {record.preset} was put here with."
    fix = spelled(record.preset, record.overrides, bool(record.pin.get(HELPER)))
    return [Problem("strange-host", "error", message, fix)]


def climbed(root: str, preset: str, overrides: Mapping[str, str], problems: list[Problem]) -> list[str]:
    """Return what differs, and note the problem, where the worktree's ladder is not the one this pin came from."""
    try:
        now: list[str] | None = ladder.read(root)
        why = "was changed since the switch"
    except ladder.NoLadder as none:
        now, why = None, str(none).partition(f"{ladder.FILE} ")[2] or "is gone"
    try:
        before = ladder.marked(overrides)
    except ValueError:  # somebody edited the state
        before = None
    if now is not None and now == before:
        return []
    message = f"This pin has its slots from {ladder.FILE}, which {why}."
    problems.append(Problem("ladder", "warning", message, spelled(preset, overrides)))
    return [ladder.FILE]
