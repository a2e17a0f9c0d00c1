"""Every numbered bad input and fault is named by a test, or the list says why not."""

from __future__ import annotations

from support.safety_cases import CASES, PRETENDED, UNTESTED, named


def test_every_case_is_accounted_for() -> None:
    """None is forgotten, none is named that does not exist, and none is excused that is tested."""
    assert list(CASES) == list(range(1, 111))
    assert set(named()) | set(UNTESTED) == set(CASES)
    assert not set(named()) & set(UNTESTED)
    assert set(PRETENDED) <= set(named())
