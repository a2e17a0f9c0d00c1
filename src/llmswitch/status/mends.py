"""The command that mends a pin keeps the way in which it gets its key: none comes to stand where none stood."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from llmswitch.base.problem import Problem
from llmswitch.base.secret import Secret
from llmswitch.base.shell import spelled
from llmswitch.claude.credentials import LOGIN_TOKEN
from llmswitch.claude.variables import BASE_URL, CREDENTIALS, HELPER, KEYLESS_TOKEN
from llmswitch.presets.catalog import Catalog
from llmswitch.presets.listing import names
from llmswitch.settings.state import Record

_OPTION = "--key-helper"


def by_helper(values: Mapping[str, str], record: Record) -> bool:
    """Say whether a file's pin has its key from a helper, as the file or the last switch says.

    Where neither knows, one that holds no credential may have had one.
    """
    texts = [values[name] for name in CREDENTIALS.values() if values.get(name)]
    lost = not texts and not record.preset and bool(values.get(BASE_URL))
    return not any(text != KEYLESS_TOKEN for text in texts) and bool(
        values.get(HELPER) or record.pin.get(HELPER) or lost
    )


def settled(values: Mapping[str, str], record: Record, key: str | None) -> str:
    """Return the option with which an advised switch gets past a credential in the file that is not the record's.

    A placeholder is none that anybody could want back.
    """
    texts = [values[name] for name in CREDENTIALS.values() if values.get(name, "") not in ("", KEYLESS_TOKEN)]
    strange = [text for text in texts if not record.has_key(Secret(text))]
    if not strange:
        return ""
    if all(text.startswith(("$", LOGIN_TOKEN)) for text in strange):  # nobody's key for a provider
        return " --discard-key"
    return f" --adopt-key {key}" if key and strange == texts else " --adopt-key NAME"


def again(record: Record, values: Mapping[str, str]) -> str:
    """Return the command that puts a worktree's last pin there again with every choice in it, "" where it had none."""
    if not record.preset or not record.pin:
        return ""
    return spelled(record.preset, record.overrides, bool(record.pin.get(HELPER))) + settled(values, record, None)


def keep_delivery(problems: Iterable[Problem], values: Mapping[str, str], record: Record, catalog: Catalog) -> None:
    """Add the option for a helper to each command in `fix` that switches, where the pin has its key from one."""
    if not by_helper(values, record):
        return
    presets = "|".join(map(re.escape, ["PRESET", *names(catalog)]))
    switch = re.compile(rf"\bllmswitch (?!claude\b)(use \S+|{presets})(?![\w.-])(?!(?: -\S+| [^\s;.,]+)* {_OPTION})")
    for problem in problems:
        problem.fix = switch.sub(rf"llmswitch \1 {_OPTION}", problem.fix)
