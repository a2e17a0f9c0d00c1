"""The identity keys: what decides who is called, with which credential and which model.

Every third-party pin holds all of them, a value or "", so that nothing from a shell export, a login, other
settings or the last pin mixes in. Each entry says the leak that its absence opens; all were seen on the wire
with Claude Code 2.1.329.
"""

from llmswitch.secret import names_secret, redacted, says_secret
from llmswitch.slots import VARIABLES

BASE_URL = "ANTHROPIC_BASE_URL"
AUTH_TOKEN = "ANTHROPIC_AUTH_TOKEN"  # noqa: S105  # a variable's name
API_KEY = "ANTHROPIC_API_KEY"
START_MODEL = "ANTHROPIC_MODEL"

CREDENTIALS = {"bearer": AUTH_TOKEN, "api-key": API_KEY}

CLOUD_SWITCHES = tuple(
    f"CLAUDE_CODE_USE_{cloud}"
    for cloud in ("BEDROCK", "VERTEX", "FOUNDRY", "MANTLE", "ANTHROPIC_AWS", "ANTHROPIC_GOOGLE_CLOUD")
)

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
    **dict.fromkeys(CLOUD_SWITCHES, "requests go to that cloud instead of the pin's host"),
}

# The same at the top level of the file.
TOP_IDENTITY = {"apiKeyHelper": "the user's helper runs and its output is sent beside the pin's token"}

OURS = {**IDENTITY, **TOP_IDENTITY}

# Identity keys whose value is, or may carry, a secret: never shown whole, never kept in our state.
SECRET_BEARING = frozenset({AUTH_TOKEN, API_KEY, "ANTHROPIC_CUSTOM_HEADERS", "CLAUDE_CODE_EXTRA_BODY"})

# With a base URL and no credential Claude Code sends the user's own login token to that URL, loopback too.
KEYLESS_TOKEN = "llmswitch-keyless"  # noqa: S105


def may_be_secret(name: str, text: str) -> bool:
    """Say whether a member's text is, or may carry, a secret: then our state does not keep it."""
    if not text:
        return False
    if name in CREDENTIALS.values() or redacted(text) != text:
        return True
    return names_secret(text) if name in SECRET_BEARING else name in TOP_IDENTITY and says_secret(text)
