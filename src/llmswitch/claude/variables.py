"""The members of a settings file that choose the backend: identity, slots, clouds, credentials. Each list stands once.

Every third-party pin holds all identity members, a value or "", so that nothing from a shell export, a login, other
settings or the last pin mixes in. Each entry says the leak that its absence opens; all were seen on the wire with
Claude Code 2.1.329. At the end: how Claude Code reads a model's id.
"""

from __future__ import annotations

from llmswitch.base.fastjson import dumps
from llmswitch.base.secret import STARS, mask, names_secret, redacted, says_secret

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LOCAL = ".claude/settings.local.json"  # the file that a pin is written to
SHARED = ".claude/settings.json"  # the repository's
MANAGED = ("/etc/claude-code", "/Library/Application Support/ClaudeCode")  # an administrator's, on Linux and macOS
ANTHROPIC_HOST = "api.anthropic.com"
BASE_URL = "ANTHROPIC_BASE_URL"
AUTH_TOKEN = "ANTHROPIC_AUTH_TOKEN"  # noqa: S105  # a variable's name
API_KEY = "ANTHROPIC_API_KEY"
START_MODEL = "ANTHROPIC_MODEL"
MAX_CONTEXT = "CLAUDE_CODE_MAX_CONTEXT_TOKENS"
HELPER = "apiKeyHelper"
AUTO_MODE = "disableAutoMode"
ALLOWED = "availableModels"  # the ids that a session may ask for (https://code.claude.com/docs/en/model-config)
OFFERED = "ANTHROPIC_CUSTOM_MODEL_OPTION"  # one more row of /model, for an id that is allowed (2.1.332)
NO_MILLION = "CLAUDE_CODE_DISABLE_1M_CONTEXT"
SAVED_MODEL = "model"  # what /model saves

# slot → its variable (https://code.claude.com/docs/en/model-config)
VARIABLES = {
    "haiku": "ANTHROPIC_DEFAULT_HAIKU_MODEL",
    "sonnet": "ANTHROPIC_DEFAULT_SONNET_MODEL",
    "opus": "ANTHROPIC_DEFAULT_OPUS_MODEL",
    "fable": "ANTHROPIC_DEFAULT_FABLE_MODEL",
    "subagent": "CLAUDE_CODE_SUBAGENT_MODEL",
}
SLOTS = tuple(VARIABLES)

# How a credential is sent → the member that holds it.
CREDENTIALS = {"bearer": AUTH_TOKEN, "api-key": API_KEY}
CREDENTIAL_PLACES = (*CREDENTIALS.values(), HELPER)

# Providers that Claude Code reaches by a switch of its own, with their own credentials; presets know the first three.
CLOUDS = {
    "bedrock": "CLAUDE_CODE_USE_BEDROCK",
    "vertex": "CLAUDE_CODE_USE_VERTEX",
    "foundry": "CLAUDE_CODE_USE_FOUNDRY",
}
MANTLE = "CLAUDE_CODE_USE_MANTLE"
CLOUD_SWITCHES = (  # the strongest first, where several are on (2.1.332)
    CLOUDS["bedrock"], CLOUDS["foundry"], "CLAUDE_CODE_USE_ANTHROPIC_AWS", "CLAUDE_CODE_USE_ANTHROPIC_GOOGLE_CLOUD",
    MANTLE, CLOUDS["vertex"],
)  # fmt: skip

# variable → what happens to a pin that leaves it out
IDENTITY = {
    BASE_URL: "requests go to Anthropic with the provider's key",
    AUTH_TOKEN: "a token of the shell or the user's settings is sent beside the pin's key",
    API_KEY: "a key of the shell is sent beside the pin's token",
    "ANTHROPIC_CUSTOM_HEADERS": "headers meant for another host are sent",
    "ANTHROPIC_BETAS": "betas meant for another host are sent",
    START_MODEL: "a model saved by /model in the user's settings bypasses the slots",
    **dict.fromkeys(VARIABLES.values(), "the client's own model name goes to the provider"),
    "ANTHROPIC_SMALL_FAST_MODEL": "it beats the haiku slot for background requests (deprecated)",
    "CLAUDE_CODE_EXTRA_BODY": "it can replace the model in every request",
    **dict.fromkeys((*CLOUDS.values(), MANTLE, *CLOUD_SWITCHES), "requests go to that cloud instead of the pin's host"),
}

# The same at the top level of the file.
TOP_IDENTITY = {HELPER: "the user's helper runs and its output is sent beside the pin's token"}

OURS = {**IDENTITY, **TOP_IDENTITY}

# The members at the top level that a pin may hold → what Claude Code takes there: a type (of a list: of texts), or the
# values themselves. Every other name is a variable inside `env`, and text.
TOP_MEMBERS: dict[str, object] = {HELPER: str, AUTO_MODE: ("disable",), ALLOWED: list}
# Exported, they let another program choose the provider: the settings' variables count no more (2.1.330, 2.1.332).
HOST_APP = ("CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST", "CLAUDE_CODE_HOST_AUTH_ENV_VAR", "ANTHROPIC_UNIX_SOCKET")

PROXIES = ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")
EXCEPTIONS = ("NO_PROXY", "no_proxy")  # each spelling, since the lower one beats the other (2.1.330)

# Identity members whose value is, or may carry, a secret: never shown whole, never kept in our state.
SECRET_BEARING = frozenset({AUTH_TOKEN, API_KEY, "ANTHROPIC_CUSTOM_HEADERS", "CLAUDE_CODE_EXTRA_BODY"})

# With a base URL and no credential Claude Code sends the user's own login token to that URL, loopback too.
KEYLESS_TOKEN = "llmswitch-keyless"  # noqa: S105

# Set by Claude Code in what it starts: then the environment is the pin of that session, not what the user exported.
INSIDE = "CLAUDECODE"
NONE = "—"  # how a member that is not there is shown


def counts(name: str, text: str) -> bool:
    """Say whether an identity member with that text decides anything: a blank does not, nor a switch that is off."""
    # "2", "enabled" and "y" do not turn one on (measured on 2.1.332)
    return text.strip().lower() in ("1", "true", "yes", "on") if name in CLOUD_SWITCHES else text != ""


def may_be_secret(name: str, text: str) -> bool:
    """Say whether a member's text is, or may carry, a secret: then our state does not keep it."""
    if not text:
        return False
    if name in CREDENTIALS.values() or redacted(text) != text:
        return True
    return names_secret(text) if name in SECRET_BEARING else name in TOP_IDENTITY and says_secret(text)


def shown(name: str, value: str | None) -> str:
    """Return a member's value as a person may see it: secrets masked, "" and absent told apart."""
    if value is None:
        return NONE
    if name == ALLOWED:
        return f"{value.count(chr(34)) // 2} allowed"  # each id is in quotes; the slots say which
    if value == "" or name in SECRET_BEARING:
        return mask(value) if value else '""'
    text = redacted(value)
    return STARS if text == value and may_be_secret(name, value) else text


MILLION = "[1m]"


def plain(model: str) -> str:
    """Return a model id as Claude Code sends it: without `[1m]`."""
    name, bracket, window = model.rpartition("[")
    return name if bracket and window[-2:].lower() == "m]" and window[:-2].isdecimal() and window.isascii() else model


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
    honoured = [model for model in models if not is_claude(model) and not model.lower().endswith(MILLION)]
    known = [windows.get(model) or windows.get(model.rpartition(":")[0]) for model in honoured]
    return min((window for window in known if window), default=None)


def as_text(value: object, name: str = "") -> str:
    """Return a JSON value as the text Claude Code makes of it (2.1.329), but the list of models as JSON: [] if none."""
    if name == ALLOWED:
        return dumps([item for item in value if isinstance(item, str)] if isinstance(value, list) else [])
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return ",".join("" if item is None else as_text(item) for item in value)
    if isinstance(value, dict):
        return "[object Object]"
    if type(value) in (int, float):
        from llmswitch.claude.numbers import javascript  # imports decimal; few values are numbers

        return javascript(value)  # type: ignore[arg-type]
    return dumps(value)
