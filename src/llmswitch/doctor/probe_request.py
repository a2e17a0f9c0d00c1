"""One real request for a model, as Claude Code would send it, but for one token (measured on 2.1.329).

Left out is what Claude Code itself leaves out at its second try: the `system` message among the messages.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from llmswitch.claude.more_names import EFFORT, NO_BETAS, NO_THINKING, THINKING_TOKENS, TOOL_SEARCH
from llmswitch.claude.variables import API_KEY, AUTH_TOKEN, BASE_URL

_BETAS = ("claude-code-20250219", "interleaved-thinking-2025-05-14", "effort-2025-11-24")
_EXPERIMENTAL = (
    "context-management-2025-06-27", "mid-conversation-tool-changes-2026-07-01", "thinking-token-count-2026-05-13",
)  # fmt: skip
_SEARCH = "advanced-tool-use-2025-11-20"
_SCHEMA = {"type": "object", "properties": {}}
TRIED = "2.1.329"


class Request:
    """A request to send: `secret` is what must never be shown of it."""

    def __init__(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, secret: str) -> None:
        self.method, self.url, self.headers, self.body, self.secret = method, url, headers, body, secret


def message(texts: Mapping[str, str], model: str, credentials: Mapping[str, str], version: str = TRIED) -> Request:
    """Return the request for one token of a model; `texts` are the effective values.

    `credentials` are {header: value}, and `version` is that of the installed Claude Code.
    """
    url = texts[BASE_URL].strip().rstrip("/") + "/v1/messages?beta=true"
    headers = {
        "accept": "application/json",
        "anthropic-beta": ",".join(_betas(texts)),
        "anthropic-dangerous-direct-browser-access": "true",
        "anthropic-version": "2023-06-01",
        "content-type": "application/json",
        "user-agent": f"claude-cli/{version} (external, cli)",
        "x-app": "cli",
    }
    body = json.dumps(_body(texts, wire_model(model))).encode()
    return Request("POST", url, {**headers, **credentials}, body, _secret(credentials))


def plain(url: str, method: str, credentials: Mapping[str, str]) -> Request:
    """Return a request without a body, for a key check or a list of models."""
    headers = {"accept": "application/json", "anthropic-version": "2023-06-01", "user-agent": "llmswitch"}
    return Request(method, url, {**headers, **credentials}, None, _secret(credentials))


def credentials(values: Mapping[str, str]) -> dict[str, str]:
    """Return the credential headers that Claude Code sends for these effective values, without a helper's."""
    bearer, key = values.get(AUTH_TOKEN, ""), values.get(API_KEY, "")
    return ({"authorization": f"Bearer {bearer}"} if bearer else {}) | ({"x-api-key": key} if key else {})


def wire_model(model: str) -> str:
    """Return a model id as it is sent: without [1m]."""
    return model[:-4] if model.lower().endswith("[1m]") else model


def _secret(credentials: Mapping[str, str]) -> str:
    return next(iter(credentials.values()), "").removeprefix("Bearer ")


def _thinks(texts: Mapping[str, str]) -> bool:
    return not texts.get(NO_THINKING) and texts.get(THINKING_TOKENS) != "0"


def _searches(texts: Mapping[str, str]) -> bool:
    return not texts.get(NO_BETAS) and texts.get(TOOL_SEARCH) != "false"


def _betas(texts: Mapping[str, str]) -> list[str]:
    experimental = [] if texts.get(NO_BETAS) else [*_EXPERIMENTAL, *([_SEARCH] if _searches(texts) else [])]
    return [*_BETAS[:2], *experimental, *_BETAS[2:]]


def _body(texts: Mapping[str, str], model: str) -> dict[str, object]:
    tool = {"name": "Read", "description": "Reads a file.", "input_schema": _SCHEMA}
    deferred = {"name": "Later", "description": "Is there later.", "input_schema": _SCHEMA, "defer_loading": True}
    body: dict[str, object] = {
        "model": model,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}],
        "system": [{"type": "text", "text": "Answer briefly.", "cache_control": {"type": "ephemeral"}}],
        "tools": [tool, deferred] if _searches(texts) else [tool],
        "max_tokens": 1,
        "stream": True,
    }
    if _thinks(texts):
        body["thinking"] = {"type": "adaptive"}
        if not texts.get(NO_BETAS):
            body["thinking"] = {"type": "adaptive", "display": "omitted"}
            body["context_management"] = {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]}
    if (effort := texts.get(EFFORT) or "high") not in ("auto", "unset"):
        body["output_config"] = {"effort": effort}
    return body
