"""The files that ask for a model of their own: agents, skills, commands and hooks; which id goes out for each."""

from __future__ import annotations

import glob
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from llmswitch.base.opened import bytes_of
from llmswitch.base.problem import Problem
from llmswitch.base.secret import redacted
from llmswitch.base.urls import host_of
from llmswitch.claude.effective import Value
from llmswitch.claude.fence import OWN_MODELS, allows
from llmswitch.claude.variables import ALLOWED, ANTHROPIC_HOST, BASE_URL, VARIABLES
from llmswitch.settings.checkout import Checkout

# Where Claude Code looks for them, below a `.claude` (https://code.claude.com/docs/en/sub-agents, …/skills).
_KINDS = {"agent": "agents/**/*.md", "skill": "skills/*/SKILL.md", "command": "commands/**/*.md"}
_ALIASES = (*OWN_MODELS, "inherit", "default", "opusplan", "best")
_HOOKS = ("prompt", "agent")  # those that ask a model


@dataclass(frozen=True)
class Asking:
    """One file that asks for an id: of what kind it is, and for a hook in which event."""

    path: str
    kind: str
    model: str
    event: str = ""


def findings(checkout: Checkout, values: Mapping[str, Value], config: str) -> list[Problem]:
    """Return a note for each file that asks for an id outside the pin; `config` is Claude Code's folder of the user.

    A warning where another file's list lets the id through.
    """
    url = values[BASE_URL].text if BASE_URL in values else ""
    host = host_of(url)
    if host in ("", ANTHROPIC_HOST):
        return []
    mapped = [values[name].text for name in VARIABLES.values() if name in values and values[name].text]
    paths = [layer.path for layer in checkout.layers if layer.path]
    found = []
    for each in [*_in_folders((f"{checkout.root}/.claude", config)), *_in_settings(paths)]:
        plain = each.model.partition("[")[0].lower()
        if plain in _ALIASES or each.model in mapped:
            continue
        found.append(_judged(each, host, values.get(ALLOWED)))
    return found


def _judged(each: Asking, host: str, listed: Value | None) -> Problem:
    model = redacted(each.model)
    if each.event:
        message = f"A hook of {each.path} ({each.event}) asks for {model}: no list of models keeps it from {host}."
        return Problem("hook-model", "note", message, "Let it name a slot: haiku, sonnet or opus.")
    asks = f"The {each.kind} {each.path} asks for {model}"
    if listed is None:
        return Problem("asks-for-model", "note", f"{asks}, and {host} is sent that id.", "llmswitch show PRESET")
    if not allows(json.loads(listed.text), each.model):
        message = f"{asks}; the pin's list of models does not have it, so the model that it inherits is sent."
        return Problem("asks-for-model", "note", message, "")
    layers = [listed.layer, *listed.losers]
    opens = [layer.path for layer in layers if allows(json.loads(layer.values[ALLOWED]), each.model)]
    if opens == [layers[0].path] and layers[0].origin in ("main", "worktree"):
        why = "which the pin allows"
        own = json.loads(layers[0].values[ALLOWED])
        longer = [entry for entry in own if each.model.lower().startswith(f"{entry.lower()}-")]
        if longer and each.model not in own:
            why = f"which the pin allows since it goes on after its {redacted(longer[0])}"
        return Problem("asks-for-model", "note", f"{asks}, {why}: {host} is sent that id.", "")
    message = f"{asks}, and {ALLOWED} in {' and '.join(opens)} allows it: {host} is sent that id."
    return Problem("list-opened", "warning", message, f"Take it out of {opens[-1]}, or out of {each.path}.")


def _in_folders(folders: Sequence[str]) -> Iterator[Asking]:
    """Yield the agents, skills and commands with a model in the head of their file."""
    for folder in dict.fromkeys(folders):
        for kind, pattern in _KINDS.items():
            for path in sorted(glob.glob(f"{glob.escape(folder)}/{pattern}", recursive=True)):
                head = _head(path)
                models = [value for name, value in map(_pair, head) if name == "model" and value]
                if models:
                    yield Asking(path, kind, models[0])
                yield from _in_hooks(path, head)


def _head(path: str) -> list[str]:
    """Return the lines of a file's front matter."""
    try:
        lines = bytes_of(path).decode(errors="replace").splitlines()
    except OSError:
        return []
    if not lines or lines[0].strip() != "---":
        return []
    return list(itertools.takewhile(lambda line: line.strip() != "---", lines[1:]))


def _pair(line: str) -> tuple[str, str]:
    """Return the name and the plain value of a line of front matter."""
    name, _, value = line.partition(":")
    return name, value.partition(" #")[0].strip().strip("\"'")


def _in_hooks(path: str, head: Sequence[str]) -> Iterator[Asking]:
    """Yield the hooks with a model in front matter, where they are written a member a line."""
    below = itertools.dropwhile(lambda line: _pair(line)[0] != "hooks", head)
    block = itertools.takewhile(lambda line: not line.strip() or line[0] in " -", itertools.islice(below, 1, None))
    event, items, first = "", list[dict[str, str]](), -1
    for line in block:
        name, value = _pair(line.strip().lstrip("- "))
        depth = len(line) - len(line.lstrip())
        first = depth if first < 0 and name else first
        if depth == first and not value and not line.lstrip().startswith("-"):
            event = name
        elif line.lstrip().startswith("-"):
            items.append({"event": event, name: value})
        elif items:
            items[-1][name] = value
    for item in items:
        if item.get("type") in _HOOKS and item.get("model"):
            yield Asking(path, "hook", item["model"], item["event"])


def _in_settings(paths: Sequence[str]) -> Iterator[Asking]:
    """Yield the hooks with a model in settings files."""
    for path in paths:
        try:
            root = json.loads(bytes_of(path).decode("utf-8-sig"))
        except (OSError, ValueError, RecursionError):
            continue
        hooks = root.get("hooks") if isinstance(root, dict) else None
        for event, matchers in hooks.items() if isinstance(hooks, dict) else ():
            entries = [entry for entry in matchers if isinstance(entry, dict)] if isinstance(matchers, list) else []
            inner = [hook for entry in entries if isinstance(entry.get("hooks"), list) for hook in entry["hooks"]]
            for hook in inner:
                if isinstance(hook, dict) and hook.get("type") in _HOOKS and isinstance(hook.get("model"), str):
                    yield Asking(path, "hook", hook["model"], event)
