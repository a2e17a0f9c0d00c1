"""`llmswitch status`: what Claude Code will really use in a worktree, and how that differs from the preset."""

from __future__ import annotations

from llmswitch import problems, recognise, secret
from llmswitch.commands.gateway_status import through
from llmswitch.commands.request import wished
from llmswitch.effective import Layer, effective
from llmswitch.errors import LlmswitchError, UsageProblem
from llmswitch.identity import AUTH_TOKEN, BASE_URL, KEYLESS_TOKEN, START_MODEL
from llmswitch.journal import is_fingerprint
from llmswitch.problems import Problem
from llmswitch.settings_file import NAME
from llmswitch.slots import VARIABLES
from llmswitch.urls import host_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from llmswitch.catalog import Catalog
    from llmswitch.change import Record
    from llmswitch.commands.switch import Target
    from llmswitch.preset import Preset
    from llmswitch.worktrees import Listed

    Around = Callable[[Target], "Surroundings"]


class Surroundings:
    """What a session in a worktree reads: its layers, those of one that starts below it, and main's record."""

    def __init__(self, layers: Sequence[Layer], below: Sequence[Layer], main: Record | None) -> None:
        self.layers, self.below, self.main = layers, below, main


class Status:
    """What `status` found; `data()` is what `--json` prints, and the text is made from the same."""

    def __init__(self, target: Target, around: Surroundings, branch: str | None) -> None:
        self.worktree, self.path, self.branch = target.worktree.root, target.file.path, branch
        self.main = target.worktree.is_main
        self.values = effective(around.layers)
        self.texts = {name: value.text for name, value in self.values.items()}
        self.own = next((layer for layer in around.layers if layer.path == self.path), None)
        self.shadows = problems.shadowed(self.own, self.values)
        self.wish: Mapping[str, str] = {}
        self.preset: str | None = None
        self.follows_main = False
        self.source: str | None = None
        self.drift: list[str] = []
        self.problems: list[Problem] = []
        self.through = through(self.texts.get(BASE_URL, ""), self.texts, target.gateway)

    @property
    def broken(self) -> bool:
        """Say whether Claude Code ignores the worktree's own file."""
        return any(problem.level == "error" for problem in self.problems)

    @property
    def overrides(self) -> list[str]:
        """The slots whose model is not the preset's."""
        return recognise.changed_slots(self.texts, self.wish) if self.wish else []

    def exit_code(self, check: bool) -> int:
        """Return 1 for a broken file, 3 where `check` finds a difference, else 0."""
        return 1 if self.broken else 3 if check and (self.drift or self.shadows or self.preset is None) else 0

    def data(self) -> dict[str, object]:
        """Return the report as JSON data, without any secret."""
        return {
            "worktree": self.worktree,
            "branch": self.branch,
            "main": self.main,
            "preset": self.preset,
            "overrides": self.overrides,
            "base_url": self._shown(BASE_URL),
            "credential": self.credential,
            "start_slot": self._shown(START_MODEL),
            "slots": {slot: self._slot(slot, variable) for slot, variable in VARIABLES.items()},
            "gateway": {"up": self.through.up} if self.through else None,
            "problems": [vars(problem) for problem in self.problems],
        }

    def _slot(self, slot: str, variable: str) -> dict[str, object]:
        winner = self.shadows.get(variable)
        return {
            "model": self._shown(variable),
            "preset_model": self.wish.get(variable) or None,
            "origin": self.values[variable].origin if variable in self.values else "default",
            "shadowed_by": winner.origin if winner else None,
            **({"via": self.through.slots.get(slot)} if self.through else {}),
        }

    def _shown(self, name: str) -> str | None:
        return secret.redacted(self.texts.get(name, "")) or None

    @property
    def credential(self) -> dict[str, object] | None:
        """How the key is sent, its masked end, which file has it, and where the switch took it from."""
        for kind, (name, text) in recognise.credentials(self.texts).items():
            origin = self.values[name].origin
            if text == KEYLESS_TOKEN:
                return {"kind": "none", "masked": None, "origin": origin, "source": None}
            masked = secret.STARS if kind == "helper" else secret.mask(text)
            return {"kind": kind, "masked": masked, "origin": origin, "source": self.source}
        return None


def status(target: Target, catalog: Catalog, around: Surroundings, branch: str | None) -> Status:
    """Return the status of one worktree; a broken file is a problem in it, not an exception."""
    report = Status(target, around, branch)
    if report.own and report.own.problem:
        report.problems.append(_broken(target, report.own))
    _compare(report, target, around, catalog)
    described = f" ({around.main.preset})" if around.main and around.main.preset else ""
    report.problems += problems.of_shadows(report.shadows, described)
    report.problems += problems.of_credentials(report.values)
    report.problems += problems.of_shell(report.values, around.layers[-1])
    report.problems += problems.of_layers(around.layers, report.path)
    if problems.differ(report.values, effective(around.below)):
        report.problems.append(_below(described, around))
    report.problems += report.through.problems if report.through else []
    if report.credential and target.worktree.copies(NAME):
        message = ".worktreeinclude copies the settings file, key included, into each worktree Claude Code makes."
        report.problems.append(Problem("copied", "warning", message, "Take it out of .worktreeinclude."))
    return report


def status_all(entries: Sequence[tuple[Listed, Target | None]], catalog: Catalog, around: Around) -> list[Row]:
    """Return a row for every worktree of the repository; one that cannot be used is a row that says so."""
    return [
        Row(entry, status(target, catalog, around(target), entry.branch) if target else None)
        for entry, target in entries
    ]


class Row:
    """One worktree in `status --all`; `status` is None where its folder cannot be used."""

    def __init__(self, entry: Listed, status: Status | None) -> None:
        self.path, self.branch, self.state, self.status = entry.path, entry.branch, entry.state, status

    @property
    def differs(self) -> bool:
        """Say whether `status --check` would find something here."""
        return self.status is not None and self.status.exit_code(check=True) != 0

    def data(self) -> dict[str, object]:
        """Return the row as JSON data, of the same shape as a status."""
        if self.status:
            return self.status.data()
        problem = Problem("unusable", "warning", f"{self.path}: {self.state}", "git worktree prune")
        empty = dict.fromkeys(("preset", "base_url", "credential", "start_slot"))
        return {"worktree": self.path, "branch": self.branch, "main": False, **empty, "overrides": [], "slots": {},
                "problems": [vars(problem)]}  # fmt: skip


def _broken(target: Target, own: Layer) -> Problem:
    try:
        target.file.settings()
        message = own.problem
    except LlmswitchError as error:
        message = error.args[0]
    return Problem("settings-ignored", "error", message + _held(target.file.salvaged()), "Mend it in an editor.")


def _held(values: Mapping[str, str]) -> str:
    """Return what a file that Claude Code ignores would set, as a sentence, or ""."""
    names = {BASE_URL: "base URL", **{variable: slot for slot, variable in VARIABLES.items()}}
    held = [f"{word} {secret.redacted(values[name])}" for name, word in names.items() if values.get(name)]
    return f" It holds, not in force: {', '.join(held)}." if held else ""


def _below(described: str, around: Surroundings) -> Problem:
    uses = f"main's pin{described}" if any(layer.origin == "main" for layer in around.below) else "none of this"
    message = f"A session started below this folder would use {uses}: it does not read this worktree's file."
    return Problem("below", "note", message, "llmswitch run")


def _compare(report: Status, target: Target, around: Surroundings, catalog: Catalog) -> None:
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
    preset, overrides = _preset(report, values, record, catalog)
    if preset is None:
        host = host_of(values.get(BASE_URL, ""))
        message = f"Not a known preset{f' ({host})' if host else ''}."
        report.problems.append(Problem("unknown-preset", "warning", message, "llmswitch list"))
        return
    report.preset = preset.name
    own = {name: text for name, text in overrides.items() if name == "base_url"}
    try:
        report.wish = wished(preset, own, catalog)
        wanted = wished(preset, overrides, catalog)
    except UsageProblem as error:
        report.problems.append(Problem("preset-unusable", "warning", error.args[0], error.hint))
        return
    report.drift = recognise.differences(values, wanted)
    _compare_credential(report, values, record)
    if report.drift:
        names = ", ".join(report.drift)
        message = f"Not as {preset.name} was put here: {names}."
        report.problems.append(Problem("drift", "warning", message, f"llmswitch {preset.name}"))


def _compare_credential(report: Status, values: Mapping[str, str], record: Record) -> None:
    """Fill in where the credential came from; one that is missing, or is not the recorded one, is drift."""
    found = recognise.credentials(values)
    if not found:
        report.drift.append(AUTH_TOKEN)
        message = f"The base URL {report._shown(BASE_URL)} has no credential: your own login is sent there."
        report.problems.append(Problem("no-credential", "warning", message, f"llmswitch {report.preset}"))
    for name, text in found.values():
        if text == record.pin.get(name) or is_fingerprint(record.key, secret.Secret(text)):
            report.source = record.key.get("source")
        elif record.key and text != KEYLESS_TOKEN:
            report.drift.append(name)


def _preset(
    report: Status, values: Mapping[str, str], record: Record, catalog: Catalog
) -> tuple[Preset | None, Mapping[str, str]]:
    """Return the recorded preset where its base URL still stands, else the one that fits best."""
    if record.preset and record.pin.get(BASE_URL) == values.get(BASE_URL):
        try:
            return catalog.load(record.preset), record.overrides
        except LlmswitchError as error:
            report.problems.append(Problem("preset-unusable", "warning", error.args[0], error.hint))
    return recognise.closest(values, _wishes(catalog)), {}


def _wishes(catalog: Catalog) -> Iterator[tuple[Preset, Mapping[str, str]]]:
    """Yield the pins of the presets that have one."""
    for preset in catalog.load_all()[0]:
        try:
            wish = wished(preset, {}, catalog)
        except UsageProblem:  # one preset without a model must not stand in the way of the others
            continue
        if wish:
            yield preset, wish
