"""What can be wrong around a pin: its file, git, Claude Code, the keyring, keys, presets and open sessions."""

from __future__ import annotations

import os
from collections.abc import Iterator
from shlex import quote

from llmswitch.base.problem import Problem
from llmswitch.base.shell import spelled
from llmswitch.claude.own_settings import CAUSES
from llmswitch.claude.program import MAIN_RULE_SINCE
from llmswitch.claude.variables import API_KEY, AUTH_TOKEN, BASE_URL, HOST_APP, KEYLESS_TOKEN, LOCAL
from llmswitch.doctor.editors import EXTENSION
from llmswitch.doctor.observed import Observed
from llmswitch.keys.leaked import leaked
from llmswitch.status.judge import of_sessions

GIT_LISTS_SINCE = (2, 36)
OLD_DAYS = 180


def _holds_key(observed: Observed) -> bool:
    """Say whether the settings file itself holds a credential."""
    values = observed.report.own.values if observed.report.own else {}
    return any(values.get(name, "") not in ("", KEYLESS_TOKEN) for name in (AUTH_TOKEN, API_KEY))


def file_mode(observed: Observed) -> Iterator[Problem]:
    """Others can read the key."""
    if observed.mode is not None and observed.mode & 0o077 and _holds_key(observed):
        message = f"Others on this machine may read the key: {observed.report.path} has mode {observed.mode:04o}."
        yield Problem("file-mode", "warning", message, f"chmod 600 {quote(observed.report.path)}")


def shared_folder(observed: Observed) -> Iterator[Problem]:
    """Others can put another file in the place of the one with the key."""
    if observed.shared and _holds_key(observed):
        folder = os.path.dirname(observed.report.path)
        message = f"{folder}: {observed.shared} can write into this folder, where the key is."
        yield Problem("shared-folder", "warning", message, f"chmod go-w {quote(folder)}")


def in_git(observed: Observed) -> Iterator[Problem]:
    """Git has the file, or would take it with `git add -A`."""
    level = "error" if _holds_key(observed) else "warning"
    if observed.tracked:
        message = f"git tracks {observed.report.path}: what stands in it is committed."
        if _holds_key(observed) and observed.preset and observed.preset.key:
            message += f" The key too. {leaked(observed.preset.key, observed.preset.key_url)}."
        yield Problem("tracked", level, message, f"git -C {quote(observed.report.worktree)} rm --cached {LOCAL}")
    elif observed.git_doubts:
        yield Problem("git-doubts", "warning", observed.git_doubts, f"git -C {quote(observed.report.worktree)} status")
    elif not observed.ignored and _holds_key(observed):
        message = f"git does not ignore {observed.report.path}: `git add -A` would take the key."
        yield Problem("not-ignored", level, message, "llmswitch doctor --fix")


def links(observed: Observed) -> Iterator[Problem]:
    """A file that is shared: a switch here would be one elsewhere, and Claude Code refuses to write it."""
    for path in observed.links:
        message = f"{path} is a symbolic link: whoever shares it is switched too, and Claude Code cannot save there."
        yield Problem("symlink", "warning", message, "Replace the link by a file of its own.")
    if observed.hard_links > 1:
        message = f"{observed.report.path} is one of {observed.hard_links} hard links."
        yield Problem("hard-links", "warning", message, "Replace it by a file of its own.")
    if not observed.owned:
        message = f"{observed.report.path} belongs to another user."
        yield Problem("other-owner", "warning", message, f'chown "$USER" {quote(observed.report.path)}')


def leftovers(observed: Observed) -> Iterator[Problem]:
    """Copies of settings with a key that other tools left, and temporary files of ours."""
    for path in observed.leftovers:
        message = f"{path} still holds a credential, and Claude Code does not read it."
        yield Problem("leftover", "warning", message, f"rm {quote(path)}")
    for path in observed.temporary:
        yield Problem("temporary", "warning", f"{path} was left by a run that was killed.", f"rm {quote(path)}")


def rules(observed: Observed) -> Iterator[Problem]:
    """Secrets in permission rules: "allow always" writes the whole command there (2.1.330)."""
    for path, kinds in observed.rules.items():
        message = f"A permission rule in {path} holds what looks like a secret: {', '.join(kinds)}."
        yield Problem(
            "secret-in-rule", "warning", message, "Take that rule out, and change the secret if it was shared."
        )


def client(observed: Observed) -> Iterator[Problem]:
    """The Claude Code that is installed."""
    if not observed.program:
        install = "npm install --global @anthropic-ai/claude-code"
        yield Problem("no-client", "warning", "Claude Code was not found: there is no `claude` on PATH.", install)
    elif observed.client and observed.client < MAIN_RULE_SINCE:
        number = ".".join(map(str, observed.client))
        message = (
            f"Claude Code {number} is older than 2.1.211: it reads the local settings of the folder it is started "
            "in and no others, so that main's file has no effect in linked worktrees."
        )
        yield Problem("old-client", "warning", message, "claude update")


def overlay(observed: Observed) -> Iterator[Problem]:
    """A `claude` that does not read what `run` brings."""
    if not observed.overlay_read:
        message = f"`llmswitch run` carries no pin: {observed.program} does not read the settings it brings. {CAUSES}."
        yield Problem("overlay-lost", "error", message, "Put the program itself first on PATH.")


def git(observed: Observed) -> Iterator[Problem]:
    """The git that is installed."""
    if observed.git is None:
        yield Problem("no-git", "warning", "git was not found, so nothing keeps a key out of it.", "Install git.")
    elif observed.git < GIT_LISTS_SINCE:
        message = f"git {'.'.join(map(str, observed.git))} cannot list worktrees safely; `--all` takes 2.36."
        yield Problem("old-git", "note", message, "Update git.")


def keyring(observed: Observed) -> Iterator[Problem]:
    """A keyring that cannot hold a key: bad where the pin's key has no other source."""
    if observed.keyring_problem:
        if observed.preset is not None and observed.preset.key is not None and not observed.key_elsewhere:
            fix = observed.keyring_fix.replace("LLMSWITCH_KEY_<NAME>", observed.key_variable)
            kept = observed.record.overrides if observed.record.preset == observed.preset.name else {}
            fix = fix.replace("llmswitch PRESET", spelled(observed.preset.name, kept))
            yield Problem("keyring", "error", observed.keyring_problem, fix)
        else:
            message = f"{observed.keyring_problem} Nothing here needs it now; keys can be exported, but not saved."
            yield Problem("keyring", "note", message, "")


def keys(observed: Observed) -> Iterator[Problem]:
    """Saved keys that no preset uses."""
    for name in observed.unused_keys:
        message = f"No preset uses the saved key {name}."
        yield Problem("unused-key", "note", message, f"llmswitch keys delete {name}")


def presets(observed: Observed) -> Iterator[Problem]:
    """Presets that cannot be read, and the one in use here where nobody looked at it for long."""
    for why, hint in observed.unusable_presets:
        yield Problem("preset-unusable", "warning", why, hint or "Mend it in an editor.")
    for name in observed.hidden_presets:
        message = f"Your preset {name} has the name of a command, which comes first: `llmswitch use` reaches it."
        yield Problem("preset-hidden", "note", message, f"llmswitch use {name}")
    preset = observed.preset
    if preset and observed.preset_age > OLD_DAYS:
        message = (
            f"Preset {preset.name} was last checked on {preset.verified}, {observed.preset_age} days ago: "
            "its models may have changed."
        )
        yield Problem("old-preset", "note", message, "llmswitch doctor --models")


def first_run(observed: Observed) -> Iterator[Problem]:
    """A home in which Claude Code was never set up: it wants api.anthropic.com before it reads local settings."""
    if observed.text(BASE_URL) and not observed.onboarded:
        message = "Claude Code was never set up in this home: its first start asks for a login and needs Anthropic."
        yield Problem("first-run", "note", message, "Start `claude` once, or set hasCompletedOnboarding yourself.")


def sessions(observed: Observed) -> Iterator[Problem]:
    """Sessions that still hold something of the pin before the last switch, or see no switch at all."""
    deaf = [session for session in observed.open if session.deaf and not session.overlay]
    others = [session for session in observed.open if session not in deaf]
    yield from of_sessions(others, observed.switched, observed.record, observed.previous)
    for session in deaf:
        message = f"The open session of process {session.pid} sees no switch: perhaps .claude was removed under it."
        yield Problem("old-session", "warning", message, "Restart it.")


def editors(observed: Observed) -> Iterator[Problem]:
    """The workspace's editor settings export a variable of ours to what the editor starts, or choose a model."""
    for named in observed.editors:
        take = f"Take {named.name} out of {named.path} where it is not meant."
        if named.secret:
            message = f"{named.path} holds a credential: {named.name} in {named.place}."
            yield Problem("editor-key", "warning", message, "Take it out there, and save it: llmswitch save-key NAME")
        elif named.name in HOST_APP:
            message = f"{named.path} sets {named.name} ({named.place}): in what the editor starts, no pin counts."
            yield Problem("editor-beats", "warning", message, take)
        elif named.name in EXTENSION:
            message = (
                f"{named.path} sets {named.name}, which Claude Code's extension reads. What it does beside a pin was "
                "not tried."
            )
            yield Problem("editor-untried", "note", message, take)
        else:
            does = "a pin is stronger" if observed.text(BASE_URL) else "without a pin it decides there"
            message = f"{named.path} sets {named.name} ({named.place}) for what the editor starts; {does}."
            yield Problem("editor-exports", "note", message, take)


CHECKS = (
    file_mode, shared_folder, in_git, links, leftovers, rules, client, overlay, git, keyring, keys, presets, first_run,
    sessions, editors,
)  # fmt: skip
