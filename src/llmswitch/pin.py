"""What a preset becomes in one worktree: the exact members of the settings file, name → text."""

from __future__ import annotations

from llmswitch.identity import API_KEY, AUTH_TOKEN, BASE_URL, CREDENTIALS, IDENTITY, START_MODEL, TOP_IDENTITY
from llmswitch.preset import ANTHROPIC_HOST, CLOUDS
from llmswitch.slots import VARIABLES
from llmswitch.urls import host_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from llmswitch.preset import Preset

MAX_CONTEXT = "CLAUDE_CODE_MAX_CONTEXT_TOKENS"
AUTO_MODE = "disableAutoMode"
HELPER = "apiKeyHelper"


def build(
    preset: Preset, models: Mapping[str, str], start: str, base_url: str, windows: Mapping[str, int]
) -> dict[str, str]:
    """Return the pin without its credential: every identity key, then the tuning keys.

    `models` are the resolved slots, `windows` the known context windows in tokens by model id.
    """
    pin = dict.fromkeys((*IDENTITY, *TOP_IDENTITY), "")
    pin[BASE_URL] = base_url
    if preset.cloud:
        pin[CLOUDS[preset.cloud]] = "1"
    pin |= {VARIABLES[slot]: model for slot, model in models.items()}
    # An alias, not an id: an id would start sessions with [1m], for which the window below is ignored.
    pin[START_MODEL] = start
    if window := smallest_window(models.values(), {**windows, **preset.windows}):
        pin[MAX_CONTEXT] = str(window)
    # Auto mode, the interactive default, asks Anthropic's servers and fails behind another base URL.
    foreign = bool(base_url) and host_of(base_url) != ANTHROPIC_HOST
    return {**pin, **preset.env, **({AUTO_MODE: "disable"} if foreign else {})}


def with_credential(pin: Mapping[str, str], auth: str, credential: str) -> dict[str, str]:
    """Return the pin with its credential in the one place `auth` names, and "" in the other."""
    return {**pin, AUTH_TOKEN: "", API_KEY: "", CREDENTIALS[auth]: credential}


def with_helper(pin: Mapping[str, str], command: str) -> dict[str, str]:
    """Return the pin with a command that prints its credential, which stands nowhere in the file."""
    return {**pin, AUTH_TOKEN: "", API_KEY: "", HELPER: command}


def is_claude(model: str) -> bool:
    """Say whether Claude Code takes a model for one of Claude's, by its name with a version."""
    name = model.lower()
    while "claude-" in name:
        name = name.partition("claude-")[2]
        if _is_version(name):
            return True
    return False


def _is_version(text: str) -> bool:
    """Say whether a text begins as in `3-5-haiku` or in `opus-5`."""
    family, _, version = text.partition("-")
    return text[:1] == "3" or (family.isascii() and family.isalpha() and version[:1] in {*"0123456789"})


def smallest_window(models: Iterable[str], windows: Mapping[str, int]) -> int | None:
    """Return the smallest known window, in tokens, among the models for which Claude Code honours the variable.

    It ignores it for ids that hold a Claude model's name with its version, and for ids that end in [1m]
    (measured on 2.1.329, which knows `claude-opus-5.5` and takes `claude-opus-latest` for a stranger).
    """
    honoured = [model for model in models if not is_claude(model) and not model.lower().endswith("[1m]")]
    known = [windows.get(model) or windows.get(model.rpartition(":")[0]) for model in honoured]
    return min((window for window in known if window), default=None)
