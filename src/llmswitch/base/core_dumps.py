"""No core dump while a key may be in memory: it would hold the key, in a file of its own."""

from __future__ import annotations

import resource

_before: list[tuple[int, int]] = []


def off(for_good: bool = False) -> None:
    """Allow this process and those it starts no core dump, `for_good` without a way back."""
    limits = resource.getrlimit(resource.RLIMIT_CORE)
    _before.append(limits)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0 if for_good else limits[1]))


def as_before() -> None:
    """Give the limit back, for a program that takes our place."""
    if _before:
        resource.setrlimit(resource.RLIMIT_CORE, _before[0])
