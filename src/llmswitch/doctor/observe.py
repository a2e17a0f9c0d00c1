"""Observes what `llmswitch doctor` judges: the settings file and what lies beside it, the programs, the home, keys."""

from __future__ import annotations

import datetime
import json
import os
import re
import shlex
import stat
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from llmswitch.base import files, secret_marks, writable
from llmswitch.base.errors import KeyProblem, LlmswitchError
from llmswitch.base.fastjson import loads
from llmswitch.base.opened import bytes_of
from llmswitch.base.secret import Secret, looks_like_key
from llmswitch.base.urls import host_of
from llmswitch.claude import own_settings, program
from llmswitch.claude.effective import Layer, Value
from llmswitch.claude.more_names import CREDENTIAL
from llmswitch.claude.sessions import Session
from llmswitch.claude.variables import BASE_URL, CREDENTIALS, LOCAL
from llmswitch.doctor.editors import named, start_of
from llmswitch.doctor.observed import Observed
from llmswitch.gateway.client import LocalGateway
from llmswitch.keys.names import KeyNames, Keyring
from llmswitch.keys.sources import UNSAVED, variable
from llmswitch.presets import owners
from llmswitch.presets.catalog import Catalog
from llmswitch.presets.listing import load_all, stems
from llmswitch.presets.preset import Preset
from llmswitch.settings.checkout import Checkout
from llmswitch.settings.neighbours import main_of_link
from llmswitch.settings.repair import mended
from llmswitch.status.compare import is_pinned
from llmswitch.status.report import Report
from llmswitch.worktrees import git
from llmswitch.worktrees.layout import Worktree
from llmswitch.worktrees.listing import listing
from llmswitch.worktrees.program import run_git

Found = dict[str, Any]
# A file of another name, beside the settings files, that a tool or an editor made of one.
_COPY = re.compile(r"\.?#?settings(\.local)?\.json.+|settings[.-_].*|.*settings.*\.(bak|backup|orig|old|save)~?")
# What other tools that choose a backend leave in a home, as of 2026-11.
_OTHERS = {
    "~/.claude-code-router": "claude-code-router",
    "~/.cc-switch": "CC Switch",
    "~/.ccs": "ccs",
    "~/.ccm_config": "ccm",
}
_OWN = ("settings.json", "settings.local.json")


@dataclass(frozen=True)
class Reach:
    """What `doctor` reaches: the presets, the environment, the keyring and the names in it, the gateway, sessions.

    `helper` makes the command that prints a preset's key, `progress` is told how many requests were answered.
    """

    catalog: Catalog
    environ: Mapping[str, str]
    keyring: Callable[[], Keyring]
    names: Callable[[], KeyNames]
    gateway: Callable[[], LocalGateway]
    sessions: Callable[..., Sequence[Session] | None]
    helper: Callable[[Preset], str]
    progress: Callable[[int, int], None]


def observe(checkout: Checkout, report: Report, reach: Reach) -> Observed:
    """Return what `doctor` looks at: this worktree, its settings file, and the user's programs, keys and home."""
    state, environ = checkout.state, reach.environ
    presets, unusable = load_all(reach.catalog)
    preset = next((each for each in presets if each.name == report.preset), None)
    pinned = is_pinned(report.own.values) if report.own else False
    key = preset.key if preset and preset.key else "openrouter"
    elsewhere = environ.get(variable(key)) or (preset and preset.key_from) or state.current.key.get("source") in UNSAVED
    return Observed(
        report=report,
        record=state.current,
        previous=state.previous,
        layers=checkout.layers,
        own_pin=pinned,
        preset=preset,
        gone={
            model: str(entry["gone"])
            for model, entry in reach.catalog.models.all.items()
            if "gone" in entry and (preset is None or preset.prices in entry["providers"])
        },
        windows={**reach.catalog.models.windows(), **(preset.windows if preset else {})},
        followers=[each.root for each in checkout.linked if pinned and not each.pin],
        overridden=[each.described for each in checkout.linked if pinned and each.pin],
        pinned_beside=any(each.pin for each in checkout.linked),
        helper=reach.helper(preset) if preset and preset.key else "",
        key_form=_form(report.own.values if report.own else {}, reach.catalog),
        key_variable=variable(key),
        key_elsewhere=bool(elsewhere),
        preset_age=_age(preset.verified) if preset else 0,
        hidden_presets=[name for name in stems(reach.catalog.own_folder) if reach.catalog.is_command(name)],
        unusable_presets=[(str(problem.args[0]), problem.hint) for problem in unusable],
        editors=named(checkout.root),
        open=reach.sessions(checkout.root) or [],
        switched=state.switched,
        in_repository=checkout.worktree.in_repository,
        worktrees=_worktrees(checkout.worktree),
        known_keys=_known_keys(presets, environ, reach.names()),
        others={tool: path for path, tool in _OTHERS.items() if os.path.lexists(os.path.expanduser(path))},
        **_of_file(checkout, environ.get("HOME", "")),
        **_of_programs(environ, checkout.checkouts.state_folder),
        **_of_home(environ),
        **_of_settings(checkout.layers, report.values),
        **_of_keyring(reach.keyring(), reach.names(), {each.key for each in presets if each.key}),
    )


def _worktrees(worktree: Worktree) -> int:
    try:
        return len(listing(worktree))
    except LlmswitchError:
        return 1


def _known_keys(presets: Sequence[Preset], environ: Mapping[str, str], names: KeyNames) -> dict[str, str]:
    """Return the keys that are there for a switch, with where each is; no keyring is asked."""
    used = sorted({preset.key for preset in presets if preset.key})
    exported = {name: variable(name) for name in used if environ.get(variable(name))}
    return {**dict.fromkeys(names.load(), "saved"), **exported}


def _of_file(checkout: Checkout, home: str) -> Found:
    """Return what is to be known about the settings file, the files beside it, and git's view of it."""
    worktree, main = checkout.worktree, main_of_link(checkout)
    path, folder = os.path.join(worktree.root, LOCAL), os.path.join(worktree.root, ".claude")
    found: Found = {"links": [link for link in (folder, path) if os.path.islink(link)]}
    found["leftovers"] = [*_leftovers(folder), *_leftovers(os.path.join(home, ".claude"))]
    beside = [os.path.join(folder, name) for name in _OWN]
    found["rules"] = {place: rules for place in beside if (rules := _secrets_in_rules(place))}
    ours = [name for name in _names(folder) if name.startswith(files.TEMP_PREFIX) and name.endswith(".tmp")]
    found["temporary"] = [os.path.join(folder, name) for name in ours]
    try:
        status = os.stat(path)
    except OSError:
        return found
    found |= {"mode": stat.S_IMODE(status.st_mode), "hard_links": status.st_nlink}
    found["owned"], found["shared"] = status.st_uid == os.geteuid(), writable.others(folder)
    found["mendable"] = mended(start_of(path)) is not None
    return found | _in_git(main.worktree if main else worktree)


def _secrets_in_rules(path: str) -> list[str]:
    """Return what kinds of secrets stand in the permission rules of a settings file."""
    rules = json.dumps(_object(path).get("permissions", {}), ensure_ascii=False).replace('\\"', '"')
    kinds = [*secret_marks.found(rules).values(), *(["a provider's key"] if looks_like_key(rules) else [])]
    return list(dict.fromkeys(kinds))


def _in_git(worktree: Worktree) -> Found:
    if not worktree.in_repository:
        return {}
    try:
        return {"tracked": git.tracks(worktree, LOCAL), "ignored": git.ignores(worktree, LOCAL)}
    except LlmswitchError as error:  # the folder is a symbolic link, or git does not trust its owner
        return {"git_doubts": str(error.args[0])}


def _names(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def _leftovers(folder: str) -> list[str]:
    """Return the files of a settings folder that hold a credential and that Claude Code does not read."""
    names = [name for name in _names(folder) if _COPY.fullmatch(name) and name not in _OWN]
    return [path for name in names if _holds_credential(path := os.path.join(folder, name))]


def _holds_credential(path: str) -> bool:
    text = start_of(path)
    return CREDENTIAL.search(text) is not None or looks_like_key(text)


def _of_programs(environ: Mapping[str, str], state_folder: str) -> Found:
    """Return where Claude Code is, its version and whether it reads what `run` brings, and git's version."""
    code, answer, _ = run_git("--version", folder="/")
    match = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", answer)
    version = tuple(int(part) for part in match.groups("0")) if match and code == 0 else None
    path = program.path(environ) or ""
    read = not path or own_settings.are_read(path, state_folder, environ)
    return {"program": path, "client": program.version(environ), "git": version, "overlay_read": read}


def _of_home(environ: Mapping[str, str]) -> Found:
    """Return whether Claude Code was ever set up in this home; its `~/.claude.json` is only read."""
    # A blank CLAUDE_CONFIG_DIR, which moves all its other files, does not move this one (2.1.332).
    folder = environ.get("CLAUDE_CONFIG_DIR") or environ.get("HOME") or os.path.expanduser("~")
    return {"onboarded": _object(os.path.join(folder, ".claude.json")).get("hasCompletedOnboarding") is True}


def _of_settings(layers: Sequence[Layer], values: Mapping[str, Value]) -> Found:
    """Return what the layers do not tell: whether a permission mode is chosen, and a helper that is not there."""
    modes = [_object(layer.path).get("permissions") for layer in layers if layer.path]
    chosen = [mode for mode in modes if isinstance(mode, dict) and {"defaultMode", "disableAutoMode"} & mode.keys()]
    helper = values["apiKeyHelper"].text if "apiKeyHelper" in values else ""
    return {"mode_chosen": bool(chosen), "helper_missing": _missing_program(helper)}


def _missing_program(command: str) -> str:
    """Return the program that a shell command starts by an absolute path, where it is not there."""
    try:
        words = shlex.split(command)
    except ValueError:
        return ""
    return words[0] if words and os.path.isabs(words[0]) and not os.access(words[0], os.X_OK) else ""


def _object(path: str) -> dict[str, object]:
    """Return a JSON file's object, {} where there is none."""
    try:
        found = loads(bytes_of(path).decode("utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _of_keyring(keyring: Keyring, names: KeyNames, used: Collection[str]) -> Found:
    """Return the keyring's name and whether it can hold a key, tried with a throwaway one; and keys without use."""
    unused = sorted(set(names.load()) - set(used))
    try:
        trial = f"trial-{os.urandom(4).hex()}"
        keyring.set(trial, Secret(os.urandom(16).hex()))
        keyring.delete(trial)
        return {"keyring": keyring.title, "unused_keys": unused}
    except KeyProblem as error:
        return {"keyring_problem": str(error.args[0]), "keyring_fix": error.hint, "unused_keys": unused}


def _form(values: Mapping[str, str], catalog: Catalog) -> str:
    """Return the names of the keys whose form a file's credential has, "" where it is one of its base URL's host."""
    text = next(filter(None, (values.get(name) for name in CREDENTIALS.values())), "")
    host = host_of(values.get(BASE_URL, ""))
    return owners.another(text, host, catalog) if host and text else ""


def _age(day: str) -> int:
    """Return the days since a date (YYYY-MM-DD), 0 for what is no date."""
    try:
        return (datetime.date.today() - datetime.date.fromisoformat(day)).days  # days, not hours
    except ValueError:
        return 0
