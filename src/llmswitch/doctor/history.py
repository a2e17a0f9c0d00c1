"""Credentials in a repository's history: every version of a settings file that any ref or reflog still reaches.

The one place that uses GitPython: git lists the versions, GitPython's object database gives their content.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from typing import Any

from llmswitch.base import secret_marks
from llmswitch.base.errors import LlmswitchError
from llmswitch.base.key_words import known_keys
from llmswitch.base.problem import Problem
from llmswitch.base.secret import Secret
from llmswitch.claude.more_names import CREDENTIAL
from llmswitch.claude.variables import CREDENTIALS, KEYLESS_TOKEN
from llmswitch.doctor.observed import Observed
from llmswitch.keys.leaked import leaked
from llmswitch.worktrees.layout import Worktree
from llmswitch.worktrees.program import GUARDS, environment, run_git

# Settings files by any name a tool, an editor or a killed run gives them, in any folder.
PATHS = (":(glob)**/.claude/*settings*", ":(glob)**/.claude/.llmswitch-*", ":(glob)**/.llmswitch-*.tmp")
# What people write where a key would stand.
_PLACEHOLDER = re.compile(r"\$\{?\w+|<.*>|.*\b(your|example|placeholder|changeme|xxx+)", re.IGNORECASE)
LARGEST = 1024 * 1024
SECONDS = 120.0  # for a long history, which was asked for
_COMMIT = "commit "


class Leak:
    """One version of a file that held credentials: which commit brought it, when, under which path.

    `secrets` are those it held, each with the rule that found it, for a comparison with the one in use; they are
    never shown.
    """

    def __init__(self, commit: str, day: str, path: str, secrets: dict[Secret, str]) -> None:
        self.commit, self.day, self.path, self.secrets = commit, day, path, secrets


def leaks(worktree: Worktree) -> list[Leak]:
    """Return the versions that held a credential, the newest first; LlmswitchError where git cannot tell."""
    versions = list(_versions(worktree))
    kept = dict(os.environ)
    # GitPython gives its git the environment there is: what ours would see, from its import on, which starts one.
    os.environ.clear()
    os.environ.update(environment(kept) | {"GIT_DIR": worktree.git_dir, "GIT_PYTHON_REFRESH": "quiet"})
    try:
        return list({(leak.commit, leak.path): leak for leak in _leaks(worktree, versions)}.values())
    finally:
        os.environ.clear()
        os.environ.update(kept)


def _leaks(worktree: Worktree, versions: Sequence[tuple[str, str, str, str]]) -> Iterator[Leak]:
    import git  # GitPython starts a git as it is imported: with the environment that was put in place

    try:
        with git.Repo(worktree.root) as repository:
            repository.git.set_persistent_git_options(c=list(GUARDS[1::2]))
            yield from _of_versions(repository, versions)
    except (git.GitError, git.ODBError, OSError, ValueError) as error:
        raise LlmswitchError(f"git cannot read the history ({type(error).__name__}).", changed="") from None


def _of_versions(repository: Any, versions: Sequence[tuple[str, str, str, str]]) -> Iterator[Leak]:
    seen: dict[str, dict[Secret, str]] = {}
    for commit, day, path, blob in versions:
        if blob not in seen:
            seen[blob] = _secrets(repository, blob)
        if seen[blob]:
            yield Leak(commit, day, path, seen[blob])


def _versions(worktree: Worktree) -> Iterator[tuple[str, str, str, str]]:
    """Yield (commit, day, path, blob) of every version that a commit brought, merges included."""
    code, found, complaint = run_git(
        "log", "--all", "--reflog", "--no-show-signature", "-m",
        "--raw", "-z", "--no-abbrev", "--no-renames", "--diff-filter=AMT",
        f"--format={_COMMIT}%H %cs", "--", *PATHS,
        folder=worktree.root, seconds=SECONDS,
    )  # fmt: skip
    if code:
        raise LlmswitchError(f"git cannot walk the history: {complaint or f'exit {code}'}.", changed="")
    commit = day = ""
    parts = iter(found.split("\0"))
    for part in parts:
        line = part.strip("\n")
        if line.startswith(_COMMIT):
            commit, day = line[len(_COMMIT) :].split()
        elif line.startswith(":"):
            yield commit[:12], day, next(parts), line.split()[3]


def _secrets(repository: Any, blob: str) -> dict[Secret, str]:
    stream = repository.odb.stream(bytes.fromhex(blob))
    return secrets(stream.read(LARGEST).decode(errors="replace"))


def secrets(text: str) -> dict[Secret, str]:
    """Return {secret: what it is} of a settings file's text."""
    members = {value: name for name, value in CREDENTIAL.findall(text) if not _PLACEHOLDER.match(value)}
    keys = dict.fromkeys(known_keys(text), "a provider's key")
    texts = {**secret_marks.found(text), **keys, **members}
    return {Secret(value): rule for value, rule in texts.items() if value != KEYLESS_TOKEN}


def findings(observed: Observed, worktree: Worktree) -> list[Problem]:
    """Return each version of a settings file in git's history that holds a credential."""
    try:
        found = leaks(worktree) if worktree.in_repository else []
    except LlmswitchError as error:
        return [Problem("history-unread", "warning", error.args[0], "git fsck")]
    in_use = {Secret(observed.text(name)) for name in CREDENTIALS.values() if observed.text(name)}
    problems = [_leak(leak, bool(in_use & leak.secrets.keys()), observed) for leak in found]
    kinds = f"keys of known providers, {', '.join(secret_marks.RULES)}"
    clean = f"Nothing like a secret was found in any version of a settings file in git's history (looked for: {kinds})."
    return problems or [Problem("history-clean", "ok", clean)]


def _leak(leak: Leak, in_use: bool, observed: Observed) -> Problem:
    rules = ", ".join(dict.fromkeys(leak.secrets.values()))
    which = "the credential that is in use here" if in_use else f"a secret ({rules})"
    message = f"Commit {leak.commit} of {leak.day} holds {which}, in {leak.path}. Every clone has it."
    fix = "First revoke it where it was issued; then take it out of the file."
    if in_use and observed.preset and observed.preset.key:
        fix = leaked(observed.preset.key, observed.preset.key_url)
    return Problem("history-key", "error" if in_use else "warning", message, fix)
