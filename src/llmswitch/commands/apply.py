"""`llmswitch apply`: the preset that the user's own rules give a worktree without a pin."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from shlex import quote

from llmswitch.claude.variables import OURS
from llmswitch.presets.config import Rule
from llmswitch.settings.checkout import Checkout
from llmswitch.worktrees.layout import Worktree, branch
from llmswitch.worktrees.program import run_git


def rule_for(checkout: Checkout, rules: Sequence[Rule], home: str) -> Rule | None:
    """Return the first rule that fits a worktree that has no pin and where `llmswitch claude` was not typed."""
    settings = checkout.file.settings() if rules else None
    pinned = settings is not None and any(settings.values().get(name) for name in OURS)
    if not rules or pinned or checkout.state.current.preset == "claude":
        return None
    return next((rule for rule in rules if _fits(rule, checkout.worktree, home)), None)


def _fits(rule: Rule, worktree: Worktree, home: str) -> bool:
    """Say whether every pattern of a rule fits."""
    found: dict[str, Callable[[], Sequence[str]]] = {
        "folder": lambda: [worktree.root],
        "branch": lambda: [name] if (name := branch(worktree)) else [],
        "remote": lambda: _remotes(worktree),
    }
    return all(
        any(fnmatchcase(text, _expanded(pattern, home) if name == "folder" else pattern) for text in found[name]())
        for name, pattern in rule.patterns.items()
    )


def _expanded(pattern: str, home: str) -> str:
    whole = os.path.realpath(home) + pattern[1:] if home and (pattern == "~" or pattern.startswith("~/")) else pattern
    return whole.rstrip("/")


def _remotes(worktree: Worktree) -> list[str]:
    """Return the addresses of a repository's remotes."""
    if not worktree.in_repository:
        return []
    _, out, _ = run_git("config", "--null", "--get-regexp", r"^remote\..*\.url$", folder=worktree.root)
    return [entry.partition("\n")[2] for entry in out.split("\0") if entry]


def git_hook(command: Sequence[str]) -> str:
    """Return a post-checkout hook that applies the rules; it ends well whatever happens.

    Its third argument is 1 where a branch, or a new worktree, was checked out (githooks(5)).
    """
    words = " ".join(map(quote, command))
    return f'#!/bin/sh\n# Printed by `llmswitch hook git`.\nif [ "$3" = 1 ]; then\n  {words} apply\nfi\nexit 0'
