"""`llmswitch doctor --fix`: the mends that lose nothing and that nobody could mind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from llmswitch.base.errors import LlmswitchError
from llmswitch.base.problem import Problem
from llmswitch.claude.variables import OURS, SECRET_BEARING, VARIABLES
from llmswitch.doctor.observed import Observed
from llmswitch.settings import ignore_rule, keep
from llmswitch.settings.change import Change, as_json
from llmswitch.settings.checkout import Checkout
from llmswitch.settings.repair import mend
from llmswitch.settings.settings import Settings
from llmswitch.settings.state import Record

# More than one at a time, where a mend brings the next to light.
ROUNDS = 5


def safe(problems: Sequence[Problem], observed: Observed) -> list[Problem]:
    """Return the problems that `fix` mends: in this worktree's own file, which no other rules over."""
    return [problem for problem in problems if _is_simple(problem, observed) or _is_ours(problem, observed)]


def _is_simple(problem: Problem, observed: Observed) -> bool:
    """Say whether it is a matter of the settings file itself, or of git's ignore rules."""
    simple = not observed.links and observed.hard_links == 1 and observed.owned
    mendable = problem.code != "settings-ignored" or (problem.level == "error" and observed.mendable)
    return problem.code in _REPAIRS and simple and mendable


def _is_ours(problem: Problem, observed: Observed) -> bool:
    """Say whether the members that mend it go into this worktree's pin, and would count there."""
    if not (problem.members and observed.report.own and observed.own_pin):
        return False
    stronger = observed.layers[: list(observed.layers).index(observed.report.own)]
    return not any(name in layer.values for name in problem.members for layer in stronger)


def fix(problems: Sequence[Problem], checkout: Checkout) -> list[str]:
    """Mend these problems and return, for each that could not be, why."""
    failed = []
    for code in dict.fromkeys(problem.code for problem in problems if problem.code in _REPAIRS):
        try:
            _REPAIRS[code](checkout)
        except LlmswitchError as error:
            failed.append(str(error))
    members = {name: text for problem in problems for name, text in problem.members.items()}
    try:
        _set(checkout, members)
    except LlmswitchError as error:
        failed.append(str(error))
    return failed


def _tidy(checkout: Checkout) -> None:
    """Give the settings file mode 0600 and remove temporary files, as every write does."""
    checkout.file.change(lambda settings: Change(settings, settings, Record()), True, lambda change: None)


def _ignore(checkout: Checkout) -> None:
    ignore_rule.ensure(checkout.worktree)


def _mend(checkout: Checkout) -> None:
    if not mend(checkout.file):
        raise LlmswitchError(
            f"{checkout.file.path}: more is wrong than comments and commas.", hint="Mend it in an editor."
        )


_REPAIRS = {"file-mode": _tidy, "temporary": _tidy, "not-ignored": _ignore, "settings-ignored": _mend}


def _set(checkout: Checkout, members: Mapping[str, str]) -> None:
    """Set these members in the pin and note in its record that they are ours."""
    if not members:
        return
    raw = {name: as_json(text) for name, text in members.items()}

    def edit(settings: Settings | None) -> Change:
        before = settings or Settings("")
        checkout.state.load()
        record = _amended(checkout.state.current, before, raw, members)
        return Change(before, before.with_members(raw), record)

    checkout.file.change(edit, True, lambda change: _amend(checkout, change.record))


def _amend(checkout: Checkout, record: Record) -> None:
    """Write the record in the place of the one there is: a mend is no switch."""
    keep.write(checkout.state, record, checkout.state.previous, checkout.state.switched)


def _amended(current: Record, before: Settings, raw: Mapping[str, str], members: Mapping[str, str]) -> Record:
    """Return the record with these members in it, and what they displaced."""
    pin, wrote, displaced = dict(current.pin), dict(current.wrote), dict(current.displaced)
    for name, text in members.items():
        if name not in OURS:
            found = before.raw(name)
            if found is not None and name not in wrote:
                displaced[name] = found
            wrote[name] = raw[name]
        elif name not in SECRET_BEARING and pin:
            pin[name] = text
    # What was mended is the choice now: the command that restores the pin must not bring the fault back.
    overrides = {**current.overrides, **{slot: members[name] for slot, name in VARIABLES.items() if name in members}}
    fields = {"pin": pin, "wrote": wrote, "displaced": displaced, "overrides": overrides if pin else current.overrides}
    return Record({**current.data(), **fields})
