"""`llmswitch doctor --fix`: the mends that lose nothing and that nobody could mind."""

from __future__ import annotations

import json

from llmswitch.base.errors import LlmswitchError
from llmswitch.claude.variables import OURS, SECRET_BEARING
from llmswitch.settings import ignore_rule
from llmswitch.settings.repair import mended
from llmswitch.settings.settings import Settings
from llmswitch.settings.state import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from llmswitch.base.problem import Problem
    from llmswitch.doctor.facts import Facts
    from llmswitch.settings.checkout import Target


# More than one at a time, where a mend brings the next to light.
ROUNDS = 5


def safe(problems: Sequence[Problem], facts: Facts) -> list[Problem]:
    """Return the problems that `fix` mends: in this worktree's own file, which no other rules over."""
    return [problem for problem in problems if _is_simple(problem, facts) or _is_ours(problem, facts)]


def _is_simple(problem: Problem, facts: Facts) -> bool:
    """Say whether it is a matter of the settings file itself, or of git's ignore rules."""
    simple = not facts.links and facts.hard_links == 1 and facts.owned
    mendable = problem.code != "settings-ignored" or (problem.level == "error" and facts.mendable)
    return problem.code in _REPAIRS and simple and mendable


def _is_ours(problem: Problem, facts: Facts) -> bool:
    """Say whether the members that mend it go into this worktree's pin, and would count there."""
    if not (problem.members and facts.report.own and facts.report.own_pin):
        return False
    stronger = facts.layers[: list(facts.layers).index(facts.report.own)]
    return not any(name in layer.values for name in problem.members for layer in stronger)


def fix(problems: Sequence[Problem], target: Target) -> list[str]:
    """Mend these problems and return, for each that could not be, why."""
    failed = []
    for code in dict.fromkeys(problem.code for problem in problems if problem.code in _REPAIRS):
        try:
            _REPAIRS[code](target)
        except LlmswitchError as error:
            failed.append(str(error))
    members = {name: text for problem in problems for name, text in problem.members.items()}
    try:
        _set(target, members)
    except LlmswitchError as error:
        failed.append(str(error))
    return failed


def _tidy(target: Target) -> None:
    """Give the settings file mode 0600 and remove temporary files, as every write does."""
    target.file.change(lambda settings: settings, True, lambda: None)


def _ignore(target: Target) -> None:
    ignore_rule.ensure(target.worktree)


def _mend(target: Target) -> None:
    if not target.file.mend(mended):
        raise LlmswitchError(
            f"{target.file.path}: more is wrong than comments and commas.", hint="Mend it in an editor."
        )


_REPAIRS = {"file-mode": _tidy, "temporary": _tidy, "not-ignored": _ignore, "settings-ignored": _mend}


def _set(target: Target, members: Mapping[str, str]) -> None:
    """Set these members in the pin and note in its record that they are ours."""
    if not members:
        return
    raw = {name: json.dumps(text, ensure_ascii=False) for name, text in members.items()}
    noted: list[Record] = []

    def edit(settings: Settings | None) -> Settings:
        before = settings or Settings("")
        target.journal.load()
        noted[:] = [_amended(target.journal.current, before, raw, members)]
        return before.with_members(raw)

    target.file.change(edit, True, lambda: target.journal.amend(noted[0]))


def _amended(current: Record, before: Settings, raw: Mapping[str, str], members: Mapping[str, str]) -> Record:
    record = Record(current.data())
    for name, text in members.items():
        if name not in OURS:
            found = before.raw(name)
            if found is not None and name not in record.wrote:
                record.displaced[name] = found
            record.wrote[name] = raw[name]
        elif name not in SECRET_BEARING and record.pin:
            record.pin[name] = text
    return record
