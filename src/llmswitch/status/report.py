"""What `llmswitch status` found in one worktree: what Claude Code uses there, and how that differs from the preset."""

from __future__ import annotations

from llmswitch.base import secret
from llmswitch.claude.variables import BASE_URL, CREDENTIALS, HELPER, KEYLESS_TOKEN, START_MODEL, VARIABLES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from llmswitch.base.problem import Problem
    from llmswitch.claude.effective import Layer, Value
    from llmswitch.gateway.through import Through
    from llmswitch.settings.checkout import Checkout
    from llmswitch.status.compare import Match


def _others() -> Any:
    from llmswitch.status import credential  # a pin has its own

    return credential


class Report:
    """What `status` found; `data()` is what `--json` prints, and the text is made from the same.

    `own` is the worktree's own file as a layer, `values` the effective values, `shadows` {name: the layer that wins}
    for what the own file sets without effect, `match` the preset and the drift, `through` the gateway where the pin
    points at it.
    """

    __slots__ = (
        "branch", "cloud", "drift", "folder", "follows_main", "main", "match", "over", "own", "path", "preset",
        "problems", "shadows", "source", "texts", "through", "values", "worktree",
    )  # fmt: skip

    def __init__(
        self, checkout: Checkout, branch: str | None, path: str, own: Layer | None, values: Mapping[str, Value],
        shadows: Mapping[str, Layer], match: Match, through: Through | None, problems: list[Problem],
    ) -> None:  # fmt: skip
        self.worktree, self.main, self.branch, self.path = checkout.root, checkout.worktree.is_main, branch, path
        self.own, self.values, self.shadows, self.match, self.through = own, values, shadows, match, through
        self.texts = {name: value.text for name, value in values.items()}
        self.preset, self.drift, self.source = match.preset, match.drift, match.source
        self.follows_main, self.folder = match.follows_main, checkout.folder
        self.problems, self.cloud = problems, _others().cloud(self.texts) if match.switch else None
        main = checkout.main if any(layer.origin == "main" for layer in shadows.values()) else None
        record = main.state.current if main else None  # main's pin wins here
        same = record and record.preset and record.pin.get(BASE_URL) == self.texts.get(BASE_URL)
        self.over = "" if record is None else str(record.preset) if same else "?"

    @property
    def broken(self) -> bool:
        """Say whether Claude Code ignores the worktree's own file."""
        return any(problem.level == "error" and problem.code == "settings-ignored" for problem in self.problems)

    @property
    def name(self) -> str:
        """What a prompt calls it: the preset that is in effect, main's as `main:NAME`; "?" where none is known."""
        return f"main:{self.over}" if self.over else self.preset or (self.cloud or {}).get("name", "?")

    @property
    def mark(self) -> str:
        """What a prompt shows behind the preset: ! for an error, * where something differs from it."""
        wrong = any(problem.level == "error" for problem in self.problems)
        return "!" if wrong else "*" if self.drift or self.overrides else ""

    def preset_says(self, name: str) -> str:
        """Return what the preset's own pin says of a member, "" where it says nothing."""
        return self.match.pin.members.get(name, "") if self.match.pin else ""

    @property
    def overrides(self) -> list[str]:
        """The slots whose model is not the preset's; one that is not set is none in a pin that only looks like it."""
        if self.match.pin is None:
            return []
        names = {slot: name for slot, name in VARIABLES.items() if self.texts.get(name) or not self.match.alike}
        return [slot for slot, name in names.items() if self.texts.get(name, "") != self.preset_says(name)]

    def exit_code(self, check: bool) -> int:
        """Return 1 for a broken file, 3 where `check` finds a difference, else 0."""
        differs = self.drift or self.shadows or (self.preset is None and not self.cloud) or self.mark == "!"
        return 1 if self.broken else 3 if check and differs else 0

    def data(self) -> dict[str, object]:
        """Return the report as JSON data, without any secret."""
        return {
            "worktree": self.worktree,
            "branch": self.branch,
            "main": self.main,
            "preset": self.preset,
            "looks_like": self.match.alike,
            "overrides": self.overrides,
            "base_url": None if self.cloud else self.shown(BASE_URL),
            "cloud": self.cloud,
            "credential": self.credential,
            "start_slot": self.shown(START_MODEL),
            "slots": {slot: self._slot(slot, variable) for slot, variable in VARIABLES.items()},
            "gateway": {"up": self.through.up} if self.through else None,
            "problems": [problem.data() for problem in self.problems],
        }

    def _slot(self, slot: str, variable: str) -> dict[str, object]:
        winner = self.shadows.get(variable)
        return {
            "model": self.shown(variable),
            "preset_model": self.preset_says(variable) or None,
            "origin": self.values[variable].origin if variable in self.values else "default",
            "shadowed_by": winner.origin if winner else None,
            **({"via": self.through.slots.get(slot)} if self.through else {}),
        }

    def shown(self, name: str) -> str | None:
        """Return an effective value as a person may see it, None where there is none."""
        return secret.redacted(self.texts.get(name, "")) or None

    @property
    def credential(self) -> dict[str, object]:
        """How the key is sent, its masked end, which file has it, and where the switch took it from."""
        for kind, name in {**CREDENTIALS, "helper": HELPER}.items():
            if self.cloud or not (text := self.texts.get(name)):
                continue
            origin = self.values[name].origin
            if text == KEYLESS_TOKEN:
                return {"kind": "none", "masked": None, "origin": origin, "source": None}
            masked = secret.STARS if kind == "helper" else secret.mask(text)
            source = None if name in self.shadows else self.source
            return {"kind": kind, "masked": masked, "origin": origin, "source": source}
        found: dict[str, object] = _others().described(self.values, self.folder)
        return found
