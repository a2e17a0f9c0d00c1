"""Which preset a worktree is pinned to, and what is not as that preset, with the recorded overrides, wants it."""

from __future__ import annotations

from llmswitch.base.errors import LlmswitchError, UsageProblem
from llmswitch.base.problem import Problem
from llmswitch.base.secret import Secret
from llmswitch.claude.effective import first_text
from llmswitch.claude.variables import (
    ALLOWED,
    BASE_URL,
    CLOUD_SWITCHES,
    CREDENTIAL_PLACES,
    CREDENTIALS,
    HELPER,
    KEYLESS_TOKEN,
    OURS,
    VARIABLES,
    as_text,
    counts,
)  # fmt: skip
from llmswitch.presets.pin import pin

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from llmswitch.claude.effective import Layer, Value
    from llmswitch.presets.catalog import Catalog
    from llmswitch.presets.pin import Pin
    from llmswitch.presets.preset import Preset
    from llmswitch.settings.checkout import Checkout
    from llmswitch.settings.state import Record

    Values = Mapping[str, str]


class Match:
    """What a worktree comes to: its preset (None: not a known one), that preset's pin, and the drift from it.

    `pin` has the recorded base URL and no other override. `source` is where the key came from, as recorded, `problems`
    what was found on the way, `switch` that of the cloud to which all goes; `alike`: it only looks like that preset.
    """

    __slots__ = ("alike", "drift", "follows_main", "pin", "preset", "problems", "source", "switch")

    def __init__(
        self, preset: str | None, pin: Pin | None = None, drift: list[str] | None = None, source: str | None = None,
        problems: list[Problem] | None = None, follows_main: bool = False, switch: str = "", alike: bool = False,
    ) -> None:  # fmt: skip
        self.preset, self.pin, self.drift, self.source, self.switch = preset, pin, drift or [], source, switch
        self.problems, self.follows_main, self.alike = problems or [], follows_main, alike


def is_pinned(values: Values) -> bool:
    """Say whether anything decides who is called: without it, Claude Code's own backend is."""
    return any(counts(name, values[name]) for name in OURS if name in values)


def compare(checkout: Checkout, own: Layer | None, effective: Mapping[str, Value], catalog: Catalog) -> Match:
    """Return what the worktree's own file comes to, or, where that has no pin, what the weaker and main's files do."""
    record, values, follows = checkout.state.current, own.values if own else {}, False
    switch = next((name for name in CLOUD_SWITCHES if name in effective and counts(name, effective[name].text)), "")
    if not is_pinned(values):
        # Nothing of its own: what is in effect comes from main or a weaker file, never from an export alone.
        values = {name: value.text for name, value in effective.items() if value.origin != "shell"}
        if not is_pinned(values):
            url = effective[BASE_URL].text if BASE_URL in effective else ""
            return Match(None if switch or url else "claude", switch=switch)
        main = checkout.main
        follows = any(layer.origin == "main" for layer in checkout.layers)
        record = main.state.current if follows and main else record
    if switch and not counts(switch, record.pin.get(switch, "")):  # no pin of ours
        return Match(None, problems=_notes().overruled(switch, own, effective), follows_main=follows, switch=switch)
    problems: list[Problem] = []
    recorded = _recorded(values, record, catalog, problems)
    preset: Preset | None = recorded or _notes().unrecorded(values, record, catalog, problems)
    if preset is None:
        return Match(None, problems=problems, follows_main=follows)
    overrides = record.overrides if recorded else {}
    try:
        plain = pin(preset, {"base_url": overrides["base_url"]} if "base_url" in overrides else {}, catalog)
        wanted = pin(preset, overrides, catalog)
    except UsageProblem as error:
        problems.append(Problem("preset-unusable", "warning", error.args[0], error.hint))
        return Match(preset.name, problems=problems, follows_main=follows, switch=switch)
    ours = record if recorded else None
    problems += _unfenced(preset.name, overrides, record, wanted.members, values, bool(ours))
    wrong, source = _credentials(preset, values, ours)
    drift = _differences(values, wanted.members, ours) + wrong
    if drift and recorded:
        problems.append(_notes().drifted(preset, record, drift, values))
    elif record.key and not record.key.get("source", "").startswith("LLMSWITCH_KEY_"):
        from llmswitch.status.key_age import aged  # reads one more file; only where the keyring gave the key

        drift = aged(checkout, preset, values, record, problems)
    drift += _climbed(checkout, follows, preset.name, overrides, problems) if "ladder" in overrides else []
    return Match(preset.name, plain, drift, source, problems, follows, switch, alike=not recorded)


def _climbed(checkout: Checkout, follows: bool, preset: str, overrides: Values, problems: list[Problem]) -> list[str]:
    root = checkout.main.root if follows and checkout.main else checkout.root
    found: list[str] = _notes().climbed(root, preset, overrides, problems)
    return found


def _unfenced(
    preset: str, overrides: Values, record: Record, members: Mapping[str, object], values: Values, ours: bool
) -> list[Problem]:
    listed = ALLOWED not in members or ALLOWED in values or (ours and ALLOWED in record.wrote)
    # With models of its own a file that only looks like the preset would get a list that lacks them.
    others = not ours and any(values.get(name) != members.get(name) for name in VARIABLES.values())
    return [] if listed or others else [_notes().unfenced(preset, overrides, record, members, values)]


def _notes() -> Any:
    from llmswitch.status import notes  # only for a pin that is not just as a switch of ours put it

    return notes


def _recorded(values: Values, record: Record, catalog: Catalog, problems: list[Problem]) -> Preset | None:
    """Return the recorded preset where its base URL still stands; one that cannot be used is a problem."""
    if record.preset and record.pin and record.pin.get(BASE_URL) == values.get(BASE_URL):
        try:
            return catalog.load(record.preset)
        except LlmswitchError as error:
            problems.append(Problem("preset-unusable", "warning", error.args[0], error.hint))
    return None


def _differences(values: Values, wanted: Values, record: Record | None) -> list[str]:
    """Return the members that are not what the pin `wanted` says; credentials are not compared.

    Tuning members count where `record` says that we wrote them; without a record they may be the user's own.
    """
    wrote = record.wrote if record else {}
    names = [name for name in wanted if name not in CREDENTIAL_PLACES and (name in OURS or name in wrote)]
    return [name for name in names if values.get(name) != as_text(wanted[name], name)]


def _credentials(preset: Preset, values: Values, record: Record | None) -> tuple[list[str], str | None]:
    """Return the credentials that are not in the one place of this pin, and where ours came from, as recorded."""
    if preset.cloud or preset.is_claude:
        return [], None
    found = {name: values[name] for name in CREDENTIAL_PLACES if values.get(name)}
    by_helper = bool(record and record.pin.get(HELPER))
    place = HELPER if by_helper else CREDENTIALS[preset.auth if preset.key else "bearer"]
    # Just one of them, and the others blank: one that is missing lets an export or the user's own in.
    wrong = [name for name in CREDENTIAL_PLACES if name not in values or (name == place) != bool(values[name])]
    if record and place in found and not wrong:
        return ([], record.key.get("source")) if _is_ours(found[place], place, record) else ([place], None)
    return wrong, None


def _is_ours(text: str, place: str, record: Record) -> bool:
    if place == HELPER:
        return text == record.pin.get(HELPER)
    return record.has_key(Secret(text)) if record.key else text == KEYLESS_TOKEN


def differ(values: Mapping[str, Value], other: Sequence[Layer]) -> bool:
    """Say whether fewer layers would call another backend, with another credential or other models."""
    missing = [name for name in OURS if name in values and values[name].layer not in other]
    return any(values[name].text != first_text(other, name) for name in missing)
