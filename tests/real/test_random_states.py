"""Random states: what llmswitch says of them is what the real client does. To see one alone: scripts/truth."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from support.claude_client import require_last_program, require_program
from support.programs import require
from support.truth import NO_NAMESPACE, Chooser, Judge, State

PER_TEST = 10
NEWEST_SEEDS = [f"ci-{number}" for number in range(60)]
LAST_SEEDS = NEWEST_SEEDS[:20]
RUN_SEEDS = [*(f"run-{number}" for number in range(10)), "s-8", "s-76", "s-91", "t-0", "t-9"]
# The seed of every difference that was found and is mended.
FOUND_SEEDS = [
    "a-1", "a-2", "a-6", "a-11", "a-13", "a-18", "ci-66", "ci-88", "e-48", "e-62", "f-83", "g-98", "g-138", "g-226",
    "g-339", "g-367", "h-65", "h-149", "h-340", "h-425", "h-544", "h-558", "h-588",
]  # fmt: skip


def parts(seeds: Sequence[str]) -> list[Sequence[str]]:
    """Return the seeds a test's number at a time, so that they share the processes of a run."""
    return [seeds[start : start + PER_TEST] for start in range(0, len(seeds), PER_TEST)]


def faults(program: str, seeds: Sequence[str], by_run: bool = False) -> list[str]:
    """Return the differences in the states of these seeds."""
    judge = Judge(program, by_run)
    found = [f"{seed}: {fault}" for seed in seeds for fault in judge.faults(Chooser(seed).state())]
    if judge.left_out and not found:
        require(NO_NAMESPACE)
    return found


@pytest.mark.parametrize("seeds", parts([*NEWEST_SEEDS, *FOUND_SEEDS]), ids=lambda seeds: seeds[0])
def test_what_we_say_is_what_the_client_does(seeds: Sequence[str]) -> None:
    """Merged values, host, path, credentials, model and proxy; to see one alone: scripts/truth --seed SEED."""
    assert faults(require_program(), seeds) == []


@pytest.mark.parametrize("listed", [["opus"], ["hand/opus"], ["x/y"], []], ids=str)
def test_what_an_administrators_list_does_is_told(listed: list[str]) -> None:
    """It replaces all others: what status prints for each slot is sent, or the switch refuses."""
    plain: State = {"layout": "main_checkout", "folder": "root", "files": {"managed": {"availableModels": listed}},
                    "shell": {}, "login": False, "agent": None, "asked": []}  # fmt: skip
    judge = Judge(require_program())
    for asked in ([], ["--model", "haiku"]):
        assert judge.faults({**plain, "asked": asked, "pin": {"how": "hand"}}) == []
    words = ["openrouter", "--base-url", "{server}/pin"]
    pin = {"how": "switch", "where": "here", "words": words, "changed": {}, "first": False, "without": ""}
    assert judge.faults({**plain, "pin": pin}) == []
    require(NO_NAMESPACE if judge.left_out else None)


@pytest.mark.parametrize("seeds", parts(LAST_SEEDS), ids=lambda seeds: seeds[0])
def test_it_is_so_with_the_client_before(seeds: Sequence[str]) -> None:
    """The older of the two."""
    assert faults(require_last_program(), seeds) == []


@pytest.mark.parametrize("seeds", parts(RUN_SEEDS), ids=lambda seeds: seeds[0])
def test_what_run_sends_is_the_pins(seeds: Sequence[str]) -> None:
    """Or it refused: scripts/truth --run --seed SEED."""
    assert faults(require_program(), seeds, by_run=True) == []
