"""Slots at hosts that speak the OpenAI format only: each message is asked for as a chat completion, and read as one."""

from __future__ import annotations

import json
import re
import time

from llmswitch import __version__
from llmswitch.base.fastjson import dumps
from llmswitch.base.secret import Secret
from llmswitch.gateway import bodies, chat_answer, chat_request, wire
from llmswitch.gateway.chat_answer import Asked
from llmswitch.gateway.chat_ids import long_names
from llmswitch.gateway.chat_stream import Lines, Stream, events
from llmswitch.gateway.counts import NOTE
from llmswitch.gateway.incoming import Request, Response, error
from llmswitch.gateway.outgoing import Answer, BrokenOff
from llmswitch.gateway.upstream import Upstreams, cut, named
from llmswitch.gateway.wire import BadAnswer
from llmswitch.presets.routes import Route

_KINDS = {400: "invalid_request_error", 404: "not_found_error", 413: "request_too_large", 429: "rate_limit_error"}
_PASSED = {"retry-after", "x-should-retry", "x-request-id", "request-id"}
# How servers say that a prompt is too long: OpenAI's code, vLLM, llama.cpp, Mistral, DeepSeek.
_TOO_LONG = re.compile(
    r"context_length_exceeded|maximum context length|context (window|size)|too large for model with \d+ maximum",
    re.IGNORECASE,
)
_STREAM = Response(200, [("Content-Type", "text/event-stream"), ("Cache-Control", "no-cache")])
# A server that shows with comments that it is alive, or sends what has to wait here, keeps the client waiting too.
_PING_SECONDS = 5.0
_PING = b'event: ping\ndata: {"type": "ping"}\n\n'


class Exchange:
    """One request for a message: what it is as a chat completion, and what its answer has to fit."""

    def __init__(self, body: bytes, route: Route) -> None:
        asked = json.loads(body.decode())  # of bytes it would look for their encoding first
        self.payload = dumps(chat_request.request(asked, route.model, route.host)).encode()
        self.stream = bool(asked.get("stream"))
        names = long_names(chat_request.tool_names(asked))
        self.asked = Asked(route.model, route.host, names, chat_request.call_ids(asked))


class Translator:
    """Asks OpenAI-format hosts over the connections that all slots share."""

    def __init__(self, upstreams: Upstreams) -> None:
        self._upstreams = upstreams

    async def relay(self, request: Request, route: Route, secret: Secret | None, path: str, body: bytes) -> Response:
        """Return the host's answer to a message in Anthropic's format."""
        if not path.endswith("/messages"):
            return error(404, "not_found_error", f"{named(route)} counts no tokens.", retry=False)
        try:
            exchange = Exchange(body, route)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as wrong:
            text = f"llmswitch gateway: not a request for a message ({type(wrong).__name__})."
            return error(400, "invalid_request_error", text, retry=False)
        accept = "text/event-stream" if exchange.stream else "application/json"
        headers = [("Content-Type", "application/json"), ("Accept", accept), ("Accept-Encoding", "identity"),
                   ("User-Agent", f"llmswitch/{__version__}")]  # fmt: skip

        async def answered(answer: Answer) -> Response:
            try:
                return await _answer(request, route, secret, exchange, answer)
            except BadAnswer as bad:
                return error(502, "api_error", wire.quoted(secret, f"{named(route)} {bad}."))

        made = await self._upstreams.ask(route, secret, "/chat/completions", headers, exchange.payload, answered)
        NOTE.get().model = exchange.asked.served
        return made


async def _answer(
    request: Request, route: Route, secret: Secret | None, exchange: Exchange, answer: Answer
) -> Response:
    if answer.status >= 400:
        return await _failed(route, secret, answer)
    if exchange.stream and answer.content_type == "text/event-stream":
        return await _stream(request, route, secret, exchange, answer)
    try:
        data = json.loads(await bodies.whole(answer))
    except (ValueError, RecursionError):
        raise BadAnswer(f"answered with {answer.content_type or 'something'} that is no JSON") from None
    made = chat_answer.message(data, exchange.asked)
    if not exchange.stream:
        return Response(200, [("Content-Type", "application/json")], dumps(made).encode())
    return _STREAM._replace(body=events(made))


async def _failed(route: Route, secret: Secret | None, answer: Answer) -> Response:
    """Return the host's error in the client's shape, with its status and how long to wait."""
    body = (await bodies.of_error(answer))[1]
    words = wire.said(body)[1] or f"{named(route)} failed ({answer.status})."
    if answer.status in (400, 413) and _TOO_LONG.search(body.decode("utf-8", "replace")):
        words = f"prompt is too long: {words}"  # by which Claude Code knows that it should compact
    made = error(answer.status, _KINDS.get(answer.status, "api_error"), wire.quoted(secret, words))
    kept = [(name, wire.quoted(secret, text)) for name, text in answer.headers if name.lower() in _PASSED]
    return made._replace(headers=made.headers + kept)


async def _stream(
    request: Request, route: Route, secret: Secret | None, exchange: Exchange, answer: Answer
) -> Response:
    """Send the events as they come; an answer that breaks off ends in an error, and never as if it were whole."""
    sent = _Sent(request, Stream(exchange.asked))
    try:
        await sent.pass_on(answer)
    except BadAnswer as bad:
        if not request.client.begun:
            raise
        await sent.break_off(wire.quoted(secret, f"{named(route)} {bad}."))
    except (BrokenOff, TimeoutError):
        if not request.client.begun:
            raise
        cut(request)
    return _STREAM


class _Sent:
    """An answer on its way to the client, which is not begun before there is something to say."""

    def __init__(self, request: Request, stream: Stream) -> None:
        self._request, self._stream = request, stream
        self._since = time.monotonic()

    async def pass_on(self, answer: Answer) -> None:
        """Send what comes, to its end."""
        lines, stream = Lines(), self._stream
        async for data in bodies.decoded(answer):
            for each in lines.feed(data):
                stream.feed(each)
            await self._send(stream.take())
            if stream.done:
                break
        for each in lines.end():
            stream.feed(each)
        stream.end()
        await self._send(stream.take())
        self._request.client.end()

    async def break_off(self, text: str) -> None:
        """Say what went wrong, and cut."""
        trouble = b"event: error\ndata: " + wire.error("api_error", text) + b"\n\n"
        await self._send(self._stream.take() + trouble)
        cut(self._request)

    async def _send(self, data: bytes) -> None:
        now = time.monotonic()
        if not data:
            if now - self._since < _PING_SECONDS:
                return
            self._stream.begin()
            data = self._stream.take() + _PING
        self._since = now
        client = self._request.client
        if not client.begun:
            client.begin(_STREAM)
        await client.send(data)
