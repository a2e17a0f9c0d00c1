"""Every place from which Claude Code takes a credential, and which of them it sends (seen on 2.1.330 and 2.1.332).

A variable or a helper beats the user's own login; where there is none, the login is sent to whatever the base URL
names. Keys in headers go beside it.
"""

from __future__ import annotations

from collections.abc import Mapping

from llmswitch.claude.effective import Value
from llmswitch.claude.variables import API_KEY, AUTH_TOKEN, HELPER

OAUTH = "CLAUDE_CODE_OAUTH_TOKEN"
HEADERS = "ANTHROPIC_CUSTOM_HEADERS"
LOGIN = "login"  # no variable: what `claude auth login` keeps
LOGIN_TOKEN = "sk-ant-oat"  # noqa: S105  # with it begins what `claude setup-token` prints, and a login holds
# name → how it is sent, in the order in which they win; those of the first step are sent together
EXPLICIT = {AUTH_TOKEN: "bearer", API_KEY: "api-key", HELPER: "helper"}
PLACES = {**EXPLICIT, OAUTH: "oauth", HEADERS: "header", LOGIN: "login"}
OAUTH_ORIGINS = ("managed", "user", "shell")  # from a project's or a local file it is not read
_IN_HEADERS = ("x-api-key", "authorization", "proxy-authorization", "cookie", "api-key")


def headers(text: str) -> list[str]:
    """Return the names of the headers that carry a credential, in lower case."""
    names = [line.partition(":")[0].strip().lower() for line in text.splitlines() if line.partition(":")[2].strip()]
    return [name for name in names if name in _IN_HEADERS or "token" in name or "secret" in name]


def oauth(values: Mapping[str, Value]) -> Value | None:
    """Return the login token that counts: a project's or a local file's neither does nor covers another (2.1.332)."""
    top = values.get(OAUTH)
    layers = [layer for layer in (top.layer, *top.losers) if layer.origin in OAUTH_ORIGINS] if top else []
    return Value(layers[0].values[OAUTH], layers[0]) if layers else None


def sent(values: Mapping[str, Value], login: bool | None) -> list[str]:
    """Return what is sent as a credential, by the names of PLACES; `login`: there is one (None: nobody knows)."""
    named = headers(values[HEADERS].text) if HEADERS in values else []
    found = [name for name in EXPLICIT if name in values and values[name].text]
    if not found and (token := oauth(values)) and token.text:
        found = [OAUTH]
    if not found and login is not False and "authorization" not in named:
        found = [LOGIN]
    return [*found, *([HEADERS] if named else [])]
