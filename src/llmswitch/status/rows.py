"""All worktrees of a repository, a report for each."""

from __future__ import annotations

from llmswitch.base.problem import Problem
from llmswitch.base.typed import quoted
from llmswitch.status.report import Report
from llmswitch.worktrees.listing import Listed


class Row:
    """One worktree in `status --all`; `report` is None where its folder cannot be used."""

    __slots__ = ("branch", "path", "report", "root", "state")

    def __init__(self, entry: Listed, report: Report | None) -> None:
        self.path, self.branch, self.state, self.report = entry.path, entry.branch, entry.state, report
        self.root = entry.worktree.root if entry.worktree else entry.path

    @property
    def differs(self) -> bool:
        """Say whether `status --check` would find something here."""
        return self.report is not None and self.report.exit_code(check=True) != 0

    def data(self) -> dict[str, object]:
        """Return the row as JSON data, of the same shape as a report."""
        if self.report:  # of another worktree, perhaps, in which all is the same
            return {**self.report.data(), "worktree": self.root, "branch": self.branch}
        problem = Problem("unusable", "warning", f"{self.path}: {self.state}", self._fix)
        empty = dict.fromkeys(("preset", "base_url", "credential", "start_slot"))
        return {"worktree": self.path, "branch": self.branch, "main": False, **empty, "overrides": [], "slots": {},
                "problems": [problem.data()]}  # fmt: skip

    @property
    def _fix(self) -> str:
        """Return what takes a worktree that is not there out of git's list, "" for what is there after all."""
        if self.state.startswith("locked"):
            return f"git worktree unlock {quoted(self.path)} && git worktree prune"
        return "git worktree prune" if self.state.startswith("prunable") else ""


class PinnedRow(Row):
    """One worktree in `status --everywhere`: the same, with what was noted at its last switch.

    `key` is the name of the saved key that its file got, `switched` when, in seconds since 1970.
    """

    __slots__ = ("key", "preset", "switched")

    def __init__(
        self, entry: Listed, report: Report | None, preset: str | None, key: str | None, switched: float | None
    ) -> None:
        super().__init__(entry, report)
        self.preset, self.key, self.switched = preset, key, switched

    def data(self) -> dict[str, object]:
        """Return the row as JSON data; what is not there has the preset that was noted."""
        data = {**super().data(), "there": self.report is not None, "key": self.key, "switched": self.switched}
        if self.report:
            return data
        fix = f"llmswitch status --forget {quoted(self.path)}"
        problem = Problem("not-there", "note", f"{self.path}: {self.state}.", fix)
        return {**data, "preset": self.preset, "problems": [problem.data()]}
