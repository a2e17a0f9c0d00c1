"""`llmswitch status`: what Claude Code will really use in a worktree, and how that differs from the preset."""

from __future__ import annotations

from llmswitch.base import secret
from llmswitch.base.errors import LlmswitchError
from llmswitch.base.problem import Problem
from llmswitch.base.urls import id_in
from llmswitch.claude.effective import Layer, effective
from llmswitch.claude.variables import BASE_URL, KEYLESS_TOKEN, START_MODEL, VARIABLES
from llmswitch.settings.file import NAME
from llmswitch.status import problems, recognise
from llmswitch.status.compare import compare

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from llmswitch.gateway.through import Through
    from llmswitch.presets.catalog import Catalog
    from llmswitch.settings.checkout import Target
    from llmswitch.settings.state import Record
    from llmswitch.worktrees.worktree import Listed

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
        self.through = _through(target, self.texts)

    @property
    def broken(self) -> bool:
        """Say whether Claude Code ignores the worktree's own file."""
        return any(problem.level == "error" for problem in self.problems)

    @property
    def own_pin(self) -> bool:
        """Say whether the worktree's own file has a pin."""
        return recognise.is_pinned(self.own.values) if self.own else False

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
            "problems": [problem.data() for problem in self.problems],
        }

    @property
    def models(self) -> dict[str, str | None]:
        """The slots' models."""
        return {slot: self._shown(variable) for slot, variable in VARIABLES.items()}

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
    compare(report, target, around, catalog)
    described = f" ({around.main.preset})" if around.main and around.main.preset else ""
    report.problems += problems.of_shadows(report.shadows, described)
    report.problems += problems.of_credentials(report.values)
    report.problems += problems.of_slots(report.values)
    report.problems += problems.of_shell(report.values, around.layers[-1])
    report.problems += problems.of_layers(around.layers, report.path)
    if problems.differ(report.values, around.below):
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
                "problems": [problem.data()]}  # fmt: skip


def _through(target: Target, texts: Mapping[str, str]) -> Through | None:
    """Return what stands behind a base URL that is the local gateway's, None for any other; no keyring is asked."""
    routes = id_in(texts.get(BASE_URL, ""))
    if routes is None:
        return None
    from llmswitch.gateway.through import through

    return through(routes, texts, target.gateway())


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
