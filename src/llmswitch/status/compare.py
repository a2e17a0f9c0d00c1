"""How a worktree differs from the preset it was switched to: which preset it is, and what is not as that wants it."""

from __future__ import annotations

from llmswitch.base.errors import LlmswitchError, UsageProblem
from llmswitch.base.problem import Problem
from llmswitch.base.secret import Secret, redacted
from llmswitch.base.urls import host_of
from llmswitch.claude.variables import BASE_URL, HELPER, KEYLESS_TOKEN
from llmswitch.commands.request import spelled
from llmswitch.presets.pin import wished
from llmswitch.settings.state import is_fingerprint
from llmswitch.status import recognise

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from llmswitch.presets.catalog import Catalog
    from llmswitch.presets.preset import Preset
    from llmswitch.settings.checkout import Target
    from llmswitch.settings.state import Record
    from llmswitch.status.report import Status, Surroundings


def compare(report: Status, target: Target, around: Surroundings, catalog: Catalog) -> None:
    """Fill in which preset it is and what is not as that preset, with the recorded overrides, wants it."""
    record, values = target.journal.current, report.own.values if report.own else {}
    if not recognise.is_pinned(values):
        # Nothing of its own: what is in effect comes from main or a weaker file, never from an export alone.
        values = {name: value.text for name, value in report.values.items() if value.origin != "shell"}
        report.follows_main = any(layer.origin == "main" for layer in around.layers) and recognise.is_pinned(values)
        record = around.main if report.follows_main and around.main else record
    if not recognise.is_pinned(values):
        report.preset = None if recognise.is_elsewhere(report.texts) else "claude"
        return
    preset, is_recorded = _preset(report, values, record, catalog)
    if preset is None:
        host = host_of(values.get(BASE_URL, ""))
        message = f"Not a known preset{f' ({host})' if host else ''}."
        report.problems.append(Problem("unknown-preset", "warning", message, "llmswitch list"))
        return
    report.preset = preset.name
    overrides = record.overrides if is_recorded else {}
    try:
        report.wish = wished(preset, {name: overrides[name] for name in overrides if name == "base_url"}, catalog)
        wanted = wished(preset, overrides, catalog)
    except UsageProblem as error:
        report.problems.append(Problem("preset-unusable", "warning", error.args[0], error.hint))
        return
    own = record if is_recorded else None
    report.drift = recognise.differences(values, wanted, own) + _credential_drift(report, preset, values, own)
    if report.drift:
        message = f"Not as {preset.name} was put here: {', '.join(dict.fromkeys(report.drift))}."
        fix = spelled(preset.name, overrides, bool(record.pin.get(HELPER)))
        report.problems.append(Problem("drift", "warning", message, fix))


def _credential_drift(report: Status, preset: Preset, values: Mapping[str, str], record: Record | None) -> list[str]:
    """Return the credentials that are not in the one place of this pin, and fill in where ours came from."""
    if preset.cloud:
        return []
    found = dict(recognise.credentials(values).values())
    if not found:
        shown = redacted(values.get(BASE_URL, ""))
        message = f"The base URL {shown} has no credential: your own login is sent there."
        report.problems.append(Problem("no-credential", "warning", message, f"llmswitch {preset.name}"))
    by_helper = bool(record and record.pin.get(HELPER))
    place = recognise.credential_place(preset, by_helper)
    # Just one of them, and the others blank: one that is missing lets an export or the user's own in.
    wrong = [name for name in recognise.PLACES if name not in values or (name == place) != bool(values[name])]
    if record and place in found and not wrong:
        if _is_ours(found[place], place, record):
            report.source = record.key.get("source")
        else:
            wrong = [place]
    return wrong


def _is_ours(text: str, place: str, record: Record) -> bool:
    if place == HELPER:
        return text == record.pin.get(HELPER)
    return is_fingerprint(record.key, Secret(text)) if record.key else text == KEYLESS_TOKEN


def _preset(report: Status, values: Mapping[str, str], record: Record, catalog: Catalog) -> tuple[Preset | None, bool]:
    """Return the recorded preset where its base URL still stands (and True), else the one that fits best."""
    if record.preset and record.pin.get(BASE_URL) == values.get(BASE_URL):
        try:
            return catalog.load(record.preset), True
        except LlmswitchError as error:
            report.problems.append(Problem("preset-unusable", "warning", error.args[0], error.hint))
    return recognise.closest(values, _wishes(catalog)), False


def _wishes(catalog: Catalog) -> Iterator[tuple[Preset, Mapping[str, str]]]:
    """Yield the pins of the presets that have one."""
    for preset in catalog.load_all()[0]:
        try:
            wish = wished(preset, {}, catalog)
        except UsageProblem:  # one preset without a model must not stand in the way of the others
            continue
        if wish:
            yield preset, wish
