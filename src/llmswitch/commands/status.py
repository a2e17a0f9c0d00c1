"""`llmswitch status`: what this worktree's settings file sets, and how that differs from the preset."""

from __future__ import annotations

from llmswitch import recognise, secret
from llmswitch.change import Record
from llmswitch.commands.switch import wished
from llmswitch.errors import LlmswitchError
from llmswitch.identity import BASE_URL, KEYLESS_TOKEN, START_MODEL
from llmswitch.preset import host_of
from llmswitch.slots import VARIABLES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from llmswitch.catalog import Catalog
    from llmswitch.commands.switch import Target
    from llmswitch.preset import Preset


class Problem:
    """Something that is wrong, and the command that mends it. Levels: error, warning, note."""

    def __init__(self, code: str, level: str, message: str, fix: str = "") -> None:
        self.code, self.level, self.message, self.fix = code, level, message, fix


class Status:
    """What `status` found; `data()` is what `--json` prints, and the text is made from the same."""

    def __init__(self, target: Target) -> None:
        self.worktree, self.path = target.worktree.root, target.file.path
        self.branch, self.main = target.worktree.branch(), target.worktree.is_main
        self.values: Mapping[str, str] = {}
        self.wish: Mapping[str, str] = {}
        self.preset: str | None = None
        self.source: str | None = None
        self.drift: list[str] = []
        self.problems: list[Problem] = []

    @property
    def broken(self) -> bool:
        """Say whether the file could not be read."""
        return any(problem.level == "error" for problem in self.problems)

    def exit_code(self, check: bool) -> int:
        """Return 1 for a broken file, 3 where `check` finds a difference, else 0."""
        return 1 if self.broken else 3 if check and (self.drift or self.preset is None) else 0

    def data(self) -> dict[str, object]:
        """Return the report as JSON data, without any secret."""
        return {
            "worktree": self.worktree,
            "branch": self.branch,
            "main": self.main,
            "preset": self.preset,
            "overrides": recognise.changed_slots(self.values, self.wish) if self.wish else [],
            "base_url": self._shown(BASE_URL),
            "credential": self._credential(),
            "start_slot": self._shown(START_MODEL),
            "slots": {slot: self._slot(variable) for slot, variable in VARIABLES.items()},
            "problems": [vars(problem) for problem in self.problems],
        }

    def _slot(self, variable: str) -> dict[str, object]:
        return {
            "model": self._shown(variable),
            "preset_model": self.wish.get(variable) or None,
            "origin": "worktree" if variable in self.values else "default",
            "shadowed_by": None,
        }

    def _shown(self, name: str) -> str | None:
        return secret.redacted(self.values.get(name) or "") or None

    def _credential(self) -> dict[str, object] | None:
        found = recognise.credentials(self.values)
        for kind, text in found.items():
            keyless = text == KEYLESS_TOKEN
            masked = None if keyless else secret.STARS if kind == "helper" else secret.mask(text)
            source = None if keyless else self.source
            return {"kind": "none" if keyless else kind, "masked": masked, "origin": "worktree", "source": source}
        return None


def status(target: Target, catalog: Catalog) -> Status:
    """Return the status of one worktree; a broken file is a problem in it, not an exception."""
    report = Status(target)
    try:
        settings = target.file.settings()
    except LlmswitchError as error:
        message = f"{error.args[0]}{_held(target.file.salvaged())}"
        report.problems.append(Problem("settings-ignored", "error", message, error.hint))
    else:
        report.values = settings.values() if settings else {}
    _compare(report, target.journal.current, catalog)
    return report


def _held(values: Mapping[str, str]) -> str:
    """Return what a file that Claude Code ignores would set, as a sentence, or ""."""
    names = {BASE_URL: "base URL", **{variable: slot for slot, variable in VARIABLES.items()}}
    held = [f"{word} {secret.redacted(values[name])}" for name, word in names.items() if values.get(name)]
    return f" It holds, not in force: {', '.join(held)}." if held else ""


def _compare(report: Status, record: Record, catalog: Catalog) -> None:
    """Fill in which preset it is and what is not as that preset, with the recorded overrides, wants it."""
    if not recognise.is_pinned(report.values):
        report.preset = "claude"
        return
    preset, overrides = _preset(report, record, catalog)
    if preset is None:
        host = host_of(report.values.get(BASE_URL, "")) or "Anthropic"
        report.problems.append(
            Problem("unknown-preset", "warning", f"Not a known preset ({host}).", "llmswitch list")
        )
        return
    report.preset = preset.name
    report.source = record.key.get("source")
    report.wish = wished(preset, {}, catalog.windows)
    report.drift = recognise.differences(report.values, wished(preset, overrides, catalog.windows))
    if report.drift:
        names = ", ".join(report.drift)
        fix = f"llmswitch {preset.name}"
        report.problems.append(Problem("drift", "warning", f"Not as {preset.name} was put here: {names}.", fix))


def _preset(report: Status, record: Record, catalog: Catalog) -> tuple[Preset | None, Mapping[str, str]]:
    """Return the recorded preset where its base URL still stands, else the one that fits best."""
    if record.preset and record.pin.get(BASE_URL) == report.values.get(BASE_URL):
        try:
            return catalog.load(record.preset), record.overrides
        except LlmswitchError as error:
            report.problems.append(Problem("preset-unusable", "warning", error.args[0], error.hint))
    presets = [preset for preset in catalog.load_all()[0] if preset.base_url]
    wishes = [(preset, wished(preset, {}, catalog.windows)) for preset in presets]
    return recognise.closest(report.values, wishes), {}
