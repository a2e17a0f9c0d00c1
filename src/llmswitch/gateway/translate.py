"""Slots at hosts that speak the OpenAI format only; any-llm translates. Imported when first needed: it is large."""

from __future__ import annotations

import json
import logging

import openai
from aiohttp import web
from any_llm import AnyLLM
from any_llm.exceptions import AnyLLMError
from yarl import URL

from llmswitch.gateway import normalise, wire
from llmswitch.gateway.upstream import CONNECT_SECONDS, READ_SECONDS, cut, error, named, proxy_for

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from typing import Any

    from llmswitch.base.secret import Secret
    from llmswitch.gateway.upstream import Upstreams
    from llmswitch.presets.routes import Route

_KINDS = {400: "invalid_request_error", 404: "not_found_error", 413: "request_too_large", 429: "rate_limit_error"}
_PASSED = ("retry-after", "x-should-retry", "x-request-id", "request-id")
# These hosts want the new name of the limit, and some others know only the old one.
_NEW_LIMIT = ("api.openai.com",)
logging.getLogger("any_llm").setLevel(logging.ERROR)  # it warns of the limit's name with every request


class Translator:
    """Asks OpenAI-format hosts; one client a route and key, without retries, redirects or the environment's say."""

    def __init__(self, upstreams: Upstreams) -> None:
        self._upstreams = upstreams
        self._clients: dict[tuple[str, Secret | None], AnyLLM] = {}

    async def relay(
        self, request: web.BaseRequest, route: Route, secret: Secret | None, path: str, body: bytes
    ) -> web.StreamResponse:
        """Return the host's answer to a message in Anthropic's format."""
        if not path.endswith("/messages"):
            return error(404, "not_found_error", f"{named(route)} counts no tokens.", retry=False)
        if secret and (known := self._upstreams.known_refusal(route, secret)):
            return known
        try:
            arguments = normalise.arguments(json.loads(body))
        except (ValueError, TypeError, KeyError, AttributeError) as wrong:
            text = f"llmswitch gateway: not a request for a message ({type(wrong).__name__})."
            return error(400, "invalid_request_error", text, retry=False)
        try:
            answer = await self._client(route, secret).amessages(route.model, **_limited(route, arguments))
            return await self._sent(request, answer)
        except (AnyLLMError, openai.OpenAIError) as trouble:
            return self._failed(route, secret, getattr(trouble, "original_exception", None) or trouble)

    async def _sent(self, request: web.BaseRequest, answer: Any) -> web.StreamResponse:
        if not hasattr(answer, "__aiter__"):
            return web.Response(body=answer.model_dump_json().encode(), content_type="application/json")
        events = aiter(answer)
        first = await anext(events, None)  # an error before it is an answer of its own
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})
        await response.prepare(request)
        try:
            if not await _stream(response, first, events):
                cut(request)
                return response
        except (AnyLLMError, openai.OpenAIError):
            cut(request)
            return response
        finally:
            await answer.aclose()
        await response.write_eof()
        return response

    def _client(self, route: Route, secret: Secret | None) -> AnyLLM:
        key = (route.base_url, secret)
        if key not in self._clients:
            http = openai.DefaultAsyncHttpxClient(
                follow_redirects=False,
                trust_env=False,
                proxy=proxy_for(URL(route.base_url)),
                timeout=openai.Timeout(READ_SECONDS, connect=CONNECT_SECONDS),
            )
            # The SDK takes an environment variable for a key that is not given.
            self._clients[key] = AnyLLM.create_openai_compatible(
                route.host,
                route.base_url,
                secret.reveal() if secret else "none",
                max_retries=0,
                http_client=http,
                unified_exceptions=True,
            )
        return self._clients[key]

    def _failed(self, route: Route, secret: Secret | None, trouble: Exception) -> web.Response:
        """Return the error for what the host said, or for a host that said nothing."""
        if isinstance(trouble, openai.APITimeoutError):
            return error(504, "api_error", f"{named(route)} did not answer in time.")
        if not isinstance(trouble, openai.APIStatusError):
            reason = trouble.__cause__ if isinstance(trouble, openai.APIConnectionError) else trouble
            return error(502, "api_error", f"{named(route)} cannot be reached ({type(reason).__name__}).")
        status, headers = trouble.status_code, trouble.response.headers
        if 300 <= status < 400:
            return error(502, "api_error", f"{named(route)} redirects elsewhere; that is not followed.", retry=False)
        kept = {name: headers[name] for name in _PASSED if name in headers}
        if status in (401, 403):
            return self._upstreams.refused(route, secret, status, trouble.response.content, kept.items())
        said = wire.said(trouble.response.content)[1] or f"{named(route)} failed."
        if trouble.code == "context_length_exceeded":
            said = f"prompt is too long: {said}"  # the words by which Claude Code knows that it should compact
        made = error(status, _KINDS.get(status, "api_error"), said)
        made.headers.update(kept)
        return made


async def _stream(response: web.StreamResponse, first: Any, rest: AsyncIterator[Any]) -> bool:
    """Send the events as they come and say whether the answer came to its end."""
    event = first
    while event is not None:
        if event.type == "message_delta" and event.delta.stop_reason is None:
            return False  # any-llm's last words before it raises what went wrong
        data = event.model_dump_json(exclude_none=True)
        await response.write(f"event: {event.type}\ndata: {data}\n\n".encode())
        if event.type == "message_stop":
            return True
        event = await anext(rest, None)
    return False


def _limited(route: Route, arguments: dict[str, Any]) -> dict[str, Any]:
    if route.host in _NEW_LIMIT:
        return arguments
    limit = arguments.setdefault("max_tokens", 4096)
    return {**arguments, "max_completion_tokens": openai.omit, "extra_body": {"max_tokens": limit}}
