"""A fake host of the OpenAI format that refuses whatever the published request schema does not have.

From https://platform.openai.com/docs/api-reference/chat/create, with what such hosts commonly refuse on top: empty
content, and a tool's result that answers no call.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from .gateway import Upstream, send_chunk, start_stream
from .messages_server import Handler, Request

Json = dict[str, Any]
_TOP = {
    "model", "messages", "max_tokens", "max_completion_tokens", "stream", "stream_options", "temperature", "top_p",
    "stop", "tools", "tool_choice", "parallel_tool_calls", "response_format",
}  # fmt: skip
_MESSAGES = {
    "system": {"role", "content"},
    "user": {"role", "content"},
    "assistant": {"role", "content", "tool_calls"},
    "tool": {"role", "content", "tool_call_id"},
}
_PARTS = {"text": {"type", "text"}, "image_url": {"type", "image_url"}}


def complaints(body: Json) -> list[str]:
    """Return what is wrong with a request."""
    found = [f"unknown field {name}" for name in body.keys() - _TOP]
    asked: set[str] = set()
    for index, message in enumerate(body.get("messages", [])):
        found += [f"messages.{index}: {what}" for what in _message(message, asked)]
    for tool in body.get("tools", []):
        function = tool.get("function", {})
        if tool.keys() != {"type", "function"} or function.keys() - {"name", "description", "parameters"}:
            found.append(f"tool {function.get('name')}: odd fields")
        if function.get("parameters", {}).get("type") != "object":
            found.append(f"tool {function.get('name')}: parameters are no object")
    return found


def _message(message: Json, asked: set[str]) -> Iterator[str]:
    allowed = _MESSAGES.get(message.get("role", ""))
    if allowed is None:
        yield f"role {message.get('role')}"
        return
    yield from (f"unknown field {name}" for name in message.keys() - allowed)
    calls = message.get("tool_calls") or []
    asked |= {call["id"] for call in calls}
    if message["role"] == "tool" and message.get("tool_call_id") not in asked:
        yield "answers no call"
    content = message.get("content")
    if not content and not calls:
        yield "no content"
    if isinstance(content, list):
        for part in content:
            if part.keys() != _PARTS.get(part.get("type", "")):
                yield f"part {part.get('type')} with {sorted(part)}"


Choose = Callable[[Json], Json]


def text(words: str) -> Choose:
    """Return what answers with words."""
    return lambda body: {"content": words}


def call(name: str, **arguments: Any) -> Json:
    """Return a message that calls a tool."""
    function = {"name": name, "arguments": json.dumps(arguments)}
    return {"content": None, "tool_calls": [{"id": "call_1", "type": "function", "function": function}]}


class OpenAiUpstream(Upstream):
    """Answers `/v1/chat/completions` with what `choose` makes of the body; a request that is wrong gets a 400."""

    def __init__(self, choose: Choose | None = None, strict: bool = True) -> None:
        super().__init__()
        self.strict = strict
        self.choose = choose or text("hello")
        self.complaints: list[str] = []
        self.pause: Callable[[], None] = lambda: None
        self.cut_after: int | None = None

    def behave(self, handler: Handler, request: Request) -> bool:
        """Answer in the OpenAI format."""
        if super().behave(handler, request):
            return True
        if request.path != "/v1/chat/completions":
            return False
        if wrong := complaints(request.body) if self.strict else []:
            self.complaints += wrong
            handler.reply_json(400, {"error": {"message": "; ".join(wrong), "type": "invalid_request_error"}})
            return True
        message = self.choose(request.body)
        if request.body.get("stream"):
            self._stream(handler, request.body, message)
        else:
            handler.reply_json(200, _completion(request.body, message))
        return True

    def _stream(self, handler: Handler, body: Json, message: Json) -> None:
        start_stream(handler)
        for number, chunk in enumerate(_chunks(body, message)):
            if number == self.cut_after:
                self.cut_after = None
                handler.close_connection = True
                handler.connection.shutdown(2)
                return
            send_chunk(handler, f"data: {json.dumps(chunk)}\n\n".encode())
            self.pause()
        send_chunk(handler, b"data: [DONE]\n\n")
        send_chunk(handler, b"")


def _completion(body: Json, message: Json) -> Json:
    finish = "tool_calls" if message.get("tool_calls") else "stop"
    return {
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": body["model"],
        "choices": [{"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}],
        "usage": {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12},
    }  # fmt: skip


def _chunks(body: Json, message: Json) -> Iterator[Json]:
    calls = [{"index": index, **one} for index, one in enumerate(message.get("tool_calls") or [])]
    words = (message.get("content") or "").split(" ") if message.get("content") else []
    deltas: list[Json] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": word if index == 0 else f" {word}"} for index, word in enumerate(words)]
    deltas += [{"tool_calls": [one]} for one in calls]
    base = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": body["model"]}
    for delta in deltas:
        yield {**base, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
    yield {**base, "choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls" if calls else "stop"}]}
    if (body.get("stream_options") or {}).get("include_usage"):
        usage = {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}
        yield {**base, "choices": [], "usage": usage}
